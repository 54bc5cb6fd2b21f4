// The list of datasets.
import { call } from "../api.js";
import { isEnded } from "../events.js";
import { bytes, count, moment } from "../format.js";
import { link, useLoad, useToast } from "../hooks.js";
import { Choice, Failure, Field, Loading, Progress, StatusBadge } from "../parts.js";
import { text } from "../strings.js";
import { html, useEffect, useMemo, useState } from "../vendor/htm-preact.js";

/** @typedef {import("../documents.d.ts").DatasetStatus} DatasetStatus */

const PAGE = 50;
const POLL_MILLISECONDS = 2_000;
const UNDO_SECONDS = 10;
/** @type {Record<string, (one: DatasetStatus, other: DatasetStatus) => number>} */
const ORDERS = {
  created: (one, other) => String(other.created_at).localeCompare(String(one.created_at)),
  name: (one, other) => one.database_name.localeCompare(other.database_name),
  rows: (one, other) => other.rows - one.rows,
  size: (one, other) => other.size_bytes - one.size_bytes,
};

/** @param {{ turn: number }} props `turn` grows whenever the list is to be read again */
export function Datasets({ turn }) {
  const [pages, setPages] = useState(1);
  const list = useLoad((signal) => readPages(pages, signal), [pages, turn]);
  const [search, setSearch] = useState("");
  const [status, setStatus] = useState("");
  const [order, setOrder] = useState("created");
  const [deleted, setDeleted] = useState(/** @type {ReadonlySet<string>} */ (new Set()));
  const remove = useRemoval(setDeleted, list.reload);
  const datasets = list.data?.datasets;
  const isLive = datasets?.some((dataset) => !isEnded(dataset.status));
  useEffect(() => {
    if (!isLive) return undefined;
    const timer = setInterval(list.reload, POLL_MILLISECONDS);
    return () => clearInterval(timer);
  }, [isLive]);
  const shown = useMemo(() => {
    const words = search.toLowerCase();
    return (datasets ?? [])
      .filter((dataset) => !deleted.has(dataset.dataset_id))
      .filter((dataset) => !status || dataset.status === status)
      .filter((dataset) => `${dataset.filename} ${dataset.collaboration_id ?? ""}`.toLowerCase().includes(words))
      .sort(ORDERS[order]);
  }, [datasets, deleted, search, status, order]);
  const statuses = /** @type {[string, string][]} */ ([["", text.list.all], ...Object.entries(text.status)]);
  return html`<section aria-labelledby="list-title">
    <header class="row">
      <h2 id="list-title">${text.list.title}</h2>
      <${Usage} turn=${turn} />
    </header>
    <div class="filters">
      <${Field} label=${text.list.search}>
        <input type="search" value=${search} onInput=${(/** @type {any} */ event) => setSearch(event.currentTarget.value)} />
      <//>
      <${Choice} label=${text.list.status} value=${status} options=${statuses} onChange=${setStatus} />
      <${Choice} label=${text.list.sort} value=${order} options=${text.list.sorts} onChange=${setOrder} />
    </div>
    ${list.error ? html`<${Failure} error=${list.error} onRetry=${list.reload} />` : null}
    ${datasets ? html`<${List} datasets=${shown} isEmpty=${datasets.length === 0} onRemove=${remove} />` : list.isLoading ? html`<${Loading} />` : null}
    ${list.data?.hasMore ? html`<p><button onClick=${() => setPages(pages + 1)}>${text.more}</button></p>` : null}
  </section>`;
}

/**
 * @param {number} pages
 * @param {AbortSignal} signal
 */
async function readPages(pages, signal) {
  /** @type {DatasetStatus[]} */
  const datasets = [];
  let token = "";
  for (let page = 0; page < pages && (page === 0 || token); page += 1) {
    const answer = await call("listDatasets", { query: { page_size: PAGE, ...(token ? { page_token: token } : {}) }, signal });
    datasets.push(...answer.datasets);
    token = answer.next_page_token ?? "";
  }
  return { datasets, hasMore: Boolean(token) };
}

