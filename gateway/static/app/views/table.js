// The tables of a dataset, with marks where cells were changed, and what was done to each.
import { call } from "../api.js";
import { count, percent } from "../format.js";
import { useLoad, useToast } from "../hooks.js";
import { Choice, errorText } from "../parts.js";
import { listSteps } from "../results.js";
import { text } from "../strings.js";
import { html, useEffect, useRef, useState } from "../vendor/htm-preact.js";
import { isUndone } from "./changes.js";
import { Thread } from "./comments.js";
import { changeDataset } from "./dataset.js";
import { FilterList, Filters } from "./filters.js";
import { Grid } from "./grid.js";

/** @typedef {import("./dataset.js").Subject} Subject */
/** @typedef {import("./grid.js").Cell} Cell */
/** @typedef {import("./row_pages.js").RowPages} RowPages */

const ANY_CHANGE = "*:changed";
/** A width at which the form of the filters takes little of the page. */
const WIDE = 800;
const NOTE_WIDTH = 380;
const GAP = 8;

/** @param {{ subject: Subject }} props */
export function Table({ subject }) {
  const [table, setTable] = useState(/** @type {"raw" | "cleaned" | "engineered"} */ (tableOf(subject.query)));
  const [filters, setFilters] = useState(() => subject.query.getAll("filter"));
  const [sort, setSort] = useState(() => subject.query.getAll("sort"));
  const [goTo, setGoTo] = useState(/** @type {number | undefined} */ (undefined));
  const [shown, setShown] = useState(/** @type {{ cell: Cell, isPinned: boolean } | undefined} */ (undefined));
  const [total, setTotal] = useState(/** @type {number | undefined} */ (undefined));
  const [names, setNames] = useState(/** @type {string[]} */ ([]));
  const pages = useRef(/** @type {RowPages | undefined} */ (undefined));
  const steps = useLoad(() => listSteps(subject), [subject.id, subject.version]);
  const toast = useToast();
  useEffect(() => {
    setGoTo(undefined); // a place among other rows
    const query = new URLSearchParams(subject.isNewest ? [] : [["version", String(subject.version)]]);
    if (table !== "cleaned") query.set("table", table);
    for (const filter of filters) query.append("filter", filter);
    for (const column of sort) query.append("sort", column);
    // Replaced, not gone to: the address of what is seen, which can be sent to others.
    history.replaceState(null, "", `${subject.linkTo("table").split("?")[0]}${query.size ? `?${query}` : ""}`);
  }, [table, filters, sort]);
  const [column, setColumn] = useState(subject.query.get("column") ?? undefined);
  const [requestedRow, setRequestedRow] = useState(Number(subject.query.get("row")) || 0);
  const onRows = (/** @type {RowPages} */ next) => {
    pages.current = next;
    if (requestedRow && next.isReady) {
      setRequestedRow(0);
      next.findRow(requestedRow).then(setGoTo, (error) => toast({ text: errorText(error) }));
    }
    setTotal(next.isReady ? next.total : undefined);
    if (next.columns.length) setNames(next.columns.map((column) => column.name));
  };
  const onSort = (/** @type {string} */ name) =>
    setSort(sort[0] === name ? [`-${name}`] : sort[0] === `-${name}` ? [] : [name]);
  const choose = (/** @type {string} */ chosen) => {
    setTable(/** @type {"raw"} */ (chosen));
    setSort([]);
    setFilters(filters.filter((filter) => filter.startsWith("*:")));
    setShown(undefined);
  };
  const addFilter = (/** @type {string} */ filter) => filters.includes(filter) || setFilters([...filters, filter]);
  const jump = async () => {
    setColumn(undefined);
    try {
      const start = goTo === undefined ? 0 : goTo + 1;
      const next = (await pages.current?.nextChange(start)) ?? (await pages.current?.nextChange(0));
      setGoTo(next);
    } catch (error) {
      toast({ text: errorText(error) });
    }
  };
  const onCell = (/** @type {Cell | undefined} */ cell, /** @type {boolean} */ isPinned) =>
    setShown((before) => (before?.isPinned && !isPinned ? before : cell && { cell, isPinned }));
  const undo = async (/** @type {Cell} */ cell) => {
    const body = { cells: [{ row: cell.number, column: cell.name }] };
    const problem = await changeDataset(subject, () => call("undoSteps", { path: { dataset_id: subject.id }, body }));
    toast({ text: problem || text.table.undone });
    setShown(undefined);
  };
  const hasOnlyChanges = filters.includes(ANY_CHANGE);
  return html`<div class="filters table-tools">
      <${Choice} label=${text.table.which} value=${table} options=${text.table.tables} onChange=${choose} />
      <label class="check">
        <input
          type="checkbox"
          checked=${hasOnlyChanges}
          onChange=${() => setFilters(hasOnlyChanges ? filters.filter((filter) => filter !== ANY_CHANGE) : [...filters, ANY_CHANGE])}
        />
        ${text.table.onlyChanges}
      </label>
      <button onClick=${jump}>${text.table.nextChange}</button>
      <span class="soft" role="status">${total === undefined ? "" : text.table.rows(count(total))}</span>
    </div>
    <details class="filtering" open=${innerWidth >= WIDE}>
      <summary>${text.table.filter}</summary>
      <${Filters} names=${names} steps=${steps.data ?? []} onAdd=${addFilter} />
    </details>
    ${filters.length ? html`<${FilterList} filters=${filters} onChange=${setFilters} />` : null}
    <p class="hidden" id="grid-help">${text.table.help}</p>
    <${Grid}
      key=${table}
      subject=${subject}
      query=${{ table, filter: filters, sort, version: subject.version }}
      goTo=${goTo}
      goToColumn=${column}
      onSort=${onSort}
      onCell=${onCell}
      onRows=${onRows}
    />
    <p class="legend">${text.table.legend.map(([kind, name]) => html`<span class=${`changed ${kind}`}>${name}</span>`)}</p>
    ${table === "engineered" ? html`<p class="soft">${text.table.engineeredNote}</p>` : null}
    ${shown
      ? html`<${CellNote}
          subject=${subject}
          cell=${shown.cell}
          isPinned=${shown.isPinned}
          steps=${steps.data ?? []}
          canComment=${table !== "engineered"}
          canUndo=${subject.isNewest && table === "cleaned" && canBeUndone(shown.cell.changes)}
          onUndo=${undo}
          onClose=${() => setShown(undefined)}
        />`
      : null}`;
}

