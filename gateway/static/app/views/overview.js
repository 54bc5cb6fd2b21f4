// What was done to a dataset, in a few sentences, and where to go from there.
import { call, download } from "../api.js";
import { count, counted, percent } from "../format.js";
import { link, useLoad } from "../hooks.js";
import { Failure, Loading, ShareBar } from "../parts.js";
import { listSteps, readFeatures, readProfile } from "../results.js";
import { text } from "../strings.js";
import { html, useState } from "../vendor/htm-preact.js";
import { Preview } from "./preview.js";

/** @typedef {import("./dataset.js").Subject} Subject */
/** @import * as Api from "../documents.d.ts" */

const KINDS = /** @type {const} */ (["corrected", "filled", "emptied", "removed", "restyled", "hidden"]);
const RANK = /** @type {Record<string, number>} */ ({ error: 0, warning: 1, info: 2 });
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
      ${facts.data ? html`<ul class="sentences">${sentences(subject, facts.data).map((line) => html`<li>${line}</li>`)}</ul>` : html`<${Loading} />`}
      <${Downloads} subject=${subject} />
    </section>
    <section class="card" aria-labelledby="quality">
      <h2 id="quality">${text.overview.quality}</h2>
      ${facts.data?.profile.quality ? html`<${Quality} quality=${facts.data.profile.quality} />` : null}
    </section>
    <section class="card wide" aria-labelledby="preview">
      <header class="row">
        <h2 id="preview">${text.overview.preview}</h2>
        <span class="soft">${text.overview.previewHint}</span>
        <a href=${link(["dataset", subject.id, "table"], { version: subject.isNewest ? undefined : subject.version })}>
          ${text.overview.wholeTable}
        </a>
      </header>
      <${Preview} subject=${subject} />
    </section>
    <section class="card wide" aria-labelledby="alerts">
      <h2 id="alerts">${text.overview.alerts}</h2>
      ${facts.data ? html`<${Alerts} subject=${subject} alerts=${facts.data.profile.alerts} />` : null}
    </section>
  </div>`;
}

/** @type {(subject: Subject, facts: Awaited<ReturnType<typeof read>>) => string[]} */
function sentences(subject, { profile, features, steps, amounts }) {
  const { status } = subject;
  const words = text.overview;
  const plan = status.parse_plan;
  const how = plan ? [plan.format, plan.encoding, plan.sheet].filter(Boolean).join(", ") : "";
  const rejected = plan?.rejected_rows ? words.rejected(counted(plan.rejected_rows, "line")) : "";
  const mended = plan?.mended_rows ? words.mended(counted(plan.mended_rows, "line")) : "";
  const total = amounts.reduce((sum, { amount }) => sum + amount, 0);
  const parts = amounts.map(({ kind, amount }) => `${count(amount)} ${words.kinds[kind]}`).join(", ");
  const used = new Set(features.output_features.flatMap((feature) => feature.sources));
  return [
    words.read(count(status.rows), count(status.columns), how ? ` (${how})` : "") + rejected + mended,
    total ? words.changed(count(total), parts) : words.unchanged,
    outlierSentence(profile, steps),
    words.features(counted(features.output_features.length, "feature"), counted(used.size, "column")),
    profile.target.column === null
      ? words.noTarget
      : words.target(profile.target.column, percent(profile.target.confidence, 1)),
  ];
}

/** @type {(profile: Api.Profile, steps: import("../results.js").Step[]) => string} */
function outlierSentence(profile, steps) {
  const words = text.overview;
  const method = steps.find((step) => step.kind === "treat_outliers")?.recipe["method"];
  const treated = steps.filter((step) => step.kind === "treat_outliers" && step.recipe["table"] === "cleaned");
  const names = new Set(treated.flatMap((step) => step.columns));
  const outside = profile.columns
    .filter((column) => names.has(column.name))
    .map((column) => (method === "zscore" ? column.numbers?.zscore : column.numbers?.iqr)?.outside ?? 0)
    .reduce((sum, amount) => sum + amount, 0);
  if (!treated.length) return words.noOutliers;
  const changed = treated.reduce((sum, step) => sum + step.cellsChanged, 0);
  const what = changed ? words.outliersChanged(count(changed)) : words.outliersLeft;
  return words.outliers(counted(outside, "value"), counted(names.size, "column"), what);
}

/** @param {{ quality: Api.Quality }} props */
const Quality = ({ quality }) =>
  html`<p class="score"><strong>${quality.score.toFixed(0)}</strong> / 100</p>
    <dl class="parts">
      ${quality.parts.map(
        (part) => html`<dt>${part.name}</dt>
          <dd title=${part.why}>
            <${ShareBar} part=${part.score} whole=${100} label=${part.name} kind=${part.score < 80 ? "bad" : "good"} />
            <span>${part.score.toFixed(0)}</span>
          </dd>`,
      )}
    </dl>`;

/** @param {{ subject: Subject, alerts: Api.Alert[] }} props */
function Alerts({ subject, alerts }) {
  const [showsAll, setShowsAll] = useState(false);
  if (!alerts.length) return html`<p class="soft">${text.overview.noAlerts}</p>`;
  const sorted = [...alerts].sort((one, other) => RANK[one.severity] - RANK[other.severity]);
  const shown = showsAll ? sorted : sorted.slice(0, MOST_ALERTS);
  return html`<ul class="alerts">
      ${shown.map(
        (alert) => html`<li class=${alert.severity}>
          <span class=${`badge ${alert.severity}`}>${text.overview.severities[alert.severity]}</span>
          <span>${alert.why}</span>
          ${alert.column ? html`<a href=${link(["dataset", subject.id, "columns"], { column: alert.column })}>${alert.column}</a>` : null}
        </li>`,
      )}
    </ul>
    ${shown.length < sorted.length ? html`<button onClick=${() => setShowsAll(true)}>${text.more}</button>` : null}`;
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
    ["ZIP", text.overview.charts, () => download("getGraphsZip", path, { format: "png", version }, `${name}-charts.zip`)],
  ]);
  return html`<h3>${text.overview.downloads}</h3>
    <p class="downloads">
      ${files.map(([format, what, save]) => html`<button onClick=${save}>${what} <small>${format}</small></button>`)}
    </p>`;
}
