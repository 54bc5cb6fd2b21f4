"""Steps that clean a table, and those that treat outliers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from worker_service.core.columns.decimal_shifts import divide_rounded
from worker_service.core.export.standalone.cells import (
    NOTES,
    UNFIT,
    Cells,
    Table,
    as_text,
    is_whole,
    numbers,
    typed,
    with_cells,
    with_columns,
    without_cells,
)
from worker_service.core.relations.formula_cells import FormulaParts, solve

HIDDEN = "***"


def hide_personal_data(
    table: Table, *, column: str, method: str, personal_data: str = "other", missing: Sequence[str] = ()
) -> Table:
    """Mask the cells of a column of personal data, or leave it out."""
    if method == "drop":
        return table.drop(columns=column, errors="ignore")
    if column not in table:
        return table
    texts = as_text(table[column])
    masked = {text: text if text in missing else mask_text(text, personal_data) for text in texts.dropna().unique()}
    return with_columns(table, {column: texts.map(masked, na_action="ignore")})


def mask_text(text: str, personal_data: str) -> str | None:
    """Return what many persons share of a text, such as the domain of an e-mail address."""
    plain = unicodedata.normalize("NFKC", text)
    bare = re.sub(r"[\s().\-/]", "", plain.strip(), flags=re.ASCII)
    if personal_data == "birth_date":
        year = re.search(r"(?:^|\D)((?:18|19|20)\d{2})(?:\D|$)", plain, re.ASCII)
        return year[1] if year else None
    kept: dict[str, tuple[str, str]] = {
        "email": (r"^\s*[^@\s]+(@(?:(?:[^\W_]|[_-])+\.)+(?:[^\W_]|[_-])+)\s*$", plain.lower()),
        "card": (r"^.*\d{8}(\d{4})$", bare),
        "phone": (r"^.*\d{5}(\d{2})$", re.sub(r"^(?:\+|00)", "+", bare)),
        "iban": (r"^.*[0-9A-Za-z_]{8}([0-9A-Za-z_]{4})$", bare.upper()),
    }
    if personal_data not in kept:
        return HIDDEN
    pattern, shown = kept[personal_data]
    match = re.match(pattern, shown, re.ASCII if personal_data != "email" else 0)
    country = re.match(r"[A-Z]{2}", shown) if personal_data == "iban" else None
    return (country[0] if country else "") + HIDDEN + (match[1] if match else "")


def drop_column(table: Table, *, column: str) -> Table:
    """Leave a column out."""
    return table.drop(columns=column, errors="ignore")


def drop_duplicates(table: Table, *, target: str | None = None) -> Table:
    """Keep the first of the rows that are equal in every column; all rows where the target is not there."""
    if target is not None and target not in table:
        return table
    texts = {name: as_text(table[name]) for name in table.columns if not str(name).startswith(NOTES)}
    return table[~pd.DataFrame(texts, index=table.index).duplicated().to_numpy()]


def mask_sentinel(table: Table, *, column: str, values: Sequence[float]) -> Table:
    """Empty the cells that hold one of the values."""
    cells = table[column]
    representable = [value for value in values if not is_whole(cells) or (value.is_integer() and abs(value) < 2**53)]
    return with_columns(table, {column: without_cells(cells, np.isin(numbers(cells), representable))})


def merge_levels(table: Table, *, column: str, spellings: Mapping[str, str]) -> Table:
    """Replace spellings of the same value by the usual one."""
    return with_columns(table, {column: table[column].map(lambda text: spellings.get(text, text), na_action="ignore")})


def repair_by_dependency(
    table: Table, *, column: str, determinant: str, repairs: Mapping[tuple[str, str], str]
) -> Table:
    """Replace wrong values beside certain values of another column, the determinant."""
    cells = table[column]
    written = as_text(cells)
    if UNFIT + column in table:
        written = table[UNFIT + column].where(table[UNFIT + column].notna(), written)
    pairs = list(zip(as_text(table[determinant]), written, strict=True))
    wrong = np.array([pair in repairs for pair in pairs], dtype=bool)
    right = typed([repairs[pair] for pair in pairs if pair in repairs], cells.iloc[np.flatnonzero(wrong)])
    return with_columns(table, {column: with_cells(cells, wrong, right.to_numpy())})


def repair_by_formula(
    table: Table,
    *,
    formulas: Sequence[Mapping[str, Any]],
    decimals: Mapping[str, int],
    ranges: Mapping[str, tuple[float, float]],
) -> Table:
    """Correct the only number of a row that can be wrong where the row breaks sums or products."""
    changed: dict[str, Cells] = {}
    parts = [FormulaParts(**formula) for formula in formulas]
    values = {name: numbers(table[name]) for name in decimals}
    for name, (wrong, right) in solve(parts, values, decimals, ranges).items():
        cells = table[name]
        fits = wrong & (right == np.rint(right)) if is_whole(cells) else wrong
        changed[name] = with_cells(cells, fits, right[fits])
    return with_columns(table, changed)


def rescale(table: Table, *, column: str, factor: float, lower: float, upper: float) -> Table:
    """Divide the values from `lower` to `upper` by a factor."""
    cells, values = table[column], numbers(table[column])
    with np.errstate(over="ignore"):
        restored = divide_rounded(values, factor)
    changed = (values >= lower) & (values <= upper) & np.isfinite(restored)
    if is_whole(cells):
        changed &= (restored == np.rint(restored)) & (np.abs(restored) < 2**53)
    return with_columns(table, {column: with_cells(cells, changed, restored[changed])})


def treat_outliers(
    table: Table, *, column: str, strategy: str, lower: float, upper: float, replacement: float | None = None
) -> Table:
    """Move the values outside of a range to its ends (`cap`), or replace them, empty them, or remove their rows."""
    cells, values = table[column], numbers(table[column])
    outside = (values < lower) | (values > upper)
    if strategy == "flag" or not outside.any():
        return table
    if strategy == "remove":
        return table[~outside]
    if strategy == "null":
        return with_columns(table, {column: without_cells(cells, outside)})
    if is_whole(cells):
        lower, upper = max(np.ceil(lower), -(2**62)), min(np.floor(upper), 2**62)
        replacement = None if replacement is None else float(np.clip(np.round(replacement), -(2**62), 2**62))
    inside = np.full(outside.sum(), replacement) if strategy == "median" else np.clip(values[outside], lower, upper)
    return with_columns(table, {column: with_cells(cells, outside, inside)})
