// What one version of the results of a dataset holds, read once.
import { callOnce, callPages } from "./api.js";

/** @import * as Api from "./documents.d.ts" */
/** @typedef {import("./charts/chart.js").AnyChart} AnyChart */
/** @typedef {{ id: string, version: number }} Results */
/**
 * A step of the recipe with what the logs say of it.
 *
 * @typedef {{
 *   step: number, kind: string, phase: "cleaning" | "outliers" | "features", columns: string[], outputs: string[],
 *   state: string, why: string, rule: string, confidence: number, cellsChanged: number, rowsRemoved: number,
 *   outliers: number, isOff: boolean, recipe: Record<string, unknown>,
 * }} Step
 */

/** @param {Results} results */
const options = ({ id, version }) => ({ path: { dataset_id: id }, query: { version } });

/** @param {Results} results */
export const readProfile = (results) => callOnce("getProfile", options(results));

/** @param {Results} results */
export const readFeatures = (results) => callOnce("getFeatures", options(results));

/** @type {Map<string, Promise<any>>} */
const lists = new Map();

/**
 * @template T
 * @param {string} name
 * @param {Results} results
 * @param {() => Promise<T>} read
 * @returns {Promise<T>}
 */
function once(name, { id, version }, read) {
  const key = `${name} ${id} ${version}`;
  let list = lists.get(key);
  if (!list) {
    list = read();
    list.catch(() => lists.delete(key));
    lists.set(key, list);
  }
  return list;
}

/**
 * The charts, without their data.
 *
 * @param {Results} results
 * @returns {Promise<Api.Graph[]>}
 */
export const listCharts = (results) =>
  once("charts", results, async () => {
    const pages = await callPages("listGraphs", options(results));
    return pages.flatMap((page) => page.graphs);
  });

/**
 * @param {Results} results
 * @param {string} graphId
 * @returns {Promise<AnyChart>}
 */
export function readChart({ id, version }, graphId) {
  const query = { format: /** @type {const} */ ("json"), version };
  return /** @type {Promise<any>} */ (callOnce("getGraph", { path: { dataset_id: id, graph_id: graphId }, query }));
}

/**
 * The steps of the recipe in their order.
 *
 * @param {Results} results
 * @returns {Promise<Step[]>}
 */
export const listSteps = (results) =>
  once("steps", results, async () => {
    const [recipe, cleaning, outliers, features] = await Promise.all([
      callOnce("getRecipe", options(results)),
      callPages("listCleaningLogs", options(results)),
      callPages("listOutlierLogs", options(results)),
      callPages("listFeatureLogs", options(results)),
    ]);
    /** @type {Map<number, Partial<Step>>} */
    const logged = new Map();
    for (const log of cleaning.flatMap((page) => page.logs)) {
      logged.set(log.step, { phase: "cleaning", state: log.state, why: log.why, cellsChanged: log.cells_changed });
    }
    for (const log of outliers.flatMap((page) => page.logs)) {
      const amounts = { cellsChanged: log.cells_changed, rowsRemoved: log.rows_removed, outliers: log.outliers };
      logged.set(log.step, { phase: "outliers", state: log.state, why: log.why, ...amounts });
    }
    for (const log of features.flatMap((page) => page.logs)) {
      logged.set(log.step, { phase: "features", state: log.state, why: log.why, columns: log.columns, outputs: log.outputs });
    }
    return recipe.steps.map((step, index) => toStep(/** @type {any} */ (step), index + 1, logged.get(index + 1) ?? {}));
  });

/** @type {(recipe: Record<string, any>, step: number, logged: Partial<Step>) => Step} */
function toStep(recipe, step, logged) {
  return {
    step,
    kind: recipe.kind,
    phase: recipe.phase === "features" ? "features" : "cleaning",
    columns: recipe.column ? [recipe.column] : [],
    outputs: [],
    state: recipe.skipped ? "skipped" : "applied",
    why: recipe.skipped ?? recipe.why,
    rule: recipe.rule,
    confidence: recipe.confidence,
    cellsChanged: 0,
    rowsRemoved: 0,
    outliers: 0,
    isOff: recipe.is_off,
    recipe,
    ...logged,
    // The log of a step that is off says no more than that.
    ...(recipe.is_off ? { why: recipe.why } : {}),
  };
}
