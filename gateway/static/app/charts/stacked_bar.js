// Stacked bars: the shares of one column's levels within each level of another one.
import { count, percent } from "../format.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";
import { cut } from "./scale.js";

/** @typedef {import("../documents.d.ts").StackedBarData} StackedBarData */

const ROW = 28;
const TOP = 6;
const RIGHT = 56;
const CHARACTER = 7;
const SWATCH = 16;
const LEGEND_ROW = 20;
const SMALLEST_WRITTEN = 34;

/**
 * @param {StackedBarData} data
 * @param {number} width
 */
export function StackedBar(data, width) {
  const left = Math.min(width * 0.35, Math.max(48, ...data.labels.map((label) => [...label].length * CHARACTER + 12)));
  const room = width - left - RIGHT;
  const most = Math.floor((left - 12) / CHARACTER);
  const floor = TOP + data.labels.length * ROW;
  const rows = data.labels.map((label, row) => {
    const total = data.counts[row].reduce((sum, amount) => sum + amount, 0);
    const top = TOP + row * ROW;
    let x = left;
    return html`<g>
      <title>${label}</title>
      <text class="label" x=${left - 8} y=${top + 11} dy="0.32em" text-anchor="end">${cut(label, most)}</text>
      ${data.counts[row].map((amount, index) => {
        const size = total ? (amount / total) * room : 0;
        const start = x;
        x += size;
        return html`<rect class=${`class${index}`} x=${start} y=${top} width=${Math.max(size - 1, 0)} height="22" />
          ${size >= SMALLEST_WRITTEN
            ? html`<text class=${`share${index}`} x=${start + size / 2} y=${top + 11} dy="0.32em" text-anchor="middle">
                ${Math.round((100 * amount) / total)} %
              </text>`
            : null}`;
      })}
      <text class="tick" x=${width - RIGHT + 8} y=${top + 11} dy="0.32em">${count(total)}</text>
    </g>`;
  });
  const { content, lines } = legend(data.classes, floor + 10, width);
  return { content: [rows, content], height: floor + 14 + lines * LEGEND_ROW };
}

/** @type {(classes: readonly string[], top: number, width: number) => { content: unknown, lines: number }} */
function legend(classes, top, width) {
  let x = 4;
  let line = 0;
  const content = classes.map((name, index) => {
    const label = cut(name, 24);
    const size = SWATCH + [...label].length * CHARACTER + 14;
    if (x > 4 && x + size > width) [x, line] = [4, line + 1];
    const y = top + line * LEGEND_ROW;
    const start = x;
    x += size;
    return html`<rect class=${`class${index}`} x=${start} y=${y} width="11" height="11" />
      <text class="label" x=${start + SWATCH} y=${y + 6} dy="0.32em">${label}</text>`;
  });
  return { content, lines: line + 1 };
}

/** @param {StackedBarData} data */
export function describeStackedBar(data) {
  const shares = data.counts.map((row) => row[0] / Math.max(1, row.reduce((sum, amount) => sum + amount, 0)));
  const highest = shares.indexOf(Math.max(...shares));
  return text.charts.stackedBar(data.classes[0] ?? "", data.labels[highest] ?? "", percent(shares[highest] ?? 0, 1), percent(data.strength, 1));
}
