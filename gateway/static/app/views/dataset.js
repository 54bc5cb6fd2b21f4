// One dataset: its head, the preparation while it runs, and its places.
import { call, callPages } from "../api.js";
import { ApiError } from "../errors.js";
import { follow, isEnded } from "../events.js";
import { count, duration, moment } from "../format.js";
import { link, useLoad, useToast } from "../hooks.js";
import { Choice, errorText, Failure, Loading, Progress, StatusBadge } from "../parts.js";
import { text } from "../strings.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { Charts } from "./charts.js";
import { Comments } from "./comments.js";
import { Columns } from "./columns.js";
import { Drift } from "./drift.js";
import { Lineage } from "./lineage.js";
import { Overview } from "./overview.js";
import { Report } from "./report.js";
import { Steps } from "./steps.js";
import { Table } from "./table.js";
import { Versions } from "./versions.js";

/** @typedef {import("../documents.d.ts").DatasetStatus} DatasetStatus */
/** @typedef {import("../documents.d.ts").RunEvent} RunEvent */
/** @typedef {import("../documents.d.ts").Version} Version */
/** @typedef {import("../documents.d.ts").Comment} Comment */
/**
 * What the views of a dataset work on: one version of its results.
 *
 * @typedef {{
 *   id: string, status: DatasetStatus, version: number, versions: Version[],
 *   comments: Comment[], onCommented: () => void, isNewest: boolean, linkTo: (place: string, query?: Record<string, string | number>) => string, onChanged: () => void, query: URLSearchParams,
 * }} Subject
 */

/** @type {Record<string, (props: { subject: Subject }) => unknown>} */
const VIEWS = {
  overview: Overview,
  table: Table,
  steps: Steps,
  columns: Columns,
  charts: Charts,
  lineage: Lineage,
  versions: Versions,
  comments: Comments,
  drift: Drift,
  report: Report,
};

/**
 * @param {string} id
 * @param {AbortSignal} signal
 */
async function load(id, signal) {
  const path = { dataset_id: id };
  const status = await call("getDatasetStatus", { path, signal });
  const pages = await callPages("listVersions", { path, signal });
  const versions = pages.flatMap((page) => page.versions).sort((one, other) => other.version - one.version);
  return { status, versions };
}

/**
 * @param {string} id
 * @param {AbortSignal} signal
 */
async function loadComments(id, signal) {
  const pages = await callPages("listComments", { path: { dataset_id: id }, signal });
  return pages.flatMap((page) => page.comments);
}

/** @param {{ datasetId: string, route: import("../hooks.js").Route }} props */
export function Dataset({ datasetId, route }) {
  const state = useLoad((signal) => load(datasetId, signal), [datasetId]);
  const comments = useLoad((signal) => loadComments(datasetId, signal), [datasetId]);
  const [event, setEvent] = useState(/** @type {RunEvent | undefined} */ (undefined));
  const [isGone, setIsGone] = useState(false);
  const status = state.data?.status;
  const isLive = status !== undefined && !isEnded(status.status);
  useEffect(() => {
    if (status) document.title = `${status.filename} – ${text.name}`;
  }, [status?.filename]);
  useEffect(() => {
    if (!isLive) return undefined;
    const controller = new AbortController();
    setEvent(undefined);
    follow(datasetId, setEvent, controller.signal).then(
      (end) => (end === "removed" ? setIsGone(true) : end === "ended" && state.reload()),
      () => state.reload(),
    );
    return () => controller.abort();
  }, [datasetId, isLive]);
  if (isGone) return html`<p class="notice">${text.dataset.gone}</p>`;
  if (state.error) return html`<${Failure} error=${state.error} onRetry=${state.reload} />`;
  if (!status || !state.data) return html`<${Loading} />`;
  const { versions } = state.data;
  const version = Number(route.query.get("version")) || versions[0]?.version || 0;
  const isNewest = version === (versions[0]?.version ?? 0);
  /** @type {Subject} */
  const subject = {
    id: datasetId,
    status,
    version,
    versions,
    isNewest,
    linkTo: (name, query = {}) => link(["dataset", datasetId, name], isNewest ? query : { ...query, version }),
    onChanged: state.reload,
    comments: comments.data ?? [],
    onCommented: comments.reload,
    query: route.query,
  };
  return html`<${Head} subject=${subject} place=${route.parts[2] ?? "overview"} />
    ${isLive ? html`<${Preparation} subject=${subject} event=${event} />` : null}
    ${status.error ? html`<div class="notice error" role="alert">${text.overview.failed(status.error.detail)}</div>` : null}
    ${versions.length ? html`<${Views} subject=${subject} place=${route.parts[2] ?? "overview"} />` : null}`;
}

