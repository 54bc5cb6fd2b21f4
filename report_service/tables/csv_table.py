"""A stored table as CSV."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from report_service.tables.written_cells import WrittenCells
from shared.contracts.cell_text import decimal_text
from shared.contracts.vocabulary import DEFAULT_CHARSET, Charset
from shared.errors import FieldError, InvalidInput

BATCH_ROWS = 8192
TEXT_ROWS = 2048
"""Rows converted to text at the same time: few, because they may be long."""
BUFFER_BYTES = 1024 * 1024
TEXT = pa.large_string()
_COMMA, _NEWLINE, _QUOTE, _EMPTY, _QUOTED_EMPTY = (pa.scalar(text, TEXT) for text in (",", "\n", '"', "", '""'))
_APOSTROPHE = pa.scalar("'", TEXT)
CODECS: Mapping[Charset, str] = MappingProxyType(
    {"utf8": "utf-8", "utf8_bom": "utf-8-sig", "utf16": "utf-16", "cp1252": "cp1252"}
)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_SECONDS = 86_400


def write_csv(
    table: pq.ParquetFile,
    target: Path,
    *,
    written: Mapping[str, WrittenCells] = MappingProxyType({}),
    iso: bool = False,
    safe: bool = False,
    charset: Charset = DEFAULT_CHARSET,
) -> None:
    """Write a table as CSV.

    Args:
        table: the table.
        target: the CSV file.
        written: by column, the values that were not changed, as the uploaded file has them.
        iso: True to write every moment in full ISO 8601.
        safe: True to put an apostrophe before text that spreadsheets would take for a formula.
        charset: the encoding.

    Rows are converted in batches, so memory does not grow with the table.

    A missing value becomes an empty field, and an empty text a quoted empty field; in a table of one column both are
    quoted, because readers skip blank lines. Numbers are written as in the list of changes, without an exponent where
    people write none. Timestamps are written with the precision that their column needs: midnights only as dates.

    Raises:
        InvalidInput: the encoding lacks a character of the table.
    """
    form = _Form(written=written, iso=iso, safe=safe)
    if charset == DEFAULT_CHARSET:
        _write(table, precise_schema(table, iso=iso), target, form)
        return
    utf8 = target.with_name(f"{target.name}.utf8")
    try:
        _write(table, precise_schema(table, iso=iso), utf8, form)
        _encode(utf8, target, charset)
    finally:
        utf8.unlink(missing_ok=True)


def _encode(source: Path, target: Path, charset: Charset) -> None:
    """Write a UTF-8 file in another encoding, with a byte order mark where the encoding has one."""
    try:
        with (
            source.open(encoding="utf-8", newline="") as text,
            target.open("w", encoding=CODECS[charset], newline="") as file,
        ):
            while part := text.read(BUFFER_BYTES):
                file.write(part)
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        problem = f"has no “{character}” (U+{ord(character):04X}), which is in the table"
        raise InvalidInput(
            f"The encoding {charset} {problem}. Spreadsheets read utf8_bom.",
            reason="CHARSET_TOO_SMALL",
            fields=[FieldError(field="charset", detail=problem)],
        ) from None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Form:
    """How values are written."""

    written: Mapping[str, WrittenCells]
    iso: bool
    safe: bool


def _write(table: pq.ParquetFile, schema: pa.Schema, target: Path, form: _Form) -> None:
    position = 0
    with target.open("wb") as file:
        names = [pa.array([field.name], pa.string()) for field in schema]
        file.write(_to_csv_lines([_to_csv_fields(name, safe=form.safe) for name in names]))
        for batch in read_batches(table):
            for start in range(0, batch.num_rows, TEXT_ROWS):
                part = batch.slice(start, TEXT_ROWS)
                columns = []
                for field in schema:
                    values = part.column(field.name).cast(field.type)
                    fields = _to_csv_fields(values, iso=form.iso, safe=form.safe)
                    if field.name in form.written:
                        fields = _as_written(fields, *form.written[field.name].within(position, part.num_rows))
                    columns.append(fields)
                file.write(_to_csv_lines(columns))
                position += part.num_rows


def _as_written(fields: pa.LargeStringArray, mask: npt.NDArray[np.bool_], texts: pa.Array) -> pa.LargeStringArray:
    """Return CSV fields with some replaced by texts, which are quoted only where they have to be."""
    texts = texts.cast(TEXT)
    needs_quotes = pc.match_substring_regex(texts, r'[",\r\n]|^\s|\s$|^$')
    return pc.replace_with_mask(fields, pa.array(mask), pc.if_else(needs_quotes, _quote(texts), texts))


def _to_csv_lines(columns: Sequence[pa.Array]) -> pa.Buffer | bytes:
    """Join columns of CSV fields to the lines of a CSV file."""
    blank = _QUOTED_EMPTY if len(columns) == 1 else _EMPTY
    last_fields = pc.binary_join_element_wise(columns[-1].fill_null(blank), _NEWLINE, _EMPTY)
    text = pc.binary_join_element_wise(*columns[:-1], last_fields, _COMMA, null_handling="replace", null_replacement="")
    _, offsets, content = text.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int64)[[text.offset, text.offset + len(text)]]
    return content.slice(int(bounds[0]), int(bounds[1] - bounds[0])) if content is not None else b""


def _to_csv_fields(values: pa.Array, *, iso: bool = False, safe: bool = False) -> pa.LargeStringArray:
    """Return the values as CSV fields, with text quoted."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_string(values.type) or values.type == TEXT:
        return _quote(_without_formulas(values) if safe else values)
    if iso and pa.types.is_timestamp(values.type):
        return pc.replace_substring(values.cast(TEXT), " ", "T")
    return decimal_text(values, TEXT) if pa.types.is_floating(values.type) else values.cast(TEXT)


