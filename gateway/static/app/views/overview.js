// What was done to a dataset, in a few sentences, and where to go from there.
import { call, download } from "../api.js";
import { useLoad } from "../hooks.js";
import { Failure, Loading } from "../parts.js";
import { Alerts, Quality } from "../quality.js";
import { listSteps, readFeatures, readProfile } from "../results.js";
import { text } from "../strings.js";
import { sentences } from "../summary.js";
import { html, useState } from "../vendor/htm-preact.js";
import { Preview } from "./preview.js";

/** @typedef {import("./dataset.js").Subject} Subject */
/** @import * as Api from "../documents.d.ts" */

const KINDS = /** @type {const} */ (["corrected", "filled", "emptied", "removed", "restyled", "hidden"]);
const MOST_ALERTS = 8;

/** @param {Subject} subject */
async function read(subject) {
  const path = { dataset_id: subject.id };
  const [profile, features, steps, ...changes] = await Promise.all([
    readProfile(subject),
    readFeatures(subject),
    listSteps(subject),
    ...KINDS.map((kind) => call("listChanges", { path, query: { kind, page_size: 1, version: subject.version } })),
  ]);
  const amounts = KINDS.map((kind, index) => ({ kind, amount: changes[index].total_changes }));
  return { profile, features, steps, amounts: amounts.filter(({ amount }) => amount) };
}

/** @param {{ subject: Subject }} props */
export function Overview({ subject }) {
  const facts = useLoad(() => read(subject), [subject.id, subject.version]);
  if (facts.error) return html`<${Failure} error=${facts.error} onRetry=${facts.reload} />`;
  return html`<div class="overview">
    <section class="card" aria-labelledby="done">
      <h2 id="done">${text.overview.happened}</h2>
      ${facts.data ? html`<ul class="sentences">${sentences(toFacts(subject, facts.data)).map((line) => html`<li>${line}</li>`)}</ul>` : html`<${Loading} />`}
      <${Rejects} subject=${subject} />
      <${Downloads} subject=${subject} />
    </section>
    <section class="card" aria-labelledby="quality">
      <h2 id="quality">${text.overview.quality}</h2>
      ${facts.data?.profile.quality
        ? html`<${Quality} before=${facts.data.profile.quality} after=${facts.data.profile.cleaned_quality} />`
        : null}
    </section>
    <section class="card wide" aria-labelledby="preview">
      <header class="row">
        <h2 id="preview">${text.overview.preview}</h2>
        <span class="soft">${text.overview.previewHint}</span>
        <a href=${subject.linkTo("table")}>
          ${text.overview.wholeTable}
        </a>
      </header>
      <${Preview} subject=${subject} />
    </section>
    <section class="card wide" aria-labelledby="alerts">
      <h2 id="alerts">${text.overview.alerts}</h2>
      ${facts.data ? html`<${AlertList} subject=${subject} alerts=${facts.data.profile.alerts} steps=${facts.data.steps} />` : null}
    </section>
  </div>`;
}

/** @type {(subject: Subject, facts: Awaited<ReturnType<typeof read>>) => import("../summary.js").Facts} */
function toFacts({ status }, { profile, features, steps, amounts }) {
  const outliers = steps
    .filter((step) => step.kind === "treat_outliers")
    .map(({ columns, cellsChanged, outliers: amount, recipe }) => ({
      column: columns[0],
      table: String(recipe["table"]),
      outliers: amount,
      cellsChanged,
    }));
  return { status, profile, features, outliers, amounts };
}

/** @param {{ subject: Subject, alerts: Api.Alert[], steps: import("../results.js").Step[] }} props */
function AlertList({ subject, alerts, steps }) {
  const [most, setMost] = useState(MOST_ALERTS);
  return html`<${Alerts} alerts=${alerts} most=${most} steps=${steps} linkTo=${subject.linkTo} />
    ${most < alerts.length ? html`<button onClick=${() => setMost(alerts.length)}>${text.more}</button>` : null}`;
}

/** @param {{ subject: Subject }} props */
function Rejects({ subject }) {
  const path = { dataset_id: subject.id };
  const lines = useLoad((signal) => call("listRejects", { path, query: { page_size: 50 }, signal }), [subject.id]);
  if (!lines.data?.rejects.length) return null;
  return html`<details>
    <summary>${text.overview.rejects}</summary>
    <div class="scroll" tabindex="0" role="region" aria-label=${text.overview.rejects}>
      <table class="list">
        <thead>
          <tr><th class="number">${text.overview.line}</th><th>${text.overview.why}</th><th>${text.overview.content}</th></tr>
        </thead>
        <tbody>
          ${lines.data.rejects.map((line) => html`<tr><td class="number">${line.line || ""}</td><td>${line.why}</td><td>${line.text}</td></tr>`)}
        </tbody>
      </table>
    </div>
  </details>`;
}

/** @param {{ subject: Subject }} props */
function Downloads({ subject }) {
  const path = { dataset_id: subject.id };
  const { version } = subject;
  const name = subject.status.database_name;
  const files = /** @type {const} */ ([
    ["CSV", text.overview.cleaned, () => download("getCleanedTable", path, { format: "csv", version }, `${name}-cleaned.csv`)],
    ["Excel", text.overview.cleaned, () => download("getCleanedTable", path, { format: "xlsx", version }, `${name}-cleaned.xlsx`)],
    ["Parquet", text.overview.cleaned, () => download("getCleanedTable", path, { format: "parquet", version }, `${name}-cleaned.parquet`)],
    ["CSV", text.overview.engineered, () => download("getEngineeredTable", path, { format: "csv", version }, `${name}-engineered.csv`)],
    ["Parquet", text.overview.engineered, () => download("getEngineeredTable", path, { format: "parquet", version }, `${name}-engineered.parquet`)],
    ["CSV", text.overview.changes, () => download("listChanges", path, { format: "csv", version }, `${name}-changes.csv`)],
    ["Python", text.overview.code, () => download("exportRecipe", path, { format: "pandas", version }, `${name}.py`)],
    ["HTML", text.report.file, () => download("getHtmlReport", path, { version }, `${name}-report.html`)],
    ["ZIP", text.overview.charts, () => download("getGraphsZip", path, { format: "png", version }, `${name}-charts.zip`)],
  ]);
  return html`<h3>${text.overview.downloads}</h3>
    <p class="downloads">
      ${files.map(([format, what, save]) => html`<button onClick=${save}>${what} <small>${format}</small></button>`)}
    </p>
    <p class="soft">${text.overview.csvNote}</p>`;
}
