// From the columns of the upload to the features of the table for models.
import { callOnce } from "../api.js";
import { useLoad } from "../hooks.js";
import { Failure, Field, Loading } from "../parts.js";
import { text } from "../strings.js";
import { html, useState } from "../vendor/htm-preact.js";

/** @param {{ subject: import("./dataset.js").Subject }} props */
export function Lineage({ subject }) {
  const options = { path: { dataset_id: subject.id }, query: { version: subject.version } };
  const features = useLoad(() => callOnce("getFeatures", options), [subject.id, subject.version]);
  const [search, setSearch] = useState("");
  if (features.error) return html`<${Failure} error=${features.error} onRetry=${features.reload} />`;
  if (!features.data) return html`<${Loading} />`;
  const { input_features: inputs, output_features: outputs } = features.data;
  const words = search.toLowerCase();
  const rows = inputs
    .map((input) => ({ input, made: outputs.filter((output) => output.sources.includes(input.name)) }))
    .filter(({ input, made }) =>
      [input.name, ...made.map((output) => output.name)].some((name) => name.toLowerCase().includes(words)),
    );
  return html`<p class="soft">${text.lineage.lead}</p>
    <${Field} label=${text.lineage.search}>
      <input type="search" value=${search} onInput=${(/** @type {any} */ event) => setSearch(event.currentTarget.value)} />
    <//>
    <div class="scroll" tabindex="0" role="region" aria-label=${text.dataset.tabs.lineage}>
      <table class="list lineage">
        <thead>
          <tr>
            <th>${text.lineage.source}</th>
            <th>${text.lineage.feature}</th>
            <th>${text.lineage.how}</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(({ input, made }) =>
            (made.length ? made : [undefined]).map(
              (output, index) => html`<tr class=${index ? "" : "first"}>
                ${index
                  ? null
                  : html`<th scope="rowgroup" rowspan=${Math.max(made.length, 1)}>
                      <a href=${subject.linkTo("columns", { column: input.name })}>${input.name}</a>
                      <small class="soft">${input.type}, ${input.role}</small>
                    </th>`}
                <td>${output ? output.name : html`<i class="missing">${text.lineage.unused}</i>`}</td>
                <td>${output?.why ?? ""}</td>
              </tr>`,
            ),
          )}
        </tbody>
      </table>
    </div>`;
}
