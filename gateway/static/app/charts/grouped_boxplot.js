// Box plots of a column for each level of another one.
import { count, percent } from "../format.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";
import { boxMarks, countBeyond, limitsOf } from "./boxplot.js";
import { cut, numberTicks, scale, ticks, timeTicks } from "./scale.js";

/** @typedef {import("../documents.d.ts").GroupedBoxplotData} GroupedBoxplotData */

const ROW = 40;
const TOP = 6;
const BOTTOM = 28;
const RIGHT = 56;
const CHARACTER = 7;

/**
 * @param {GroupedBoxplotData} data
 * @param {number} width
 */
export function GroupedBoxplot(data, width) {
  const [low, high] = limitsOf(data.boxes);
  const beyond = data.boxes.reduce((sum, box) => sum + countBeyond([box], [low, high]), 0);
  const left = Math.min(width * 0.35, Math.max(48, ...data.labels.map((label) => [...label].length * CHARACTER + 12)));
  const x = scale([low, high], [left + 4, width - RIGHT]);
  const room = Math.max(2, Math.floor((width - left - RIGHT) / 72));
  const marks = data.kind === "time" ? timeTicks(low, high, room) : numberTicks(ticks(low, high, room, data.whole), data.whole);
  const floor = TOP + data.boxes.length * ROW;
  const most = Math.floor((left - 12) / CHARACTER);
  const content = html`
    ${marks.map(
      ({ at, label }) => html`<line class="gridline" x1=${x(at)} x2=${x(at)} y1=${TOP} y2=${floor} />
        <text class="tick" x=${x(at)} y=${floor + 18} text-anchor="middle">${label}</text>`,
    )}
    ${data.boxes.map((box, index) => {
      const middle = TOP + (index + 0.5) * ROW;
      return html`<g>
        <title>${data.labels[index]}</title>
        <text class="label" x=${left - 8} y=${middle} dy="0.32em" text-anchor="end">${cut(data.labels[index], most)}</text>
        ${boxMarks("after", box, x, middle, [low, high])}
        <text class="tick" x=${width - RIGHT + 8} y=${middle} dy="0.32em">${count(data.counts[index])}</text>
      </g>`;
    })}
    <line class="axis" x1=${left} x2=${width - RIGHT} y1=${floor} y2=${floor} />
  `;
  const note = beyond
    ? html`<text class="tick" x=${left} y=${floor + BOTTOM + 8}>${text.charts.beyond(count(beyond))}</text>`
    : null;
  return { content: [content, note], height: floor + BOTTOM + (beyond ? 14 : 0) };
}

/** @param {GroupedBoxplotData} data */
export function describeGroupedBoxplot(data) {
  return text.charts.groupedBoxplot(data.labels[0] ?? "", data.labels.at(-1) ?? "", percent(data.strength, 1));
}
