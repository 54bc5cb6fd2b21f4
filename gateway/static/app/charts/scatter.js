// Scatterplots: a point for each of some rows.
import { count, percent } from "../format.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";
import { cut, numberTicks, powerTicks, scale, ticks, timeTicks } from "./scale.js";

/** @typedef {import("../documents.d.ts").ScatterData} ScatterData */
/** @typedef {import("../documents.d.ts").AxisData} AxisData */

const HEIGHT = 280;
const LEFT = 62;
const RIGHT = 22;
const TOP = 26;
const BOTTOM = 46;

/**
 * @param {ScatterData} data
 * @param {number} width
 * @param {readonly string[]} columns those of x and y
 */
export function Scatter(data, width, columns) {
  const horizontal = axisOf(data.x, data.x_axis, [LEFT + 6, width - RIGHT], Math.floor((width - LEFT) / 72));
  const vertical = axisOf(data.y, data.y_axis, [HEIGHT - BOTTOM - 6, TOP + 6], 5);
  const floor = HEIGHT - BOTTOM;
  const most = Math.floor((width - LEFT) / 7);
  const content = html`
    ${vertical.marks.map(
      ({ at, label }) => html`<line class="gridline" x1=${LEFT} x2=${width - RIGHT} y1=${vertical.place(at)} y2=${vertical.place(at)} />
        <text class="tick" x=${LEFT - 6} y=${vertical.place(at)} dy="0.32em" text-anchor="end">${label}</text>`,
    )}
    ${horizontal.marks.map(
      ({ at, label }) => html`<line class="gridline" x1=${horizontal.place(at)} x2=${horizontal.place(at)} y1=${TOP} y2=${floor} />
        <text class="tick" x=${horizontal.place(at)} y=${floor + 16} text-anchor="middle">${label}</text>`,
    )}
    ${data.x.map((value, row) => html`<circle class="point" cx=${horizontal.place(value)} cy=${vertical.place(data.y[row])} r="3" />`)}
    <text class="label" x="4" y="14">${titleOf(columns[1], data.y_axis, most)}</text>
    <text class="label" x=${width - RIGHT} y=${HEIGHT - 6} text-anchor="end">${titleOf(columns[0], data.x_axis, most)}</text>
  `;
  return { content, height: HEIGHT };
}

/** @type {(values: readonly number[], axis: AxisData, range: readonly [number, number], room: number) => { place: (value: number) => number, marks: import("./scale.js").Tick[] }} */
function axisOf(values, axis, range, room) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (axis.scale === "log") {
    const place = scale([Math.log10(low), Math.log10(high)], range);
    return { place: (value) => place(Math.log10(value)), marks: powerTicks(low, high, 0, room) };
  }
  const marks =
    axis.kind === "time" ? timeTicks(low, high, Math.max(2, room)) : numberTicks(ticks(low, high, room, axis.whole), axis.whole);
  return { place: scale([low, high], range), marks };
}

/** @type {(name: string | undefined, axis: AxisData, most: number) => string} */
const titleOf = (name, axis, most) =>
  cut(name ?? "", most) + (axis.scale === "log" ? `, ${text.charts.logarithmic}` : "");

/** @param {ScatterData} data */
export function describeScatter(data) {
  return text.charts.scatter(count(data.rows), percent(data.strength, 1));
}
