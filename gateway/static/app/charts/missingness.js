// How much each column misses, as read and as cleaned.
import { count, percent } from "../format.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";
import { cut, scale } from "./scale.js";

/** @typedef {import("../documents.d.ts").MissingnessData} MissingnessData */

const ROW = 26;
const TOP = 6;
const CHARACTER = 7;

/**
 * @param {MissingnessData} data
 * @param {number} width
 */
export function Missingness(data, width) {
  const places = data.columns
    .map((_, index) => index)
    .filter((index) => data.before[index] || data.after[index])
    .sort((one, other) => data.before[other] - data.before[one]);
  const names = places.map((index) => data.columns[index]);
  const left = Math.min(width * 0.4, Math.max(60, ...names.map((name) => [...name].length * CHARACTER + 12)));
  const x = scale([0, data.rows], [left, width - 64]);
  const content = places.map((index, place) => {
    const top = TOP + place * ROW;
    const after = data.after[index];
    return html`<g>
      <title>${data.columns[index]}</title>
      <text class="label" x=${left - 8} y=${top + 11} dy="0.32em" text-anchor="end">
        ${cut(data.columns[index], Math.floor((left - 12) / CHARACTER))}
      </text>
      <rect class="track" x=${left} y=${top} width=${x(data.rows) - left} height="20" />
      <rect class="before" x=${left} y=${top} width=${x(data.before[index]) - left} height="20" />
      <rect class="after" x=${left} y=${top + 4} width=${x(after ?? 0) - left} height="12" />
      <text class="tick" x=${x(data.rows) + 6} y=${top + 11} dy="0.32em">
        ${after === null ? text.charts.dropped : percent(after, data.rows)}
      </text>
    </g>`;
  });
  return { content, height: TOP + places.length * ROW + 6 };
}

/** @param {MissingnessData} data */
export function describeMissingness(data) {
  const gaps = data.before.filter(Boolean).length;
  const worst = data.before.indexOf(Math.max(...data.before));
  return text.charts.missingness(count(gaps), data.columns[worst] ?? "", percent(data.before[worst] ?? 0, data.rows));
}
