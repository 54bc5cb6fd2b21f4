// The changes of the cells of a page of rows.
import { isNumeric } from "../parts.js";
import { text } from "../strings.js";

/** @typedef {import("../documents.d.ts").Change} Change */

/**
 * Changes by their row and column.
 *
 * @param {readonly Change[]} changes
 */
export function indexChanges(changes) {
  /** @type {Map<number, Map<string, Change[]>>} */
  const byRow = new Map();
  for (const change of changes) {
    const row = byRow.get(change.row) ?? new Map();
    byRow.set(change.row, row);
    row.set(change.column, [...(row.get(change.column) ?? []), change]);
  }
  return {
    /** @type {(row: number, column: string) => readonly Change[]} */
    get: (row, column) => byRow.get(row)?.get(column) ?? [],
    /** @type {(row: number) => readonly string[]} */
    columnsOf: (row) => [...(byRow.get(row)?.keys() ?? [])],
  };
}

/**
 * What was done to a cell, in a line.
 *
 * @param {readonly Change[]} changes
 */
export const noteOf = (changes) =>
  changes.length
    ? changes.map((change) => `${change.before ?? text.missing} → ${change.after ?? text.missing} (${change.rule})`).join("; ")
    : undefined;

/**
 * @param {readonly Change[]} changes of a cell
 * @returns {boolean} true if it is as the file has it again
 */
export const isUndone = (changes) => changes.length > 1 && changes[changes.length - 1].after === changes[0].before;

/**
 * How a cell is shown: what was done to it last, and what it holds.
 *
 * @param {readonly Change[]} changes
 * @param {string} type the storage type of its column
 */
export function classOf(changes, type) {
  const mark = changes.length && !isUndone(changes) ? `changed ${changes[changes.length - 1].kind ?? ""}` : "";
  return isNumeric(type) ? `${mark} number` : mark;
}
