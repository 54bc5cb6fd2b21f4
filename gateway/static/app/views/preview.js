// The first rows of the cleaned table, with marks where cells were changed.
import { callOnce } from "../api.js";
import { useLoad } from "../hooks.js";
import { Failure, Loading, Value } from "../parts.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";
import { classOf, indexChanges, noteOf } from "./changes.js";

const ROWS = 10;

/** @param {{ subject: import("./dataset.js").Subject }} props */
export function Preview({ subject }) {
  const query = { table: /** @type {const} */ ("cleaned"), limit: ROWS, changes: true, version: subject.version };
  const rows = useLoad(() => callOnce("queryRows", { path: { dataset_id: subject.id }, query }), [subject.id, subject.version]);
  if (rows.error) return html`<${Failure} error=${rows.error} onRetry=${rows.reload} />`;
  if (!rows.data) return html`<${Loading} />`;
  const { columns, rows: values, row_numbers: numbers } = rows.data;
  const changes = indexChanges(rows.data.changes);
  return html`<div class="scroll" tabindex="0" role="region" aria-labelledby="preview">
    <table class="list values">
      <thead>
        <tr>
          <th class="number">${text.table.row}</th>
          ${columns.map((column) => html`<th class=${classOf([], column.type)}>${column.name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${values.map(
          (row, index) => html`<tr>
            <th class="number" scope="row">${numbers[index]}</th>
            ${row.map((value, place) => {
              const made = changes.get(numbers[index], columns[place].name);
              return html`<td class=${classOf(made, columns[place].type)} title=${noteOf(made)}>
                <${Value} value=${value} type=${columns[place].type} />
              </td>`;
            })}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
