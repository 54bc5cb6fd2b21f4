// Box plots: the values as read above those as cleaned.
import { count, number } from "../format.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";
import { numberTicks, scale, ticks } from "./scale.js";

/** @typedef {import("../documents.d.ts").BoxData} BoxData */
/** @typedef {import("../documents.d.ts").BoxplotData} BoxplotData */

const HEIGHT = 150;
const LEFT = 66;
const RIGHT = 14;
const BOTTOM = 28;
const ROW = 52;

/**
 * @param {BoxplotData} data
 * @param {number} width
 */
export function Boxplot(data, width) {
  const values = [data.before, data.after].flatMap((box) => (box ? valuesOf(box) : []));
  const low = Math.min(...values);
  const high = Math.max(...values);
  const margin = (high - low) * 0.02 || 1;
  const x = scale([low - margin, high + margin], [LEFT, width - RIGHT]);
  const room = Math.max(2, Math.floor((width - LEFT) / 64));
  const marks = numberTicks(ticks(low - margin, high + margin, room, data.whole), data.whole);
  const floor = HEIGHT - BOTTOM;
  const content = html`
    ${marks.map(
      ({ at, label }) => html`<line class="gridline" x1=${x(at)} x2=${x(at)} y1="6" y2=${floor} />
        <text class="tick" x=${x(at)} y=${HEIGHT - 8} text-anchor="middle">${label}</text>`,
    )}
    ${row("before", data.before, x, 34)} ${row("after", data.after, x, 34 + ROW)}
    <line class="axis" x1=${LEFT} x2=${width - RIGHT} y1=${floor} y2=${floor} />
    ${data.outside
      ? html`<text class="tick" x=${width - RIGHT} y="12" text-anchor="end">${text.charts.outside(count(data.outside))}</text>`
      : null}
  `;
  return { content, height: HEIGHT };
}

/** @param {BoxData} box */
export const valuesOf = (box) => [box.whisker_low, box.whisker_high, ...box.outliers];

/** @type {(kind: "before" | "after", box: BoxData | null, x: (value: number) => number, middle: number) => unknown} */
function row(kind, box, x, middle) {
  const label = html`<text class="tick" x=${LEFT - 8} y=${middle} dy="0.32em" text-anchor="end">
    ${kind === "before" ? text.charts.before : text.charts.after}
  </text>`;
  if (!box) return label;
  return html`${label}${boxMarks(kind, box, x, middle)}`;
}

/**
 * A box with its whiskers and outliers.
 *
 * @type {(kind: "before" | "after", box: BoxData, x: (value: number) => number, middle: number) => unknown}
 */
export function boxMarks(kind, box, x, middle) {
  return html`<line class="whisker" x1=${x(box.whisker_low)} x2=${x(box.q1)} y1=${middle} y2=${middle} />
    <line class="whisker" x1=${x(box.q3)} x2=${x(box.whisker_high)} y1=${middle} y2=${middle} />
    <rect class=${kind} x=${x(box.q1)} y=${middle - 13} width=${Math.max(x(box.q3) - x(box.q1), 1)} height="26" />
    <line class="median" x1=${x(box.median)} x2=${x(box.median)} y1=${middle - 13} y2=${middle + 13} />
    ${box.outliers.map((value) => html`<circle class="outlier" cx=${x(value)} cy=${middle} r="2.5" />`)}`;
}

/** @param {BoxplotData} data */
export function describeBoxplot(data) {
  const box = data.after ?? data.before;
  if (!box) return "";
  return text.charts.boxplot(number(box.q1), number(box.q3), number(box.median), count(box.outlier_count));
}
