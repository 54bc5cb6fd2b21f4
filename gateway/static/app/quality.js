// How good a table is, and what to look at in it.
import { ShareBar } from "./parts.js";
import { text } from "./strings.js";
import { html } from "./vendor/htm-preact.js";

/** @import * as Api from "./documents.d.ts" */

const RANK = /** @type {Record<string, number>} */ ({ error: 0, warning: 1, info: 2 });

/** @param {{ quality: Api.Quality }} props */
export const Quality = ({ quality }) =>
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

/**
 * Alerts, the most severe first.
 *
 * @param {{ alerts: readonly Api.Alert[], most?: number, linkTo?: (column: string) => string }} props
 */
export function Alerts({ alerts, most = alerts.length, linkTo }) {
  if (!alerts.length) return html`<p class="soft">${text.overview.noAlerts}</p>`;
  const sorted = [...alerts].sort((one, other) => RANK[one.severity] - RANK[other.severity]);
  return html`<ul class="alerts">
    ${sorted.slice(0, most).map(
      (alert) => html`<li class=${alert.severity}>
        <span class=${`badge ${alert.severity}`}>${text.overview.severities[alert.severity]}</span>
        <span>${alert.why}</span>
        ${alert.column && linkTo ? html`<a href=${linkTo(alert.column)}>${alert.column}</a>` : null}
      </li>`,
    )}
  </ul>`;
}
