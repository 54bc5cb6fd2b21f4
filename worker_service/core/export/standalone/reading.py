"""Reading text as types."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from worker_service.core.export.standalone.cells import (
    UNFIT,
    Cells,
    Table,
    is_number,
    is_text,
    is_whole,
    numbers,
    with_columns,
)
from worker_service.core.parsing.attached_marks import without_mark

PLAIN = r"^[+-]?(([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?$"
PLAIN_WHOLE = r"^[+-]?(\d{1,18}|[1-9]\d{0,2}(,\d{3})+)$"
ISO_PATTERN = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?$"
ZONED_PATTERN = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)$"
MONTH = (
    r"(?i)\b(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)


def read_text(table: Table, *, column: str, missing: Sequence[str] = (), trim: bool = False) -> Table:
    """Take some texts of a column for missing, and white space around the others away.

    Raises:
        ValueError: the column holds something else; a code 0501 that became a number is another value.
    """
    if column not in table:
        return table
    cells = table[column]
    if not is_text(cells):
        raise ValueError(f"the column {column!r} must be read as text, with dtype=str")
    cells = cells.mask(cells.isin(list(missing)), None)
    return with_columns(table, {column: cells.map(str.strip, na_action="ignore") if trim else cells})


def read_integer(
    table: Table,
    *,
    column: str,
    missing: Sequence[str] = (),
    marks: bool = False,
    pattern: str = PLAIN_WHOLE,
    decimal: str = ".",
    thousands: str = ",",
    units: Sequence[str] = (),
) -> Table:
    """Read the texts of a column as whole numbers; those that are none become missing.

    The arguments are those of `read_decimal`; the pattern is that of whole numbers.
    """

    def parse(texts: list[str]) -> list[int | None]:
        # Programs that keep gaps as NaN write whole numbers as `3.0`.
        whole = [re.sub(rf"^(.*[0-9])\{decimal}0{{1,2}}$", r"\1", text, flags=re.ASCII | re.DOTALL) for text in texts]
        plain = [plain_number(text, pattern, thousands, units) for text in whole]
        return [None if text is None else int(text) for text in plain]

    return _read(table, column, parse, "Int64", missing=missing, marks=marks)


def read_decimal(
    table: Table,
    *,
    column: str,
    missing: Sequence[str] = (),
    marks: bool = False,
    pattern: str = PLAIN,
    thousands: str = ",",
    units: Sequence[str] = (),
    conversions: Sequence[tuple[Sequence[str], float, int]] = (),
    same: Sequence[str] = (),
) -> Table:
    """Read the texts of a column as numbers; those that are none become missing.

    Args:
        table: the table.
        column: the column.
        missing: the texts that stand for missing.
        marks: True if something may be attached to a number, such as a star.
        pattern: the form of the numbers.
        thousands: what may stand between groups of three digits.
        units: patterns of the units before and behind the numbers.
        conversions: for each unit that is converted its patterns, the factor, and the decimals that are kept.
        same: the patterns of the units that are not converted.
    """
    if column in table and is_number(table[column]) and not is_whole(table[column]):
        values = numbers(table[column])
        finite = pd.Series(np.where(np.isfinite(values), values, np.nan), index=table.index)
        unfit: Cells = finite.isna().map({True: "inf", False: None}).where(~np.isnan(values), None)
        return with_columns(table, {column: finite, **({UNFIT + column: unfit} if unfit.notna().any() else {})})

    def parse(texts: list[str]) -> list[float | None]:
        read = []
        for text in texts:
            number = plain_number(text, pattern, thousands, units)
            value = None if number is None else float(number)
            if value is not None and conversions and plain_number(text, pattern, thousands, same) is None:
                for unit, factor, decimals in conversions:
                    if plain_number(text, pattern, thousands, [*unit]) is not None:
                        value = float(np.round(value * factor, decimals))
                        break
            read.append(value if value is None or np.isfinite(value) else None)
        return read

    return _read(table, column, parse, "float64", missing=missing, marks=marks)


def read_boolean(
    table: Table,
    *,
    column: str,
    true: Sequence[str],
    false: Sequence[str],
    missing: Sequence[str] = (),
    marks: bool = False,
) -> Table:
    """Read the texts of a column as true and false; those that are neither become missing."""
    values = {**dict.fromkeys(false, False), **dict.fromkeys(true, True)}
    return _read(
        table, column, lambda texts: [values.get(text) for text in texts], "boolean", missing=missing, marks=marks
    )


def read_timestamp(
    table: Table,
    *,
    column: str,
    formats: Sequence[str],
    missing: Sequence[str] = (),
    marks: bool = False,
) -> Table:
    """Read the texts of a column as moments; those that are none become missing.

    Args:
        table: the table.
        column: the column.
        formats: the formats of strptime in the order in which they are tried; also `ISO 8601`, and
            `ISO 8601 with zone`, which is read as UTC.
        missing: the texts that stand for missing.
        marks: True if something may be attached to a moment, such as a star.
    """
    zoned = "ISO 8601 with zone" in formats

    def parse(texts: list[str]) -> list[Any]:
        left = pd.Series([text.strip() for text in texts], dtype=object)
        moments = pd.Series([None] * len(texts), dtype="datetime64[us, UTC]" if zoned else "datetime64[us]")
        for form in formats:
            moments = moments.fillna(_moments(left.where(moments.isna(), None), form))
        return list(moments)

    return _read(
        table, column, parse, "datetime64[us, UTC]" if zoned else "datetime64[us]", missing=missing, marks=marks
    )


def _moments(texts: Cells, form: str) -> Cells:
    """Return the moments that texts of a format name."""
    pattern = {"ISO 8601": ISO_PATTERN, "ISO 8601 with zone": ZONED_PATTERN}.get(form)
    if pattern is not None:
        texts = texts.where(
            texts.map(lambda text: text is not None and re.match(pattern, text, re.ASCII) is not None), None
        )
    if "%b" in form:
        texts = texts.map(lambda text: None if text is None else _shorten_month(text))
    known = "ISO8601" if pattern is not None else form
    read: Any = pd.to_datetime(texts, format=known, errors="coerce", utc=pattern == ZONED_PATTERN)
    moments = read.dt.as_unit("us")
    count = moments.astype("int64")
    in_calendar = (count >= -62_135_596_800_000_000) & (count <= 253_402_300_799_999_999)
    return moments.where(in_calendar)


def _shorten_month(text: str) -> str | None:
    """Return a text with the name of a month as three letters; None without such a name."""
    shortened, names = re.subn(MONTH, lambda match: match[1][:3], text, flags=re.ASCII)
    return shortened if names else None


def _read(
    table: Table,
    column: str,
    parse: Callable[[list[str]], Sequence[Any]],
    kind: str,
    *,
    missing: Sequence[str],
    marks: bool,
) -> Table:
    """Return a table of which a column is read; another table may hold it in its type already."""
    if column not in table or not is_text(table[column]):
        return table
    codes, texts = pd.factorize(table[column].astype(object))
    known = [text for text in texts if text not in missing]
    values = dict(zip(known, parse(known), strict=True))
    lost = [text for text in known if pd.isna(values[text])]
    bare = {text: without_mark(text) for text in lost} if marks else {}
    again = {text: mark for text, mark in bare.items() if mark is not None}
    values.update(zip(again, parse(list(again.values())), strict=True))
    unfit = np.array(
        [text if text in values and pd.isna(values[text]) else None for text in [*texts, None]], dtype=object
    )
    read = pd.Series([*(values.get(text) for text in texts), None], dtype=kind)
    cells = pd.Series(read.array.take(np.where(codes < 0, len(texts), codes)), index=table.index)
    notes = pd.Series(unfit[codes], index=table.index, dtype=object)
    return with_columns(table, {column: cells, **({UNFIT + column: notes} if notes.notna().any() else {})})


def plain_number(text: str, pattern: str, thousands: str, units: Sequence[str]) -> str | None:
    """Return a number without its unit and marks as Python reads it; None if the text is none."""
    text = minus_first(without_units(text.replace("\u2212", "-").strip(), units))
    text = minus_first(without_units(text, units)) if units else text
    if re.search(pattern, text, re.ASCII) is None or text.endswith("\n"):
        return None
    return re.sub(thousands, "", text).replace(",", ".").lstrip("+")


def minus_first(text: str) -> str:
    """Return a text with the minus of accounting at the start: `(5)` and `5-` become `-5`."""
    text = re.sub(r"^\(([^()+-]*)\)$", r"-\1", text)
    return re.sub(r"^([^+-]*[\d.,])\s*-$", r"-\1", text, flags=re.ASCII)


def without_units(text: str, units: Sequence[str]) -> str:
    """Return a text without its unit."""
    for pattern in units:
        text = re.sub(pattern, r"\1", text, flags=re.ASCII)
    return text


def read_plainly(cells: Cells, kind: str, name: str) -> Cells:
    """Return texts as a type in the notation of programs.

    Raises:
        ValueError: a text does not fit.
    """
    gaps = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None")
    table = pd.DataFrame({name: cells.astype(object)})
    if kind.startswith("timestamp"):
        zoned = "tz=" in kind
        read = read_timestamp(table, column=name, formats=["ISO 8601 with zone" if zoned else "ISO 8601"], missing=gaps)
    elif kind == "bool":
        true, false = ("true", "True", "TRUE", "1"), ("false", "False", "FALSE", "0")
        read = read_boolean(table, column=name, true=true, false=false, missing=gaps)
    else:
        read = (read_integer if kind == "int64" else read_decimal)(table, column=name, missing=gaps)
    if UNFIT + name in read:
        example = read[UNFIT + name].dropna().iloc[0]
        raise ValueError(f"the column {name!r} holds {example!r}, which is no {kind}")
    return read[name]
