// A chart of the service as SVG, from its data; each kind has a module of its own.
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";
import { Boxplot, describeBoxplot } from "./boxplot.js";
import { Correlation, describeCorrelation } from "./correlation.js";
import { Countplot, describeCountplot } from "./countplot.js";
import { describeGroupedBoxplot, GroupedBoxplot } from "./grouped_boxplot.js";
import { describeHistogram, Histogram } from "./histogram.js";
import { describeMissingPatterns, MissingPatterns } from "./missing_patterns.js";
import { describeMissingness, Missingness } from "./missingness.js";
import { describeScatter, Scatter } from "./scatter.js";
import { describeStackedBar, StackedBar } from "./stacked_bar.js";
import { describeTimeline, Timeline } from "./timeline.js";

/** @import * as Api from "../documents.d.ts" */
/** @typedef {Api.Operations["getGraph"]["answer"]} AnyChart */

/** @type {Record<string, { draw: Function, describe: Function }>} */
const KINDS = {
  histogram: { draw: Histogram, describe: describeHistogram },
  boxplot: { draw: Boxplot, describe: describeBoxplot },
  countplot: { draw: Countplot, describe: describeCountplot },
  correlation: { draw: Correlation, describe: describeCorrelation },
  missingness: { draw: Missingness, describe: describeMissingness },
  missing_patterns: { draw: MissingPatterns, describe: describeMissingPatterns },
  scatter: { draw: Scatter, describe: describeScatter },
  grouped_boxplot: { draw: GroupedBoxplot, describe: describeGroupedBoxplot },
  stacked_bar: { draw: StackedBar, describe: describeStackedBar },
  timeline: { draw: Timeline, describe: describeTimeline },
};

/**
 * A chart with its title, and what it shows in words for those who don't see it.
 *
 * @param {{ chart: AnyChart, width: number }} props
 */
export function Chart({ chart, width }) {
  const kind = KINDS[chart.kind];
  if (!kind) return html`<p>${text.charts.unknownKind}</p>`;
  const { content, height } = kind.draw(chart.data, width, chart.columns);
  return html`<svg
    class="chart"
    viewBox=${`0 0 ${width} ${height}`}
    width=${width}
    height=${height}
    role="img"
    aria-label=${`${chart.title}. ${kind.describe(chart.data)}`}
  >
    ${content}
  </svg>`;
}

/** Which colour is which table. */
export const Legend = () =>
  html`<p class="legend">
    <span><i class="swatch before"></i>${text.charts.before}</span>
    <span><i class="swatch after"></i>${text.charts.after}</span>
  </p>`;
