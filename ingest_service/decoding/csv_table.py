"""Reading delimited text with Arrow's reader, block by block, every cell as text."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv

from shared.errors import Unprocessable

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 200
_FIELD_LIMIT = 64 * 1024 * 1024
_BLOCKS = (1 << 20, 1 << 24, 1 << 28)
"""Bytes read at once: Arrow reserves a block for each column, and needs a row to fit into one."""


@dataclass(frozen=True)
class Parsed:
    """A table as a reader finds it: names may be empty or repeat; batches come one by one, to be used once."""

    names: Sequence[str]
    batches: Iterator[pa.RecordBatch]
    format: str
    delimiter: str = ""


def read_csv(path: Path) -> Parsed:
    """The table of a UTF-8 delimited file; the first row that is not blank holds the names.

    Raises:
        Unprocessable: a row has more or fewer fields than the header; says the line. The batches raise it too.
    """
    delimiter = _sniff(path)
    header = next(_rows(path, delimiter), [])
    if not header:
        raise Unprocessable("The file has no header.", reason="EMPTY_FILE")
    return Parsed(names=header, batches=_batches(path, delimiter, len(header)), format="csv", delimiter=delimiter)


def _batches(path: Path, delimiter: str, width: int) -> Iterator[pa.RecordBatch]:
    done = 0
    for block in _BLOCKS:
        try:
            for batch in _open(path, delimiter, width, block=block, skip_rows=1 + done):
                done += batch.num_rows
                yield batch
            return
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error) or block == _BLOCKS[-1]:
                raise _misfit(path, delimiter, width, error) from None


def _open(path: Path, delimiter: str, width: int, *, block: int, skip_rows: int) -> pacsv.CSVStreamingReader:
    names = [f"f{position}" for position in range(width)]
    return pacsv.open_csv(
        path,
        read_options=pacsv.ReadOptions(
            column_names=names, skip_rows_after_names=skip_rows, block_size=block, use_threads=False
        ),
        parse_options=pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=_has_quotes(path)),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _has_quotes(path: Path) -> bool:
    with path.open("rb") as file:
        return any(b'"' in block for block in iter(lambda: file.read(_BLOCKS[0]), b""))


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
