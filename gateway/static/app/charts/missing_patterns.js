// Missing patterns: which columns miss values in the same rows.
import { count, percent } from "../format.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";
import { cut } from "./scale.js";

/** @typedef {import("../documents.d.ts").MissingPatternsData} MissingPatternsData */

const ROW = 18;
const RIGHT = 110;
const CHARACTER = 7;
const LONGEST = 16;

/**
 * @param {MissingPatternsData} data
 * @param {number} width
 */
export function MissingPatterns(data, width) {
  const cell = Math.min(80, (width - RIGHT) / data.columns.length);
  const longest = Math.min(LONGEST, Math.max(...data.columns.map((name) => [...name].length)));
  const top = longest * CHARACTER * 0.8 + 12;
  const total = data.counts.reduce((sum, amount) => sum + amount, data.complete + data.other);
  const names = data.columns.map(
    (name, index) => html`<text class="label" transform=${`translate(${(index + 0.5) * cell} ${top - 6}) rotate(-50)`} text-anchor="start">
      ${cut(name, LONGEST)}
    </text>`,
  );
  const rows = data.patterns.map((pattern, row) => {
    const y = top + row * ROW;
    return html`<g>
      <title>${pattern.map((index) => data.columns[index]).join(", ")}</title>
      ${data.columns.map(
        (_, index) => html`<rect
          class=${pattern.includes(index) ? "after" : "track"}
          x=${index * cell + 1}
          y=${y}
          width=${Math.max(cell - 2, 1)}
          height=${ROW - 3}
        />`,
      )}
      <text class="tick" x=${data.columns.length * cell + 8} y=${y + ROW / 2 - 1} dy="0.32em">
        ${count(data.counts[row])} · ${percent(data.counts[row], total)}
      </text>
    </g>`;
  });
  return { content: [cell >= 10 ? names : null, rows], height: top + data.patterns.length * ROW + 6 };
}

/** @param {MissingPatternsData} data */
export function describeMissingPatterns(data) {
  const first = (data.patterns[0] ?? []).map((index) => data.columns[index]).join(", ");
  return text.charts.missingPatterns(count(data.complete), first, count(data.counts[0] ?? 0));
}
