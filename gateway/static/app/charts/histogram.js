// Histograms: the values as read behind those as cleaned.
import { count, number } from "../format.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";
import { numberTicks, powerTicks, scale, ticks, timeTicks } from "./scale.js";

/** @typedef {import("../documents.d.ts").HistogramData} HistogramData */

const HEIGHT = 220;
const LEFT = 46;
const RIGHT = 22;
const TOP = 20;
const BOTTOM = 28;

/**
 * @param {HistogramData} data
 * @param {number} width
 */
export function Histogram(data, width) {
  const { edges, before, after } = data;
  const low = edges[0];
  const high = edges[edges.length - 1];
  const most = Math.max(1, ...before, ...after);
  const toAxis = axisOf(data);
  const onAxis = scale([toAxis(low), toAxis(high)], [LEFT, width - RIGHT]);
  const x = (/** @type {number} */ value) => onAxis(toAxis(value));
  const y = scale([0, most], [HEIGHT - BOTTOM, TOP]);
  const room = Math.max(2, Math.floor((width - LEFT) / 64));
  const marks = marksOf(data, room);
  const heights = numberTicks(ticks(0, most, 5, true), true);
  const content = html`
    ${heights.map(
      ({ at, label }) => html`<line class="gridline" x1=${LEFT} x2=${width - RIGHT} y1=${y(at)} y2=${y(at)} />
        <text class="tick" x=${LEFT - 6} y=${y(at)} dy="0.32em" text-anchor="end">${label}</text>`,
    )}
    ${before.map((amount, bin) => bar("before", x(edges[bin]), x(edges[bin + 1]), y(amount), y(0)))}
    ${after.map((amount, bin) => bar("after", x(edges[bin]), x(edges[bin + 1]), y(amount), y(0)))}
    ${data.outside
      ? html`<text class="tick" x=${width - RIGHT} y=${TOP - 6} text-anchor="end">${text.charts.outside(count(data.outside))}</text>`
      : null}
    ${data.scale === "linear" ? null : html`<text class="tick" x=${LEFT} y=${TOP - 6}>${text.charts.logarithmic}</text>`}
    <line class="axis" x1=${LEFT} x2=${width - RIGHT} y1=${y(0)} y2=${y(0)} />
    ${marks.map(
      ({ at, label }) => html`<line class="axis" x1=${x(at)} x2=${x(at)} y1=${y(0)} y2=${y(0) + 4} />
        <text class="tick" x=${x(at)} y=${HEIGHT - 8} text-anchor="middle">${label}</text>`,
    )}
  `;
  return { content, height: HEIGHT };
}

/**
 * From values to places on the axis, which is logarithmic where the bins are.
 *
 * @param {HistogramData} data
 * @returns {(value: number) => number}
 */
function axisOf({ scale: kind, linear_within: within }) {
  if (kind === "log") return Math.log10;
  if (kind !== "symlog" || !within) return (value) => value;
  return (value) =>
    Math.abs(value) <= within ? value / within : Math.sign(value) * (1 + Math.log10(Math.abs(value) / within));
}

/**
 * @param {HistogramData} data
 * @param {number} room for so many
 */
function marksOf(data, room) {
  const { edges, axis, scale: kind, linear_within: within, whole } = data;
  const [low, high] = [edges[0], edges[edges.length - 1]];
  if (axis === "time") return timeTicks(low, high, Math.ceil(room * 0.7));
  if (kind === "linear") return numberTicks(ticks(low, high, room, whole), whole);
  return powerTicks(low, high, kind === "symlog" ? (within ?? 0) : 0, room);
}

/** @type {(kind: string, left: number, right: number, top: number, bottom: number) => unknown} */
function bar(kind, left, right, top, bottom) {
  if (bottom - top <= 0) return null;
  const gap = right - left > 4 ? 0.5 : 0;
  const inset = kind === "after" && right - left > 6 ? (right - left) * 0.16 : 0;
  const width = Math.max(right - left - 2 * (gap + inset), 0.5);
  return html`<rect class=${kind} x=${left + gap + inset} y=${top} width=${width} height=${bottom - top} />`;
}

/** @param {HistogramData} data */
export function describeHistogram(data) {
  const write = (/** @type {number} */ value) =>
    data.axis === "time" ? new Date(value * 1000).toISOString().slice(0, 10) : number(value);
  const counts = data.after.some(Boolean) ? data.after : data.before;
  const total = counts.reduce((sum, amount) => sum + amount, 0);
  const fullest = counts.indexOf(Math.max(...counts));
  const beyond = data.outside ? ` ${text.charts.outside(count(data.outside))}.` : "";
  const sentence = text.charts.histogram(    count(total),
    write(data.edges[0]),
    write(data.edges[data.edges.length - 1]),
    write(data.edges[fullest]),
    write(data.edges[fullest + 1]),
  );
  return sentence + beyond;
}