/** @param {{ subject: Subject, place: string }} props */
function Head({ subject, place }) {
  const { id, status, versions, version } = subject;
  const toast = useToast();
  const act = async (/** @type {"cancelDataset" | "retryDataset" | "applyProposal"} */ operation) => {
    try {
      await call(operation, { path: { dataset_id: id } });
    } catch (error) {
      toast({ text: errorText(error) });
    }
    subject.onChanged();
  };
  const words = versions.map((entry) => /** @type {[string, string]} */ ([
    String(entry.version),
    text.dataset.versionOf(entry.version, moment(entry.created_at)),
  ]));
  const canRetry = status.status === "failed" || status.status === "cancelled";
  return html`<header class="dataset">
    <div>
      <h1>${status.filename}</h1>
      <p class="soft">
        <${StatusBadge} status=${status.status} /> ${count(status.rows)} × ${count(status.columns)}, ${status.mode},
        ${" "}${moment(status.created_at)}
      </p>
    </div>
    <div class="actions">
      ${words.length > 1
        ? html`<${Choice}
            label=${text.dataset.version}
            value=${String(version)}
            options=${words}
            onChange=${(/** @type {string} */ chosen) => {
              location.hash = link(["dataset", id, place], { version: chosen });
            }}
          />`
        : null}
      ${isEnded(status.status) ? null : html`<button onClick=${() => act("cancelDataset")}>${text.dataset.cancel}</button>`}
      ${canRetry ? html`<button onClick=${() => act("retryDataset")}>${text.dataset.retry}</button>` : null}
      ${status.status === "proposed"
        ? html`<button class="main" onClick=${() => act("applyProposal")}>${text.dataset.apply}</button>`
        : null}
    </div>
    ${status.status === "proposed" ? html`<p class="notice wide">${text.dataset.proposal}</p>` : null}
  </header>`;
}

/** @param {{ subject: Subject, event: RunEvent | undefined }} props */
function Preparation({ subject, event }) {
  const stage = event?.stage ?? subject.status.stage;
  const parts = [text.stages[stage] ?? stage];
  if (event && event.queue_position !== null && stage === "queued") parts.push(text.upload.queue(event.queue_position));
  if (event && event.eta_seconds !== null) parts.push(text.upload.eta(duration(event.eta_seconds)));
  if (event && event.attempt > 1) parts.push(text.dataset.attempt(event.attempt));
  return html`<div class="card preparing" aria-live="polite">
    ${subject.versions.length ? html`<p>${text.dataset.preparing}</p>` : null}
    <p>${parts.join(", ")}</p>
    <${Progress} value=${event?.progress ?? subject.status.progress} label=${subject.status.filename} />
  </div>`;
}

/** @param {{ subject: Subject, place: string }} props */
function Views({ subject, place }) {
  const { links } = subject.status;
  const open = subject.comments.filter((comment) => !comment.resolved_by).length;
  const names = Object.keys(VIEWS).filter(
    (name) => (name !== "drift" || links.drift) && (name !== "report" || (links.report && subject.isNewest)),
  );
  const tabs = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    // On a narrow screen the tabs scroll.
    const tab = tabs.current?.querySelector("[aria-current]");
    if (tabs.current && tab instanceof HTMLElement) tabs.current.scrollLeft = tab.offsetLeft - tabs.current.clientWidth / 2;
  }, [place]);
  const View = Object.hasOwn(VIEWS, place) ? VIEWS[place] : undefined;
  return html`<nav class="tabs" ref=${tabs} aria-label=${subject.status.filename}>
      ${names.map(
        (name) => html`<a
          href=${subject.linkTo(name)}
          aria-current=${name === place ? "page" : undefined}
          >${text.dataset.tabs[name]}${name === "comments" && open ? html` <span class="badge">${count(open)}</span>` : null}</a
        >`,
      )}
    </nav>
    ${View ? html`<${View} key=${`${place} ${subject.version} ${place === "table" ? subject.query : ""}`} subject=${subject} />` : html`<p>${text.notFound}</p>`}`;
}

/**
 * Make a new version of the results, and read the dataset again.
 *
 * @param {Subject} subject
 * @param {() => Promise<unknown>} change
 * @returns {Promise<string>} why it was refused; empty if it was not
 */
export async function changeDataset(subject, change) {
  try {
    await change();
  } catch (error) {
    const isStale = error instanceof ApiError && error.reason === "RECIPE_CHANGED";
    return isStale ? text.steps.stale : errorText(error);
  }
  // Another version is looked at as soon as it is there.
  if (!subject.isNewest) location.hash = location.hash.replace(/[?&]version=\d+/, "");
  subject.onChanged();
  return "";
}
