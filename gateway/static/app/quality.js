// How good a table is, and what to look at in it.
import { ShareBar } from "./parts.js";
import { text } from "./strings.js";
import { html } from "./vendor/htm-preact.js";

/** @import * as Api from "./documents.d.ts" */
/** @typedef {{ step: number, kind: string, phase: string, columns: readonly string[], state: string, isOff: boolean }} Step */

const RANK = /** @type {Record<string, number>} */ ({ error: 0, warning: 1, info: 2 });

/**
 * The scores of the uploaded table and of the cleaned one, with their parts.
 *
 * @param {{ before: Api.Quality, after: Api.Quality | null }} props `after` is null in results of earlier versions
 */
export const Quality = ({ before, after }) =>
  html`<p class="score">
      ${after ? html`${before.score.toFixed(0)} → ` : null}<strong>${(after ?? before).score.toFixed(0)}</strong> / 100
    </p>
    <dl class="parts">
      ${before.parts.map((part, index) => {
        const cleaned = after?.parts[index] ?? part;
        const [old, now] = [part.score.toFixed(0), cleaned.score.toFixed(0)];
        return html`<dt>${part.name}</dt>
          <dd title=${after ? text.overview.beforeAfter(part.why, cleaned.why) : part.why}>
            <${ShareBar} part=${cleaned.score} whole=${100} label=${part.name} kind=${cleaned.score < 80 ? "bad" : "good"} />
            <span>${old === now ? now : `${old} → ${now}`}</span>
          </dd>`;
      })}
    </dl>`;

/** The steps that deal with what an alert says, by its kind. */
const ANSWERS = /** @type {Record<string, RegExp>} */ ({
  missing_values: /^fill_/,
  sentinel: /^mask_sentinel$/,
  spelling_variants: /^(merge_levels|repair_by_dependency)$/,
  duplicate_rows: /^drop_duplicates$/,
  slips: /^rescale$/,
});

/**
 * The step of the cleaned table that has dealt with an alert; undefined if none has.
 *
 * @param {Api.Alert} alert
 * @param {readonly Step[]} steps
 */
const answerTo = (alert, steps) =>
  steps.find(
    (step) =>
      ANSWERS[alert.kind]?.test(step.kind) &&
      step.phase === "cleaning" &&
      step.state === "applied" &&
      !step.isOff &&
      (alert.column === null || step.columns.includes(alert.column)),
  );

/**
 * Alerts: the open ones first, of these the most severe.
 *
 * @param {{
 *   alerts: readonly Api.Alert[], most?: number, steps?: readonly Step[],
 *   linkTo?: (place: string, query: Record<string, string | number>) => string,
 * }} props without links and steps in a report
 */
export function Alerts({ alerts, most = alerts.length, steps = [], linkTo }) {
  if (!alerts.length) return html`<p class="soft">${text.overview.noAlerts}</p>`;
  const sorted = alerts
    .map((alert) => ({ alert, answer: answerTo(alert, steps) }))
    .sort((one, other) => rankOf(one) - rankOf(other));
  return html`<ul class="alerts">
    ${sorted.slice(0, most).map(({ alert, answer }) => {
      const { severity, column } = alert;
      const kind = answer ? "done" : severity;
      return html`<li class=${kind}>
        <span class=${`badge ${kind}`}>${answer ? text.overview.done : text.overview.severities[severity]}</span>
        <span>${alert.why}</span>
        ${column && linkTo ? html`<a href=${linkTo("columns", { column })}>${column}</a>` : null}
        ${answer && linkTo ? html`<a href=${linkTo("steps", { step: answer.step })}>${text.table.step} ${answer.step}</a>` : null}
      </li>`;
    })}
  </ul>`;
}

/** @type {(entry: { alert: Api.Alert, answer: Step | undefined }) => number} */
const rankOf = ({ alert, answer }) => RANK[alert.severity] + (answer ? 10 : 0);
