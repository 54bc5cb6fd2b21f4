// Timelines: the median and the middle half of a column over time.
import { count, number } from "../format.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";
import { numberTicks, scale, ticks, timeTicks } from "./scale.js";

/** @typedef {import("../documents.d.ts").TimelineData} TimelineData */

const HEIGHT = 220;
const LEFT = 62;
const RIGHT = 26;
const TOP = 20;
const BOTTOM = 28;

/**
 * @param {TimelineData} data
 * @param {number} width
 */
export function Timeline(data, width) {
  const spans = spansOf(data);
  const low = Math.min(...spans.map((span) => span.q1));
  const high = Math.max(...spans.map((span) => span.q3));
  const first = data.edges[0];
  const last = data.edges[data.edges.length - 1];
  const x = scale([first, last], [LEFT, width - RIGHT]);
  const y = scale([low, high], [HEIGHT - BOTTOM - 4, TOP]);
  const marks = timeTicks(first, last, Math.max(2, Math.floor((width - LEFT) / 90)));
  const points = (/** @type {typeof spans} */ run, /** @type {"q1" | "median" | "q3"} */ name) =>
    run.map((span) => `${x(span.at)},${y(span[name])}`);
  const content = html`
    ${numberTicks(ticks(low, high, 5, data.whole), data.whole).map(
      ({ at, label }) => html`<line class="gridline" x1=${LEFT} x2=${width - RIGHT} y1=${y(at)} y2=${y(at)} />
        <text class="tick" x=${LEFT - 6} y=${y(at)} dy="0.32em" text-anchor="end">${label}</text>`,
    )}
    ${runsOf(spans).map(
      (run) => html`<polygon class="band" points=${[...points(run, "q3"), ...points(run, "q1").reverse()].join(" ")} />
        <polyline class="line" points=${points(run, "median").join(" ")} />`,
    )}
    ${spans.map((span) => html`<circle class="dot" cx=${x(span.at)} cy=${y(span.median)} r="2" />`)}
    <text class="tick" x=${width - RIGHT} y="10" text-anchor="end">${text.charts.medianAndHalf}</text>
    <line class="axis" x1=${LEFT} x2=${width - RIGHT} y1=${HEIGHT - BOTTOM} y2=${HEIGHT - BOTTOM} />
    ${marks.map(
      ({ at, label }) => html`<line class="axis" x1=${x(at)} x2=${x(at)} y1=${HEIGHT - BOTTOM} y2=${HEIGHT - BOTTOM + 4} />
        <text class="tick" x=${x(at)} y=${HEIGHT - 8} text-anchor="middle">${label}</text>`,
    )}
  `;
  return { content, height: HEIGHT };
}

/** @param {TimelineData} data */
function spansOf(data) {
  return data.counts.flatMap((amount, index) => {
    const [q1, median, q3] = [data.q1[index], data.median[index], data.q3[index]];
    if (!amount || q1 === null || median === null || q3 === null) return [];
    return [{ index, at: (data.edges[index] + data.edges[index + 1]) / 2, q1, median, q3 }];
  });
}

/**
 * Spans without a gap between them: of a span without a value nothing is known, so no line leads over it.
 *
 * @param {ReturnType<typeof spansOf>} spans
 */
function runsOf(spans) {
  /** @type {ReturnType<typeof spansOf>[]} */
  const runs = [];
  for (const span of spans) {
    const last = runs.at(-1);
    if (last?.at(-1)?.index === span.index - 1) last.push(span);
    else runs.push([span]);
  }
  return runs;
}

/** @param {TimelineData} data */
export function describeTimeline(data) {
  const spans = spansOf(data);
  const total = data.counts.reduce((sum, amount) => sum + amount, 0);
  const day = (/** @type {number | undefined} */ seconds) => new Date((seconds ?? 0) * 1000).toISOString().slice(0, 10);
  const medians = spans.map((span) => span.median);
  return text.charts.timeline(
    count(total),
    day(data.edges[0]),
    day(data.edges.at(-1)),
    number(Math.min(...medians)),
    number(Math.max(...medians)),
  );
}
