// How often each value occurs, as read and as cleaned.
import { compact, count } from "../format.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";
import { cut, scale } from "./scale.js";

/** @typedef {import("../documents.d.ts").CountplotData} CountplotData */

const ROW = 26;
const TOP = 6;
const CHARACTER = 7;

/**
 * @param {CountplotData} data
 * @param {number} width
 */
export function Countplot(data, width) {
  const left = Math.min(width * 0.4, Math.max(60, ...data.labels.map((label) => [...label].length * CHARACTER + 12)));
  const most = Math.max(1, ...data.before, ...data.after);
  const x = scale([0, most], [left, width - 56]);
  const rows = data.labels.map((label, index) => bars(label, data.before[index], data.after[index], x, left, index));
  const hasOthers = data.other_before + data.other_after > 0;
  const others = text.charts.others(count(Math.max(data.distinct - data.labels.length, 0)), count(data.other_after));
  const height = TOP + data.labels.length * ROW + (hasOthers ? ROW : 6);
  // The others together are no bar, which would squash the rest.
  const note = hasOthers ? html`<text class="tick" x=${left} y=${height - 9}>${others}</text>` : null;
  return { content: [rows, note], height };
}

/** @type {(label: string, before: number, after: number, x: (value: number) => number, left: number, index: number) => unknown} */
function bars(label, before, after, x, left, index) {
  const top = TOP + index * ROW;
  const most = Math.floor((left - 12) / CHARACTER);
  return html`<g>
    <title>${label}</title>
    <text class="label" x=${left - 8} y=${top + 11} dy="0.32em" text-anchor="end">${cut(label, most)}</text>
    <rect class="before" x=${left} y=${top} width=${Math.max(x(before) - left, 0)} height="20" />
    <rect class="after" x=${left} y=${top + 4} width=${Math.max(x(after) - left, 0)} height="12" />
    <text class="tick" x=${Math.max(x(before), x(after)) + 6} y=${top + 11} dy="0.32em">${compact(after)}</text>
  </g>`;
}

/** @param {CountplotData} data */
export function describeCountplot(data) {
  const total = data.after.reduce((sum, amount) => sum + amount, data.other_after);
  return text.charts.countplot(count(data.distinct), data.labels[0] ?? "", count(data.after[0] ?? 0), count(total));
}
