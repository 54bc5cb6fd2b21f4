// How a file differs from the one that the repeated recipe was made on.
import { callOnce } from "../api.js";
import { useLoad } from "../hooks.js";
import { Failure, Loading } from "../parts.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";

const RANK = /** @type {Record<string, number>} */ ({ broken: 0, moved: 1, stable: 2 });

/** @param {{ subject: import("./dataset.js").Subject }} props */
export function Drift({ subject }) {
  const options = { path: { dataset_id: subject.id }, query: { version: subject.version } };
  const drift = useLoad(() => callOnce("getDrift", options), [subject.id, subject.version]);
  if (drift.error) return html`<${Failure} error=${drift.error} onRetry=${drift.reload} />`;
  if (!drift.data) return html`<${Loading} />`;
  const { verdict, summary, columns, new_columns: added, missing_columns: gone, steps } = drift.data;
  const sorted = [...columns].sort((one, other) => RANK[one.verdict] - RANK[other.verdict]);
  return html`<p class="soft">${text.drift.lead}</p>
    <p class=${`notice ${verdict}`}><strong>${text.drift.verdicts[verdict]}.</strong> ${summary}</p>
    ${names(text.drift.newColumns, added)} ${names(text.drift.missingColumns, gone)}
    <div class="scroll" tabindex="0" role="region" aria-label=${text.dataset.tabs.drift}>
      <table class="list">
        <thead>
          <tr>
            <th>${text.drift.column}</th>
            <th>${text.drift.verdict}</th>
            <th>${text.drift.findings}</th>
          </tr>
        </thead>
        <tbody>
          ${sorted.map(
            (column) => html`<tr>
              <th scope="row">${column.column}</th>
              <td><span class=${`badge ${column.verdict}`}>${text.drift.verdicts[column.verdict]}</span></td>
              <td>${column.findings.join(" ")}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${steps.length
      ? html`<h2>${text.drift.steps}</h2>
          <ul>
            ${steps.map((step) => html`<li>${step.step}: ${step.why}</li>`)}
          </ul>`
      : null}`;
}

/** @type {(title: string, columns: string[]) => unknown} */
function names(title, columns) {
  return columns.length ? html`<p>${title}: ${columns.join(", ")}</p>` : null;
}
