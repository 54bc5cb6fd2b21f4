// A report in one file: what was done to a dataset, from documents that lie in the file itself.
import { Chart, Legend } from "./charts/chart.js";
import { count, counted, number, percent } from "./format.js";
import { Markdown } from "./markdown.js";
import { Alerts, Quality } from "./quality.js";
import { text } from "./strings.js";
import { sentences } from "./summary.js";
import { html, render } from "./vendor/htm-preact.js";

/** @import * as Api from "./documents.d.ts" */
/**
 * @typedef {{
 *   step: number, phase: "cleaning" | "outliers" | "features", state: string, why: string, confidence: number | null,
 *   cellsChanged: number,
 * }} Step
 * @typedef {import("./summary.js").Facts & {
 *   status: { filename: string, mode: string }, profile: Api.Profile, features: Api.Features, steps: Step[],
 *   charts: import("./charts/chart.js").AnyChart[], left_out: number,
 *   written: Pick<Api.CleaningReport, "summary" | "reasoning" | "recommendations" | "author"> | null,
 * }} Documents
 */

const WIDTH = 540;

/** @param {Documents} documents */
function Report(documents) {
  const { status, profile, features, steps, charts, left_out: leftOut, written } = documents;
  const quality = profile.quality;
  return html`<main class="report-file">
    <header class="dataset">
      <div>
        <h1>${status.filename}</h1>
        <p class="soft">${count(profile.rows)} × ${count(profile.columns.length)}, ${status.mode}</p>
      </div>
    </header>
    <div class="overview">
      <section class="card">
        <h2>${text.overview.happened}</h2>
        <ul class="sentences">${sentences(documents).map((line) => html`<li>${line}</li>`)}</ul>
      </section>
      ${quality ? html`<section class="card"><h2>${text.overview.quality}</h2><${Quality} before=${quality} after=${profile.cleaned_quality} /></section>` : null}
    </div>
    ${written ? html`<${Written} written=${written} />` : null}
    <h2>${text.overview.alerts}</h2>
    <${Alerts} alerts=${profile.alerts} />
    <h2>${text.dataset.tabs.steps}</h2>
    <${StepTable} steps=${steps} />
    <h2>${text.dataset.tabs.columns}</h2>
    <${ColumnTable} profile=${profile} />
    <h2>${text.dataset.tabs.charts}</h2>
    <${Legend} />
    <div class="gallery">
      ${charts.map((chart) => html`<figure class="card"><figcaption>${chart.title}</figcaption><${Chart} chart=${chart} width=${WIDTH} /></figure>`)}
    </div>
    ${leftOut ? html`<p class="soft">${text.report.leftOut(leftOut)}</p>` : null}
    <h2>${text.dataset.tabs.lineage}</h2>
    <div class="scroll"><table class="list">
      <thead>
        <tr><th>${text.lineage.feature}</th><th>${text.lineage.source}</th><th>${text.lineage.how}</th></tr>
      </thead>
      <tbody>
        ${features.output_features.map(
          (feature) => html`<tr><th scope="row">${feature.name}</th><td>${feature.sources.join(", ")}</td><td>${feature.why}</td></tr>`,
        )}
      </tbody>
    </table></div>
  </main>`;
}

/** @param {{ written: NonNullable<Documents["written"]> }} props */
const Written = ({ written }) =>
  html`<article class="report">
    <h2>${text.report.summary}</h2>
    <${Markdown} source=${written.summary} />
    <h2>${text.report.reasoning}</h2>
    <${Markdown} source=${written.reasoning} />
    <h2>${text.report.recommendations}</h2>
    <${Markdown} source=${written.recommendations} />
    <p class="soft">${text.report.author(written.author)}</p>
  </article>`;

/** @param {{ steps: Step[] }} props */
const StepTable = ({ steps }) =>
  html`<div class="scroll"><table class="list">
    <thead>
      <tr>
        <th class="number">${text.table.step}</th>
        <th>${text.lineage.how}</th>
        <th class="number">${text.versions.changed}</th>
      </tr>
    </thead>
    <tbody>
      ${steps.map(
        (step) => html`<tr>
          <td class="number">${step.step}</td>
          <td>
            ${step.why}
            <small class="soft">
              ${text.steps.phases[step.phase]}${step.state === "applied" ? "" : `, ${step.state}`}
              ${step.confidence === null ? "" : `, ${percent(step.confidence, 1)} ${text.steps.sure}`}
            </small>
          </td>
          <td class="number">${step.cellsChanged ? count(step.cellsChanged) : ""}</td>
        </tr>`,
      )}
    </tbody>
  </table></div>`;

/** @param {{ profile: Api.Profile }} props */
const ColumnTable = ({ profile }) =>
  html`<div class="scroll"><table class="list">
    <thead>
      <tr>
        <th>${text.drift.column}</th>
        <th>${text.columns.type}</th>
        <th class="number">${text.columns.missing}</th>
        <th class="number">${text.columns.distinct}</th>
        <th>${text.columns.values}</th>
      </tr>
    </thead>
    <tbody>
      ${profile.columns.map(
        (column) => html`<tr>
          <th scope="row">${column.name}</th>
          <td>${column.semantic_type ?? column.type}</td>
          <td class="number">${percent(column.missing, profile.rows)}</td>
          <td class="number">${count(column.distinct)}</td>
          <td>${valuesOf(column)}</td>
        </tr>`,
      )}
    </tbody>
  </table></div>`;

/** @param {Api.ColumnProfile} column */
function valuesOf({ numbers, timestamps, top_values: top }) {
  if (numbers) return `${number(numbers.minimum)} … ${number(numbers.median)} … ${number(numbers.maximum)}`;
  if (timestamps) return `${timestamps.first ?? "–"} … ${timestamps.last ?? "–"}`.replaceAll("T00:00:00", "");
  return top
    .slice(0, 5)
    .map((level) => `${level.value} (${counted(level.count, "cell")})`)
    .join(", ");
}

const documents = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("documents")).textContent ?? "{}");
render(html`<${Report} ...${documents} />`, document.body);