def _without_formulas(text: pa.Array) -> pa.Array:
    """Return texts that no spreadsheet takes for a formula.

    Source: OWASP, CSV injection: an apostrophe before `=`, `+`, `-`, `@`, their full-width forms, tab and line ends.
    """
    text = text.cast(TEXT)
    is_formula = pc.match_substring_regex(text, r"^[=+\-@\t\r\n＝＋－＠]")
    return pc.if_else(is_formula, pc.binary_join_element_wise(_APOSTROPHE, text, _EMPTY), text)


def _quote(text: pa.Array) -> pa.LargeStringArray:
    text = text.cast(TEXT)
    if pc.any(pc.match_substring(text, '"')).as_py():
        text = pc.replace_substring(text, '"', '""')
    return pc.binary_join_element_wise(_QUOTE, text, _QUOTE, _EMPTY)


def read_batches(table: pq.ParquetFile, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of some columns, or all, a few at a time."""
    batches: Iterator[pa.RecordBatch] = table.iter_batches(BATCH_ROWS, columns=columns, use_threads=False)
    return batches


def precise_schema(table: pq.ParquetFile, *, iso: bool = False) -> pa.Schema:
    """Return the schema of a table with the precision that each column of timestamps needs; `iso` for no dates."""
    times = {
        field.name: _Precision(field.type, has_dates=not iso)
        for field in table.schema_arrow
        if pa.types.is_timestamp(field.type)
    }
    for batch in read_batches(table, list(times)) if times else ():
        for name, precision in times.items():
            precision.refine(batch.column(name))
    fields = [
        pa.field(field.name, times[field.name].type() if field.name in times else field.type)
        for field in table.schema_arrow
    ]
    return pa.schema(fields)


class _Precision:
    """The coarsest type that represents every timestamp of a column read so far."""

    def __init__(self, stored: pa.TimestampType, *, has_dates: bool) -> None:
        ticks = _PER_SECOND[stored.unit]
        units = [unit for unit, per_second in _PER_SECOND.items() if per_second <= ticks]
        self._types = [pa.timestamp(unit, stored.tz) for unit in units]
        self._sizes = [ticks // _PER_SECOND[unit] for unit in units]
        # A date has no time zone, so only columns without a time zone can become dates.
        if stored.tz is None and has_dates:
            self._types.insert(0, pa.date32())
            self._sizes.insert(0, ticks * _DAY_SECONDS)

    def refine(self, times: pa.Array) -> None:
        """Choose a finer type if these timestamps need it."""
        ticks: npt.NDArray[np.int64] = times.drop_null().cast(pa.int64()).to_numpy(zero_copy_only=False)
        while (ticks % self._sizes[0]).any():
            del self._types[0], self._sizes[0]

    def type(self) -> pa.DataType:
        """Return the chosen type."""
        return self._types[0]