/**
 * Delete datasets after some seconds, in which that can be undone.
 *
 * @param {(change: (before: ReadonlySet<string>) => ReadonlySet<string>) => void} setDeleted
 * @param {() => void} onDeleted
 */
function useRemoval(setDeleted, onDeleted) {
  const toast = useToast();
  return (/** @type {DatasetStatus} */ dataset) => {
    const id = dataset.dataset_id;
    const restore = () => setDeleted((before) => new Set([...before].filter((other) => other !== id)));
    const send = (/** @type {boolean} */ keepalive) => call("deleteDataset", { path: { dataset_id: id }, keepalive });
    const finish = () => {
      removeEventListener("pagehide", leave);
      send(false).then(onDeleted, (error) => {
        restore();
        toast({ text: String(error.message) });
      });
    };
    const timer = setTimeout(finish, UNDO_SECONDS * 1000);
    const leave = () => {
      clearTimeout(timer);
      send(true).catch(() => undefined); // the page that would say so is gone
    };
    const undo = () => {
      clearTimeout(timer);
      removeEventListener("pagehide", leave);
      restore();
    };
    addEventListener("pagehide", leave);
    setDeleted((before) => new Set([...before, id]));
    toast({ text: text.list.deleted(dataset.filename), action: text.list.undo, onAction: undo, seconds: UNDO_SECONDS });
  };
}

/** @param {{ datasets: DatasetStatus[], isEmpty: boolean, onRemove: (dataset: DatasetStatus) => void }} props */
function List({ datasets, isEmpty, onRemove }) {
  if (!datasets.length) return html`<p class="soft">${isEmpty ? text.list.empty : text.list.noMatch}</p>`;
  const names = text.list.columns;
  return html`<div class="scroll" tabindex="0" role="region" aria-labelledby="list-title">
    <table class="list">
      <thead>
        <tr>
          <th>${names.name}</th>
          <th>${names.status}</th>
          <th class="number">${names.shape}</th>
          <th class="number">${names.size}</th>
          <th>${names.mode}</th>
          <th>${names.created}</th>
          <th><span class="hidden">${text.list.delete}</span></th>
        </tr>
      </thead>
      <tbody>
        ${datasets.map((dataset) => html`<${Row} key=${dataset.dataset_id} dataset=${dataset} onRemove=${onRemove} />`)}
      </tbody>
    </table>
  </div>`;
}

/** @param {{ dataset: DatasetStatus, onRemove: (dataset: DatasetStatus) => void }} props */
function Row({ dataset, onRemove }) {
  const isLive = !isEnded(dataset.status);
  return html`<tr>
    <td>
      <a href=${link(["dataset", dataset.dataset_id])}>${dataset.filename}</a>
      ${dataset.collaboration_id ? html`<small class="soft">${text.list.collaboration(dataset.collaboration_id)}</small>` : null}
    </td>
    <td>
      <${StatusBadge} status=${dataset.status} />
      ${isLive ? html`<${Progress} value=${dataset.progress} label=${dataset.progress_info} />` : null}
    </td>
    <td class="number">${text.list.shape(count(dataset.rows), count(dataset.columns))}</td>
    <td class="number">${bytes(dataset.size_bytes)}</td>
    <td>${dataset.mode}</td>
    <td>${moment(dataset.created_at)}</td>
    <td>
      <button class="plain" onClick=${() => onRemove(dataset)} aria-label=${`${text.list.delete} ${dataset.filename}`}>×</button>
    </td>
  </tr>`;
}

/** @param {{ turn: number }} props */
function Usage({ turn }) {
  const usage = useLoad((signal) => call("getUsage", { signal }), [turn]);
  if (!usage.data) return null;
  const parts = usage.data.modes.map((mode) =>
    text.list.used(mode.mode, mode.used, mode.limit === null ? text.list.unlimited : String(mode.limit)),
  );
  return html`<p class="soft">${text.list.usage}: ${parts.join(", ")}</p>`;
}