/** @param {readonly import("../documents.d.ts").Change[]} changes */
const canBeUndone = (changes) => !isUndone(changes) && changes.some(({ kind }) => kind !== "restyled");

/** @param {URLSearchParams} query */
function tableOf(query) {
  const table = query.get("table");
  return table === "raw" || table === "engineered" ? table : "cleaned";
}

/**
 * What was done to a cell: shown while it is pointed at, or until it is closed.
 *
 * @param {{
 *   subject: Subject, cell: Cell, isPinned: boolean, steps: import("../results.js").Step[], canUndo: boolean, canComment: boolean,
 *   onUndo: (cell: Cell) => void, onClose: () => void,
 * }} props
 */
function CellNote({ subject, cell, isPinned, steps, canUndo, canComment, onUndo, onClose }) {
  const ref = useRef(/** @type {HTMLDivElement | null} */ (null));
  useEffect(() => {
    if (!isPinned) return undefined;
    ref.current?.focus();
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Escape") return;
      cell.element.focus(); // which shows the note of the cell once more
      onClose();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [isPinned, cell.number, cell.name]);
  const box = cell.element.getBoundingClientRect();
  const isLow = box.bottom > innerHeight * 0.55;
  const room = document.documentElement.clientWidth;
  const style = {
    left: `${Math.max(GAP, Math.min(box.left, room - Math.min(NOTE_WIDTH, room - 2 * GAP) - GAP))}px`,
    maxHeight: `${(isLow ? box.top : innerHeight - box.bottom) - 2 * GAP}px`,
    ...(isLow ? { bottom: `${innerHeight - box.top + GAP}px` } : { top: `${box.bottom + GAP}px` }),
  };
  return html`<div ref=${ref} class=${isPinned ? "note pinned" : "note"} style=${style} role="dialog" tabindex="-1" aria-label=${cell.name}>
    <p class="row"><strong>${cell.name}</strong> <span class="soft">${text.table.row} ${count(cell.number)}</span></p>
    ${cell.changes.map((change) => {
      const step = steps[change.step - 1];
      return html`<p>
          <del>${change.before ?? text.missing}</del> → <ins>${change.after ?? text.missing}</ins>
        </p>
        <p class="soft">
          ${step
            ? html`${step.why}${" "}
                <a href=${subject.linkTo("steps", { step: change.step })}>${text.table.step} ${change.step}</a>, ${change.rule},
                ${" "}${percent(change.confidence, 1)} ${text.table.sure}`
            : text.table.byHand}
        </p>`;
    })}
    ${isPinned
      ? html`<p class="row">
          ${canUndo ? html`<button onClick=${() => onUndo(cell)}>${text.table.undo}</button>` : null}
          <button onClick=${onClose}>${text.close}</button>
        </p>
        ${canComment
          ? html`<${Thread} subject=${subject} about=${{ column: cell.name, row: cell.number }} label=${text.comments.onCell} />`
          : null}`
      : null}
  </div>`;
}
