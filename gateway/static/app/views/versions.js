// The versions of the results, and two of them side by side.
import { count, moment } from "../format.js";
import { link } from "../hooks.js";
import { Choice } from "../parts.js";
import { text } from "../strings.js";
import { html, useState } from "../vendor/htm-preact.js";
import { Compare } from "./compare.js";

/** @typedef {import("../documents.d.ts").Version} Version */

/** @param {{ subject: import("./dataset.js").Subject }} props */
export function Versions({ subject }) {
  const { versions, id } = subject;
  const newest = String(versions[0]?.version ?? "");
  const [from, setFrom] = useState(String(versions[1]?.version ?? newest));
  const [to, setTo] = useState(newest);
  const words = versions.map((entry) => /** @type {[string, string]} */ ([String(entry.version), String(entry.version)]));
  return html`<p class="soft">${text.versions.lead}</p>
    <div class="scroll" tabindex="0" role="region" aria-label=${text.dataset.tabs.versions}>
      <table class="list">
        <thead>
          <tr>
            <th class="number">${text.versions.version}</th>
            <th>${text.versions.created}</th>
            <th>${text.versions.author}</th>
            <th>${text.versions.what}</th>
            <th class="number">${text.versions.changed}</th>
            <th class="number">${text.versions.rows}</th>
            <th><span class="hidden">${text.versions.view}</span></th>
          </tr>
        </thead>
        <tbody>
          ${versions.map(
            (entry) => html`<tr>
              <td class="number">${entry.version}</td>
              <td>${moment(entry.created_at)}</td>
              <td>${entry.author}</td>
              <td>${describe(entry)}</td>
              <td class="number">${count(entry.cells_changed)}</td>
              <td class="number">${count(entry.rows)}</td>
              <td><a href=${link(["dataset", id, "table"], { version: entry.version })}>${text.versions.view}</a></td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${versions.length > 1
      ? html`<h2>${text.versions.compare}</h2>
          <div class="filters">
            <${Choice} label=${text.versions.compare} value=${from} options=${words} onChange=${setFrom} />
            <${Choice} label=${text.versions.with} value=${to} options=${words} onChange=${setTo} />
          </div>
          <${Compare} id=${id} from=${Number(from)} to=${Number(to)} />`
      : null}`;
}

/** @param {Version} version */
function describe(version) {
  const parts = [];
  if (version.switched_off.length) parts.push(text.versions.off(version.switched_off.join(", ")));
  if (version.cells_undone) parts.push(text.versions.undone(version.cells_undone));
  if (version.steps_added) parts.push(text.versions.added(version.steps_added));
  for (const [column, kind] of Object.entries(version.types)) parts.push(`${column} = ${kind}`);
  for (const [column, role] of Object.entries(version.roles)) parts.push(`${column} = ${role}`);
  if (version.target) parts.push(version.target);
  return parts.join("; ") || text.versions.proposed;
}
