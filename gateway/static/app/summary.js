// What was done to a dataset, in five sentences with numbers.
import { count, counted, percent } from "./format.js";
import { text } from "./strings.js";

/** @import * as Api from "./documents.d.ts" */
/**
 * What the sentences are about.
 *
 * @typedef {{
 *   status: Pick<Api.DatasetStatus, "rows" | "columns" | "parse_plan">,
 *   profile: Pick<Api.Profile, "columns" | "target">,
 *   features: Pick<Api.Features, "output_features">,
 *   outliers: readonly { column: string, table: string, method: string, cellsChanged: number }[],
 *   amounts: readonly { kind: string, amount: number }[],
 * }} Facts
 */

/**
 * @param {Facts} facts
 * @returns {string[]}
 */
export function sentences({ status, profile, features, outliers, amounts }) {
  const words = text.overview;
  const plan = status.parse_plan;
  const how = plan ? [plan.format, plan.encoding, plan.sheet].filter(Boolean).join(", ") : "";
  const rejected = plan?.rejected_rows ? words.rejected(counted(plan.rejected_rows, "line")) : "";
  const mended = plan?.mended_rows ? words.mended(counted(plan.mended_rows, "line")) : "";
  const total = amounts.reduce((sum, { amount }) => sum + amount, 0);
  const parts = amounts.map(({ kind, amount }) => `${count(amount)} ${words.kinds[kind]}`).join(", ");
  const used = new Set(features.output_features.flatMap((feature) => feature.sources));
  return [
    words.read(count(status.rows), count(status.columns), how ? ` (${how})` : "") + rejected + mended,
    total ? words.changed(count(total), parts) : words.unchanged,
    outlierSentence(profile, outliers),
    words.features(counted(features.output_features.length, "feature"), counted(used.size, "column")),
    profile.target.column === null
      ? words.noTarget
      : words.target(profile.target.column, percent(profile.target.confidence, 1)),
  ];
}

/** @type {(profile: Facts["profile"], outliers: Facts["outliers"]) => string} */
function outlierSentence(profile, outliers) {
  const words = text.overview;
  const treated = outliers.filter((entry) => entry.table === "cleaned");
  if (!treated.length) return words.noOutliers;
  const isZscore = treated.some((entry) => entry.method === "zscore");
  const names = new Set(treated.map((entry) => entry.column));
  const outside = profile.columns
    .filter((column) => names.has(column.name))
    .map((column) => (isZscore ? column.numbers?.zscore : column.numbers?.iqr)?.outside ?? 0)
    .reduce((sum, amount) => sum + amount, 0);
  const changed = treated.reduce((sum, entry) => sum + entry.cellsChanged, 0);
  const what = changed ? words.outliersChanged(count(changed)) : words.outliersLeft;
  return words.outliers(counted(outside, "value"), counted(names.size, "column"), what);
}
