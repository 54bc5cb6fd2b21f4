// What was done to a dataset, in five sentences with numbers.
import { count, counted, percent } from "./format.js";
import { text } from "./strings.js";

/** @import * as Api from "./documents.d.ts" */
/**
 * What the sentences are about.
 *
 * @typedef {{
 *   status: Pick<Api.DatasetStatus, "rows" | "columns" | "parse_plan">,
 *   profile: Pick<Api.Profile, "target">,
 *   features: Pick<Api.Features, "output_features">,
 *   outliers: readonly { column: string, table: string, outliers: number, cellsChanged: number }[],
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
  const made = features.output_features.filter((feature) => feature.name !== profile.target.column);
  const used = new Set(made.flatMap((feature) => feature.sources));
  return [
    words.read(count(status.rows), count(status.columns), how ? ` (${how})` : "") + rejected + mended,
    total ? words.changed(count(total), parts) : words.unchanged,
    outlierSentence(outliers),
    words.features(counted(made.length, "feature"), counted(used.size, "column")),
    profile.target.column === null
      ? words.noTarget
      : words.target(profile.target.column, percent(profile.target.confidence, 1)),
  ];
}

/** @type {(outliers: Facts["outliers"]) => string} */
function outlierSentence(outliers) {
  const words = text.overview;
  const far = outliers.filter((entry) => entry.outliers);
  if (!far.length) return words.noOutliers;
  // A column may be looked at twice, for people and for models.
  const byColumn = new Map(far.map((entry) => [entry.column, entry.outliers]));
  const outside = [...byColumn.values()].reduce((sum, amount) => sum + amount, 0);
  const changed = (/** @type {string} */ table) =>
    far.filter((entry) => entry.table === table).reduce((sum, entry) => sum + entry.cellsChanged, 0);
  const inCleaned = changed("cleaned") ? words.outliersChanged(count(changed("cleaned"))) : words.outliersLeft;
  const forModels = changed("engineered") ? words.outliersMoved(count(changed("engineered"))) : "";
  return words.outliers(counted(outside, "value"), counted(byColumn.size, "column"), inCleaned + forModels);
}
