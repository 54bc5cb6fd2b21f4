"""The first and the last step of a preparation: taking the columns of a table, and giving those of a result."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from worker_service.core.export.standalone.cells import NOTES, ROW, Cells, Table, is_text, numbers
from worker_service.core.export.standalone.reading import read_plainly


def take_columns(table: Table, *, columns: Mapping[str, str], optional: Sequence[str] = ()) -> Table:
    """Return the columns of a table that are prepared, found by name in any letter case, with the number of each row.

    Raises:
        ValueError: a column is missing, or holds another type.
    """
    taken: dict[str, Cells] = {}
    for name, kind in columns.items():
        match = find_column(table, name, columns)
        if match is not None:
            taken[name] = in_type(table[match], kind, name)
        elif name not in optional:
            raise ValueError(f"the table has no column {name!r}")
    rows = pd.Series(np.arange(1, len(table) + 1), index=table.index)
    return pd.DataFrame({**taken, ROW: rows}, index=table.index)


def find_column(table: Table, name: str, names: Collection[str]) -> str | None:
    """Return the column of a name, or the only other one that differs from it in letter case."""
    if name in table.columns:
        return name
    same = [other for other in table.columns if str(other).strip().casefold() == name.strip().casefold()]
    others = [str(other) for other in same if other not in names]
    return others[0] if len(others) == 1 else None


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
    if is_text(cells):
        return read_plainly(cells, kind, name)
    if kind == "int64":
        return cells.astype("Int64")
    if kind == "double":
        return pd.Series(numbers(cells), index=cells.index)
    return cells.astype("boolean") if kind == "bool" else cells.dt.as_unit("us")


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
        header_row: the line of the header, from 1.
        sheet: the sheet of a workbook.
    """
    form = Path(path).suffix.lower()
    if form == ".parquet":
        return pd.read_parquet(path)
    if form in (".json", ".jsonl", ".ndjson"):
        return pd.read_json(path, lines=form != ".json", dtype=False, convert_dates=False)
    if form in (".xlsx", ".xls"):
        return pd.read_excel(path, sheet_name=sheet or 0)
    return pd.read_csv(
        path, sep=delimiter, encoding=encoding, header=0, skiprows=header_row - 1, dtype=str, keep_default_na=False
    )


def write_table(table: Table, path: str) -> None:
    """Write a table as CSV, or as Parquet to a path that ends so."""
    if path.endswith(".parquet"):
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
