// A chart of the service as SVG, from its data; each kind has a module of its own.
import { text } from "../strings.js";
import { html } from "../vendor/htm-preact.js";
import { Boxplot, describeBoxplot } from "./boxplot.js";
import { Correlation, describeCorrelation } from "./correlation.js";
import { Countplot, describeCountplot } from "./countplot.js";
import { describeHistogram, Histogram } from "./histogram.js";
import { describeMissingness, Missingness } from "./missingness.js";

/** @import * as Api from "../documents.d.ts" */
/** @typedef {Api.HistogramChart | Api.BoxplotChart | Api.CountplotChart | Api.CorrelationChart | Api.MissingnessChart} AnyChart */

/** @type {Record<string, { draw: Function, describe: Function }>} */
const KINDS = {
  histogram: { draw: Histogram, describe: describeHistogram },
  boxplot: { draw: Boxplot, describe: describeBoxplot },
  countplot: { draw: Countplot, describe: describeCountplot },
  correlation: { draw: Correlation, describe: describeCorrelation },
  missingness: { draw: Missingness, describe: describeMissingness },
};

/**
 * A chart with its title, and what it shows in words for those who don't see it.
 *
 * @param {{ chart: AnyChart, width: number }} props
 */
export function Chart({ chart, width }) {
  const kind = KINDS[chart.kind];
  if (!kind) return html`<p>${text.charts.unknownKind}</p>`;
  const { content, height } = kind.draw(chart.data, width);
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
