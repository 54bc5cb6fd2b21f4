// The correlations of numeric columns, with numbers where there is room.
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";
import { cut } from "./scale.js";

/** @typedef {import("../documents.d.ts").CorrelationData} CorrelationData */

const CHARACTER = 7;
const SMALLEST_WITH_NUMBERS = 34;

/**
 * @param {CorrelationData} data
 * @param {number} width
 */
export function Correlation(data, width) {
  const amount = data.columns.length;
  const label = Math.min(width * 0.3, Math.max(...data.columns.map((name) => [...name].length)) * CHARACTER + 10);
  const cell = Math.max(3, Math.min(56, (width - label - 4) / amount));
  const height = label * 0.8 + cell * amount + 4;
  const top = label * 0.8;
  const most = Math.floor((label - 10) / CHARACTER);
  const cells = data.matrix.flatMap((row, y) =>
    row.map((value, x) => square(value, label + x * cell, top + y * cell, cell, data.columns[y], data.columns[x])),
  );
  const showsNames = cell >= 10;
  const names = data.columns.map(
    (name, index) => html`<text class="label" x=${label - 6} y=${top + (index + 0.5) * cell} dy="0.32em" text-anchor="end">
        ${cut(name, most)}
      </text>
      <text
        class="label"
        transform=${`translate(${label + (index + 0.5) * cell} ${top - 6}) rotate(-50)`}
        text-anchor="start"
      >
        ${cut(name, most)}
      </text>`,
  );
  return { content: [cells, showsNames ? names : null], height };
}

/** @type {(value: number | null, x: number, y: number, size: number, first: string, second: string) => unknown} */
function square(value, x, y, size, first, second) {
  const strength = Math.min(Math.abs(value ?? 0), 1);
  const kind = value === null ? "undefined" : value < 0 ? "negative" : "positive";
  const isStrong = strength > 0.6;
  return html`<g>
    <title>${text.charts.pair(first, second, value === null ? "–" : value.toFixed(2))}</title>
    <rect class=${`cell ${kind}`} x=${x} y=${y} width=${size - 1} height=${size - 1} fill-opacity=${0.06 + 0.94 * strength} />
    ${size >= SMALLEST_WITH_NUMBERS && value !== null
      ? html`<text class=${isStrong ? "value strong" : "value"} x=${x + size / 2} y=${y + size / 2} dy="0.32em" text-anchor="middle">
          ${value.toFixed(2).replace(/^-?0.00$/, "0").replace("-0.", "−.").replace(/^0\./, ".")}
        </text>`
      : null}
  </g>`;
}

/** @param {CorrelationData} data */
export function describeCorrelation(data) {
  let best = { first: "", second: "", value: 0 };
  data.matrix.forEach((row, y) =>
    row.forEach((value, x) => {
      if (x > y && value !== null && Math.abs(value) > Math.abs(best.value)) {
        best = { first: data.columns[y], second: data.columns[x], value };
      }
    }),
  );
  return text.charts.correlation(data.columns.length, best.first, best.second, best.value.toFixed(2));
}
