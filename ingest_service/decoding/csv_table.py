"""Reading delimited text with Arrow's reader, every cell as text."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from shared.errors import Unprocessable

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 200
_FIELD_LIMIT = 64 * 1024 * 1024
_BLOCK = 8 << 20


@dataclass(frozen=True)
class Parsed:
    """A table as a reader found it: names may be empty or repeat."""

    table: pa.Table
    format: str
    delimiter: str = ""


def read_csv(path: Path) -> Parsed:
    """The table of a UTF-8 delimited file; the first row that is not blank holds the names.

    Raises:
        Unprocessable: a row has more or fewer fields than the header; says the line.
    """
    delimiter = _sniff(path)
    header = next(_rows(path, delimiter), [])
    if not header:
        raise Unprocessable("The file has no header.", reason="EMPTY_FILE")
    placeholders = [f"f{position}" for position in range(len(header))]
    try:
        table = pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(column_names=placeholders, skip_rows_after_names=1, block_size=_BLOCK),
            parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=_has_quotes(path)),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(placeholders, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _misfit(path, delimiter, len(header), error) from None
    return Parsed(table=table.rename_columns(header), format="csv", delimiter=delimiter)


def _has_quotes(path: Path) -> bool:
    with path.open("rb") as file:
        return any(b'"' in block for block in iter(lambda: file.read(_BLOCK), b""))


def _rows(path: Path, delimiter: str) -> Iterator[list[str]]:
    """The rows that are not blank."""
    csv.field_size_limit(_FIELD_LIMIT)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.reader(file, delimiter=delimiter):
            if row:
                yield row


def _sniff(path: Path) -> str:
    """The delimiter that splits the first rows most evenly, into the most fields."""

    def evenness(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in islice(_rows(path, delimiter), _SAMPLE_ROWS))
        if not widths:
            return 0.0, 0
        width, count = widths.most_common(1)[0]
        return (count / widths.total(), width) if width > 1 else (0.0, width)

    try:
        return max(_DELIMITERS, key=evenness)
    except csv.Error as error:
        raise Unprocessable(f"The file can't be read as CSV: {error}.", reason="UNREADABLE_FILE") from None


def _misfit(path: Path, delimiter: str, width: int, error: pa.ArrowInvalid) -> Unprocessable:
    """The error for the first row that does not fit the header, found again with its line number."""
    csv.field_size_limit(_FIELD_LIMIT)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        for row in reader:
            if row and len(row) != width:
                return Unprocessable(
                    f"Line {reader.line_num} has {_fields(len(row))} where the header has {_fields(width)} "
                    f"(column {min(len(row), width) + 1} is where they part).",
                    reason="RAGGED_ROW",
                    metadata={"line": str(reader.line_num), "column": str(min(len(row), width) + 1)},
                )
    return Unprocessable(f"The file can't be read as CSV: {error}.", reason="UNREADABLE_FILE")


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count:,} fields"
