// A table of any length: a real table of which only the part in view is there.
import { counted } from "../format.js";
import { Failure, Loading, Value } from "../parts.js";
import { text } from "../strings.js";
import { Component, html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/htm-preact.js";
import { classOf, noteOf } from "./changes.js";
import { ColumnHead } from "./column_head.js";
import { RowPages } from "./row_pages.js";

/** @typedef {import("./dataset.js").Subject} Subject */
/** @typedef {import("./row_pages.js").Query} Query */
/** @typedef {import("../documents.d.ts").Change} Change */
/** @typedef {{ row: number, column: number }} Place */
/** @typedef {{ number: number, name: string, changes: readonly Change[], element: HTMLElement }} Cell */

const ROW = 30;
const HEAD = 96;
const COLUMN = 156;
const FIRST = 72;
const MARGIN = 6;
/** Milliseconds until the rows that a jump brings into view are there. */
const REFOCUS = 150;

/**
 * @param {{
 *   subject: Subject, query: Query, goTo: number | undefined, goToColumn: string | undefined,
 *   onSort: (name: string) => void, onCell: (cell: Cell | undefined, isPinned: boolean) => void,
 *   onRows: (pages: RowPages) => void,
 * }} props `goTo` is a row to show, from 0; without `goToColumn` at its first change
 */
export function Grid({ subject, query, goTo, goToColumn, onSort, onCell, onRows }) {
  const [, setTurn] = useState(0);
  const frame = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [view, setView] = useState({ top: 0, left: 0, width: 1000, height: 600 });
  const [active, setActive] = useState(/** @type {Place} */ ({ row: 0, column: 0 }));
  const wantsFocus = useRef(false);
  const pages = useMemo(
    () => new RowPages(subject.id, query, () => setTurn((before) => before + 1)),
    [subject.id, JSON.stringify(query)],
  );
  useEffect(() => {
    pages.want(0, 0);
    onRows(pages);
    frame.current?.scrollTo(0, 0);
    return () => pages.close();
  }, [pages]);
  useEffect(() => onRows(pages), [pages, pages.total, pages.isReady]);

  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    let request = 0;
    const read = () => {
      request = 0;
      const { scrollTop: top, scrollLeft: left, clientWidth: width, clientHeight: height } = element;
      setView({ top, left, width, height });
    };
    const later = () => {
      request ||= requestAnimationFrame(read);
    };
    const observer = new ResizeObserver(later);
    observer.observe(element);
    element.addEventListener("scroll", later, { passive: true });
    return () => {
      cancelAnimationFrame(request);
      observer.disconnect();
      element.removeEventListener("scroll", later);
    };
  }, []);

  const { columns, total } = pages;
  const commented = useMemo(() => commentedCells(subject.comments), [subject.comments]);
  const firstRow = Math.max(0, Math.floor(view.top / ROW) - MARGIN);
  const lastRow = Math.min(total - 1, Math.ceil((view.top + view.height) / ROW) + MARGIN);
  const firstColumn = Math.max(0, Math.floor((view.left - FIRST) / COLUMN) - 1);
  const lastColumn = Math.min(columns.length - 1, Math.ceil((view.left + view.width) / COLUMN) + 1);
  useEffect(() => {
    if (pages.isReady && lastRow >= firstRow) pages.want(firstRow, lastRow);
  }, [pages, pages.isReady, firstRow, lastRow]);

  /** @param {Place} place */
  const show = (place) => {
    const element = frame.current;
    if (!element) return;
    const top = place.row * ROW;
    const left = FIRST + place.column * COLUMN;
    if (top < element.scrollTop) element.scrollTop = top;
    if (top + ROW > element.scrollTop + element.clientHeight - HEAD - 16) {
      element.scrollTop = top + ROW - element.clientHeight + HEAD + 16;
    }
    if (left < element.scrollLeft + FIRST) element.scrollLeft = left - FIRST;
    if (left + COLUMN > element.scrollLeft + element.clientWidth) {
      element.scrollLeft = left + COLUMN - element.clientWidth;
    }
  };
  useEffect(() => {
    if (goTo === undefined) return;
    const names = pages.rowAt(goTo)?.changes.columnsOf(pages.rowAt(goTo)?.number ?? 0) ?? [];
    const isThere = (/** @type {string} */ name) => (goToColumn === undefined ? names.includes(name) : name === goToColumn);
    const place = { row: goTo, column: Math.max(0, columns.findIndex(({ name }) => isThere(name))) };
    if (frame.current) frame.current.scrollTop = Math.max(0, goTo * ROW - 3 * ROW);
    wantsFocus.current = true;
    setActive(place);
    show(place);
  }, [goTo, goTo === undefined ? 0 : Boolean(pages.rowAt(goTo))]);
  useLayoutEffect(() => {
    if (!wantsFocus.current) return;
    const cell = frame.current?.querySelector(`[data-row="${active.row}"][data-column="${active.column}"]`);
    if (!(cell instanceof HTMLElement)) return;
    wantsFocus.current = false;
    cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    // Rows that come into view may move this one in the document, which takes the focus from it.
    setTimeout(() => document.activeElement === document.body && cell.focus({ preventScroll: true }), REFOCUS);
  });

  /** @param {EventTarget | null} target */
  const cellOf = (target) => {
    const element = target instanceof Element ? target.closest("[data-row]") : null;
    if (!(element instanceof HTMLElement)) return undefined;
    const place = { row: Number(element.dataset["row"]), column: Number(element.dataset["column"]) };
    const row = pages.rowAt(place.row);
    const name = columns[place.column]?.name;
    if (!row || name === undefined) return undefined;
    return { place, cell: { number: row.number, name, changes: row.changes.get(row.number, name), element } };
  };
  /** @type {(event: Event, isPinned: boolean) => void} */
  const point = (event, isPinned) => {
    const found = cellOf(event.target);
    if (found && isPinned) setActive(found.place);
    // Every cell can be commented on; only changed ones have something to tell by themselves.
    const isShown = found && (found.cell.changes.length || (isPinned && query.table !== "engineered"));
    onCell(isShown ? found.cell : undefined, isPinned);
  };
  useEffect(() => {
    const onFocus = (/** @type {Event} */ event) => point(event, false);
    const element = frame.current;
    element?.addEventListener("focusin", onFocus);
    return () => element?.removeEventListener("focusin", onFocus);
  });
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (!(event.target instanceof Element && event.target.closest("[data-row]"))) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      point(event, true);
      return;
    }
    const screen = Math.max(1, Math.floor((view.height - HEAD) / ROW) - 1);
    const place = move(active, event, { rows: total, columns: columns.length, screen });
    if (!place) return;
    event.preventDefault();
    wantsFocus.current = true;
    setActive(place);
    show(place);
  };

  const sort = query.sort?.[0] ?? "";
  const width = FIRST + columns.length * COLUMN;
  const visible = columns.slice(firstColumn, lastColumn + 1);
  return html`<div class="grid" ref=${frame} onMouseLeave=${() => onCell(undefined, false)}>
    ${pages.error ? html`<${Failure} error=${pages.error} />` : null}
    ${!pages.isReady && !pages.error ? html`<${Loading} />` : null}
    ${pages.isReady && !total ? html`<p class="soft">${text.table.noRows}</p>` : null}
    <table
      role="grid"
      aria-label=${`${subject.status.filename}, ${counted(total, "row")}`}
      aria-describedby="grid-help"
      aria-rowcount=${total + 1}
      aria-colcount=${columns.length + 1}
      style=${{ width: `${width}px` }}
      onKeyDown=${onKeyDown}
      onClick=${(/** @type {Event} */ event) => point(event, true)}
      onMouseOver=${(/** @type {Event} */ event) => point(event, false)}
    >
      <thead>
        <tr aria-rowindex="1">
          <th class="number corner" scope="col" aria-colindex="1">${text.table.row}</th>
          ${gap(firstColumn)}
          ${visible.map(
            (column, index) => html`<${ColumnHead}
              key=${column.name}
              subject=${subject}
              table=${query.table ?? "cleaned"}
              column=${column}
              position=${firstColumn + index + 2}
              order=${sort === column.name ? "ascending" : sort === `-${column.name}` ? "descending" : "none"}
              onSort=${() => onSort(column.name)}
            />`,
          )}
          ${gap(columns.length - 1 - lastColumn)}
        </tr>
      </thead>
      <tbody style=${{ height: `${total * ROW}px` }}>
        ${range(firstRow, lastRow).map(
          (index) => html`<${GridRow}
            key=${index}
            index=${index}
            row=${pages.rowAt(index)?.row}
            pages=${pages}
            first=${firstColumn}
            last=${lastColumn}
            active=${active.row === index ? active.column : undefined}
            commented=${commented}
          />`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** @type {(row: number, column: string) => string} */
const cellKey = (row, column) => `${row} ${column}`;

/** @param {readonly import("../documents.d.ts").Comment[]} comments */
const commentedCells = (comments) =>
  new Set(comments.filter((comment) => comment.row !== null && !comment.resolved_by).map(({ row, column }) => cellKey(row ?? 0, column ?? "")));

/**
 * @typedef {{
 *   index: number, row: import("./row_pages.js").Row | undefined, pages: RowPages,
 *   first: number, last: number, active: number | undefined, commented: ReadonlySet<string>,
 * }} RowProps `row` is undefined until it has come; `active` is the column of the cell that the keyboard is at
 */

/** A row at its place, made and laid out anew only when something of it is another. */
class GridRow extends Component {
  /** @param {RowProps} next */
  shouldComponentUpdate(next) {
    const { row, pages, first, last, active, commented } = /** @type {RowProps} */ (/** @type {unknown} */ (this.props));
    return (
      next.row !== row ||
      next.pages !== pages ||
      next.first !== first ||
      next.last !== last ||
      next.active !== active ||
      next.commented !== commented
    );
  }

  /** @param {RowProps} props */
  render({ index, pages, first, last, active, commented }) {
    const { columns } = pages;
    const row = pages.rowAt(index);
    return html`<tr aria-rowindex=${index + 2} style=${{ transform: `translateY(${index * ROW}px)` }}>
      <th class="number" scope="row" aria-colindex="1">${row?.number ?? "…"}</th>
      ${gap(first)}
      ${columns.slice(first, last + 1).map((column, offset) => {
        const place = first + offset;
        const changes = row?.changes.get(row.number, column.name) ?? [];
        return html`<td
          key=${place}
          class=${`${classOf(changes, column.type)}${row && commented.has(cellKey(row.number, column.name)) ? " commented" : ""}`}
          data-row=${index}
          data-column=${place}
          aria-colindex=${place + 2}
          aria-description=${noteOf(changes)}
          tabindex=${active === place ? 0 : -1}
        >
          ${row ? Value({ value: row.row[place], type: column.type }) : ""}
        </td>`;
      })}
      ${gap(columns.length - 1 - last)}
    </tr>`;
  }
}

/** @type {(columns: number) => unknown} the place of columns that are not in view */
const gap = (columns) =>
  columns > 0 ? html`<td class="gap" aria-hidden="true" style=${{ flexBasis: `${columns * COLUMN}px` }}></td>` : null;

/** @type {(first: number, last: number) => number[]} */
const range = (first, last) => Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);

/** @type {(place: Place, event: KeyboardEvent, size: { rows: number, columns: number, screen: number }) => Place | undefined} */
function move({ row, column }, event, { rows, columns, screen }) {
  const isFar = event.ctrlKey || event.metaKey;
  /** @type {Record<string, Place>} */
  const places = {
    ArrowDown: { row: isFar ? rows - 1 : row + 1, column },
    ArrowUp: { row: isFar ? 0 : row - 1, column },
    ArrowRight: { row, column: isFar ? columns - 1 : column + 1 },
    ArrowLeft: { row, column: isFar ? 0 : column - 1 },
    PageDown: { row: row + screen, column },
    PageUp: { row: row - screen, column },
    Home: { row: isFar ? 0 : row, column: 0 },
    End: { row: isFar ? rows - 1 : row, column: columns - 1 },
  };
  const place = places[event.key];
  if (!place) return undefined;
  return {
    row: Math.max(0, Math.min(rows - 1, place.row)),
    column: Math.max(0, Math.min(columns - 1, place.column)),
  };
}
