// The rows of a query, fetched page by page as they are looked at.
import { call } from "../api.js";
import { indexChanges } from "./changes.js";

/** @import * as Api from "../documents.d.ts" */
/** @typedef {Api.Operations["queryRows"]["query"]} Query */
/** @typedef {Api.RowsPage["rows"][number]} Row */
/** @typedef {ReturnType<typeof indexChanges>} Changes */
/** @typedef {{ rows: Row[], numbers: number[], changes: Changes }} Page */

export const PAGE = 100;
const MOST_PAGES = 60;

export class RowPages {
  /**
   * @param {string} datasetId
   * @param {Query} query
   * @param {() => void} onPage called when a page has come
   */
  constructor(datasetId, query, onPage) {
    this.path = { dataset_id: datasetId };
    this.query = { ...query, changes: true };
    this.onPage = onPage;
    this.controller = new AbortController();
    /** @type {Map<number, Page | "loading">} */
    this.pages = new Map();
    /** @type {Api.RowColumn[]} */
    this.columns = [];
    this.total = 0;
    /** @type {unknown} */
    this.error = undefined;
    this.isReady = false;
  }

  /** Forget everything, and answer nothing that is still asked for. */
  close() {
    this.controller.abort();
  }

  /**
   * The page of a row; undefined until it has come.
   *
   * @param {number} index
   * @returns {{ row: Row, number: number, changes: Changes } | undefined}
   */
  rowAt(index) {
    const page = this.pages.get(Math.floor(index / PAGE));
    const place = index % PAGE;
    if (!page || page === "loading" || place >= page.rows.length) return undefined;
    return { row: page.rows[place], number: page.numbers[place], changes: page.changes };
  }

  /**
   * Fetch the pages of some rows that are not there yet.
   *
   * @param {number} first
   * @param {number} last
   */
  want(first, last) {
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page += 1) {
      if (!this.pages.has(page)) this.#fetch(page);
    }
  }

  /**
   * The next row at or behind an index that has a change; undefined if there is none.
   *
   * @param {number} index
   */
  async nextChange(index) {
    const answer = await this.#ask(index, 1);
    return answer.changes.length ? index : (answer.next_change ?? undefined);
  }

  /**
   * The place of a row of the upload among all rows; undefined if it is none of them.
   *
   * @param {number} number from 1
   */
  async findRow(number) {
    let index = Math.min(number, this.total) - 1;
    // Rows are in the order of the upload, and some may have been removed: each look comes nearer from behind.
    while (index >= 0) {
      const { row_numbers: numbers } = await this.#ask(index, 1);
      const distance = (numbers[0] ?? number) - number;
      if (distance === 0) return index;
      if (distance < 0) return undefined;
      index -= distance;
    }
    return undefined;
  }

  /** @param {number} page */
  async #fetch(page) {
    this.pages.set(page, "loading");
    try {
      const first = await this.#ask(page * PAGE, PAGE);
      this.columns = first.columns;
      this.total = first.total_rows;
      const { rows, row_numbers: numbers, changes } = first;
      const amount = Math.min(PAGE, this.total - page * PAGE);
      // Fewer rows than asked for come where they are long.
      while (rows.length < amount) {
        const more = await this.#ask(page * PAGE + rows.length, amount - rows.length);
        if (!more.rows.length) break;
        rows.push(...more.rows);
        numbers.push(...more.row_numbers);
        changes.push(...more.changes);
      }
      this.pages.set(page, { rows, numbers, changes: indexChanges(changes) });
      this.isReady = true;
      this.#forgetOldest(page);
    } catch (error) {
      this.pages.delete(page);
      if (this.controller.signal.aborted) return;
      this.error = error;
    }
    if (!this.controller.signal.aborted) this.onPage();
  }

  /** @type {(offset: number, limit: number) => Promise<Api.RowsPage>} */
  #ask(offset, limit) {
    return call("queryRows", { path: this.path, query: { ...this.query, offset, limit }, signal: this.controller.signal });
  }

  /** @param {number} newest */
  #forgetOldest(newest) {
    for (const page of this.pages.keys()) {
      if (this.pages.size <= MOST_PAGES) return;
      if (Math.abs(page - newest) > 2) this.pages.delete(page);
    }
  }
}
