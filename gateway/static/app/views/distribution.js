// The distribution of a column before and after a step.
import { Countplot } from "../charts/countplot.js";
import { Histogram } from "../charts/histogram.js";
import { useWidth } from "../hooks.js";
import { Legend } from "../charts/chart.js";
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";

/** @typedef {import("../documents.d.ts").Distribution} Distribution */

const MOST_LEVELS = 12;

/** @param {{ before: Distribution | null, after: Distribution | null }} props */
export function BeforeAfter({ before, after }) {
  const [ref, width] = useWidth(480);
  const drawing = draw(before, after, Math.min(width, 620));
  return html`<div ref=${ref}>
    ${drawing
      ? html`<${Legend} />
          <svg class="chart" width=${Math.min(width, 620)} height=${drawing.height} role="img" aria-label=${text.steps.distribution}>${drawing.content}</svg>`
      : null}
  </div>`;
}

/** @type {(before: Distribution | null, after: Distribution | null, width: number) => { content: unknown, height: number } | undefined} */
function draw(before, after, width) {
  const edges = (before?.edges.length ? before : after)?.edges ?? [];
  if (edges.length > 1) {
    const same = edges.length === after?.edges.length || !after?.edges.length || !before?.edges.length;
    if (!same) return undefined;
    const none = edges.slice(1).map(() => 0);
    const data = { edges, before: before?.counts.length ? before.counts : none, after: after?.counts.length ? after.counts : none };
    return Histogram({ ...data, axis: "number", whole: false, scale: "linear", linear_within: null, outside: 0 }, width);
  }
  const amounts = (/** @type {Distribution | null} */ part) => new Map(part?.levels.map((level) => [level.value, level.count]));
  const [first, second] = [amounts(before), amounts(after)];
  const labels = [...new Set([...first.keys(), ...second.keys()])].slice(0, MOST_LEVELS);
  if (!labels.length) return undefined;
  const counts = (/** @type {Map<string, number>} */ levels) => labels.map((label) => levels.get(label) ?? 0);
  const others = { other_before: 0, other_after: 0, distinct: labels.length };
  return Countplot({ labels, before: counts(first), after: counts(second), ...others }, width);
}
