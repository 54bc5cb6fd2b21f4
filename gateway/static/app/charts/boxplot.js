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
/** The whiskers span at least this share of the axis. */
const SMALLEST_CORE = 0.04;

/**
 * @param {BoxplotData} data
 * @param {number} width
 */
export function Boxplot(data, width) {
  const [low, high] = limitsOf([data.before, data.after].filter((box) => box !== null));
  const beyond = countBeyond([data.before, data.after].filter((box) => box !== null), [low, high]);
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
    ${row("before", data.before, x, 34, [low, high])} ${row("after", data.after, x, 34 + ROW, [low, high])}
    <line class="axis" x1=${LEFT} x2=${width - RIGHT} y1=${floor} y2=${floor} />
    ${data.outside
      ? html`<text class="tick" x=${width - RIGHT} y="12" text-anchor="end">${text.charts.outside(count(data.outside))}</text>`
      : beyond
        ? html`<text class="tick" x=${width - RIGHT} y="12" text-anchor="end">${text.charts.beyond(count(beyond))}</text>`
        : null}
  `;
  return { content, height: HEIGHT };
}

/**
 * The limits of an axis: all values, unless outliers would leave the whiskers no room.
 *
 * @param {readonly BoxData[]} boxes
 * @returns {[number, number]}
 */
export function limitsOf(boxes) {
  const values = boxes.flatMap((box) => [box.whisker_low, box.whisker_high, ...box.outliers]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const inner = [Math.min(...boxes.map((box) => box.whisker_low)), Math.max(...boxes.map((box) => box.whisker_high))];
  const core = inner[1] - inner[0];
  if (!(core > 0 && core < SMALLEST_CORE * (high - low))) return [low, high];
  return [Math.max(low, inner[0] - 2 * core), Math.min(high, inner[1] + 2 * core)];
}

/**
 * How many outliers of a box lie beyond the limits of an axis, at most.
 *
 * @type {(boxes: readonly BoxData[], limits: readonly [number, number]) => number}
 */
export const countBeyond = (boxes, [low, high]) =>
  Math.max(0, ...boxes.map((box) => box.outliers.filter((value) => value < low || value > high).length));

/** @type {(kind: "before" | "after", box: BoxData | null, x: (value: number) => number, middle: number, limits: readonly [number, number]) => unknown} */
function row(kind, box, x, middle, limits) {
  const label = html`<text class="tick" x=${LEFT - 8} y=${middle} dy="0.32em" text-anchor="end">
    ${kind === "before" ? text.charts.before : text.charts.after}
  </text>`;
  if (!box) return label;
  return html`${label}${boxMarks(kind, box, x, middle, limits)}`;
}

/**
 * A box with its whiskers and outliers.
 *
 * @type {(kind: "before" | "after", box: BoxData, x: (value: number) => number, middle: number, limits: readonly [number, number]) => unknown}
 */
export function boxMarks(kind, box, x, middle, [low, high]) {
  return html`<line class="whisker" x1=${x(box.whisker_low)} x2=${x(box.q1)} y1=${middle} y2=${middle} />
    <line class="whisker" x1=${x(box.q3)} x2=${x(box.whisker_high)} y1=${middle} y2=${middle} />
    <rect class=${kind} x=${x(box.q1)} y=${middle - 13} width=${Math.max(x(box.q3) - x(box.q1), 1)} height="26" />
    <line class="median" x1=${x(box.median)} x2=${x(box.median)} y1=${middle - 13} y2=${middle + 13} />
    ${box.outliers.filter((value) => value >= low && value <= high).map((value) => html`<circle class="outlier" cx=${x(value)} cy=${middle} r="2.5" />`)}`;
}

/** @param {BoxplotData} data */
export function describeBoxplot(data) {
  const box = data.after ?? data.before;
  if (!box) return "";
  return text.charts.boxplot(number(box.q1), number(box.q3), number(box.median), count(box.outlier_count));
}
