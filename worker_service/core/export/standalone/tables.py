"""The first and the last step of a preparation: taking the columns of a table, and giving those of a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from shared.contracts.column_names import match_names
from worker_service.core.export.standalone.cells import (
    NOTES,
    ROW,
    UNFIT,
    Cells,
    Table,
    as_text,
    is_text,
    numbers,
    with_columns,
    without_cells,
)
from worker_service.core.export.standalone.reading import read_plainly


def take_columns(
    table: Table, *, columns: Mapping[str, str], optional: Sequence[str] = (), allows_others: bool = True
) -> Table:
    """Return the columns of a table that are prepared, found by name in any letter case, with the number of each row.

    Args:
        table: the table.
        columns: the columns with the types that the first steps expect.
        optional: those that may be missing.
        allows_others: False to refuse a table with further columns.

    Raises:
        ValueError: a column is missing, holds another type, or is not known.
    """
    named = table.set_axis([str(name) for name in table.columns], axis=1)
    matches = match_names(list(columns), list(named.columns))
    missing = [name for name, match in matches.items() if match is None and name not in optional]
    if missing:
        raise ValueError(f"the table has no column {missing[0]!r}")
    others = [name for name in named.columns if name not in matches.values()]
    if others and not allows_others:
        raise ValueError(f"the column {others[0]!r} is not known, and the contract allows no others")
    taken = {name: in_type(named[match], columns[name], name) for name, match in matches.items() if match is not None}
    rows = pd.Series(np.arange(1, len(table) + 1), index=table.index)
    return pd.DataFrame({**taken, ROW: rows}, index=table.index)


def in_type(cells: Cells, kind: str, name: str) -> Cells:
    """Return the cells of a column in the type that the first step expects.

    Raises:
        ValueError: they can't have it.
    """
    if kind == "string":
        if is_text(cells):
            # Empty cells of a text file are missing.
            return cells.astype(object).where(cells.notna() & (cells != ""), None)
        if cells.isna().all():
            return pd.Series([None] * len(cells), index=cells.index, dtype=object)
        return cells
    if kind.startswith("timestamp") and pd.api.types.infer_dtype(cells) in ("date", "datetime"):
        cells = pd.to_datetime(cells)
    if is_text(cells):
        return read_plainly(cells, kind, name)
    if kind == "int64":
        return cells.astype("Int64")
    if kind == "double":
        return pd.Series(numbers(cells), index=cells.index)
    return cells.astype("boolean") if kind == "bool" else cells.dt.as_unit("us")


def keep_contract(table: Table, *, columns: Mapping[str, Mapping[str, Any]]) -> Table:
    """Deal with cells that are not what the table of the recipe held, before anything is done with them.

    Args:
        table: the table as it is read.
        columns: for each column the `mode` of its contract (`freeze` refuses the table, `discard_row` leaves rows out,
            `discard_value` empties cells), and what is expected: `required`, `unique`, `levels`, `minimum`, `maximum`.

    Raises:
        ValueError: a column that is frozen holds something else.
    """
    discarded = np.zeros(len(table), dtype=bool)
    emptied: dict[str, Any] = {}
    for name, expected in columns.items():
        if name not in table:
            continue  # the target of a table without it
        other = unexpected(table, name, expected)
        if expected["mode"] == "freeze" and other.any():
            example = table[name].iloc[int(np.flatnonzero(other)[0])]
            raise ValueError(f"{int(other.sum())} cells of {name!r} are not as expected, such as {example!r}")
        if expected["mode"] == "discard_row":
            discarded |= other
        elif expected["mode"] == "discard_value":
            emptied[name] = without_cells(table[name], other)
            if UNFIT + name in table:
                emptied[UNFIT + name] = table[UNFIT + name].mask(other, None)
    if len(table) and discarded.all():
        raise ValueError("no row is left by the contract")
    return with_columns(table, emptied)[~discarded]


def unexpected(table: Table, name: str, expected: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    """Return which cells of a column are not what a contract expects."""
    cells = table[name]
    missing = cells.isna().to_numpy()
    unfit = table[UNFIT + name].notna().to_numpy() if UNFIT + name in table else np.zeros(len(table), dtype=bool)
    other = unfit | (missing & ~unfit if expected.get("required") else unfit)
    if "levels" in expected:
        other = other | (~missing & ~as_text(cells).isin(expected["levels"]).to_numpy())
    if "minimum" in expected:
        values = numbers(cells)
        other = other | (~missing & ((values < expected["minimum"]) | (values > expected["maximum"])))
    if expected.get("unique"):
        other = other | (~missing & as_text(cells).duplicated().to_numpy())
    return other


def give_columns(table: Table, *, columns: Mapping[str, tuple[Any, Any]]) -> Table:
    """Return the columns of the result in their order and types.

    Args:
        table: the table after the last step.
        columns: for each column its type, and what stands where a number is missing or infinite; None leaves it so.
    """
    given: dict[str, Cells] = {}
    for name, (kind, fill) in columns.items():
        if name not in table:
            continue  # the target of a table without it
        cells = table[name]
        if fill is not None:
            is_gap = ~np.isfinite(numbers(cells)) if kind == "double" else cells.isna()
            cells = cells.mask(is_gap, fill) if is_gap.any() else cells
        if kind.startswith("int"):
            cells = cells.astype(kind if not cells.isna().any() else kind.capitalize())
        elif kind == "double":
            cells = cells.astype("float64")
        given[name] = cells
    return pd.DataFrame(given, index=table.index)


def without_notes(table: Table) -> Table:
    """Return a table without the notes of the steps."""
    return table[[name for name in table.columns if not str(name).startswith(NOTES)]]


def read_table(
    path: str,
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
    header_row: int = 1,
    sheet: str | None = None,
) -> Table:
    """Read a file as `prepare` takes it: text as it is in CSV, and typed cells in Parquet, JSON and Excel.

    Args:
        path: the file.
        delimiter: what separates two cells of CSV.
        encoding: the encoding of CSV.
        header_row: the line of the header, from 1; 0 where the file has none.
        sheet: the sheet of a workbook, by its name or its number from 1.
    """
    form = Path(path).suffix.lower()
    if form == ".parquet":
        return pd.read_parquet(path)
    if form in (".json", ".jsonl", ".ndjson"):
        return pd.read_json(path, lines=form != ".json", dtype=False, convert_dates=False)
    if form in (".xlsx", ".xls"):
        named = sheet is not None and not sheet.isdecimal()
        if named and sheet is not None and ("!" in sheet or sheet == "*"):
            raise ValueError(f"read the sheets {sheet!r} with pandas yourself, and give the table to prepare")
        chosen: Any = sheet if named else int(sheet or 1) - 1
        return pd.DataFrame(pd.read_excel(path, sheet_name=chosen))
    header, skipped = (0, header_row - 1) if header_row else (None, 0)
    table = pd.read_csv(
        path, sep=delimiter, encoding=encoding, header=header, skiprows=skipped, dtype=str, keep_default_na=False
    )
    if header is None:
        table.columns = pd.Index([f"column_{position}" for position in range(1, table.shape[1] + 1)])
    return table


def write_table(table: Table, path: str) -> None:
    """Write a table as CSV, or as Parquet to a path that ends so."""
    if path.endswith(".parquet"):
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
