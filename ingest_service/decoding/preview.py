"""A file as it would be read, with the first rows and what else came into question."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from ingest_service.decoding.csv_rows import sample_rows
from ingest_service.decoding.decode import Decoded, Limits, decode_file
from ingest_service.decoding.decompress import decompress
from ingest_service.decoding.encoding_detection import MIXED_UTF8, open_text, rank_encodings
from ingest_service.decoding.header_detection import NO_HEADER
from ingest_service.decoding.row_samples import DELIMITERS, RowSample
from shared.contracts.row_values import RowValue, row_values
from shared.contracts.run_options import ReadOptions

T = TypeVar("T")

PREVIEW_ROWS = 100
SAMPLE_ROWS = 1000
MAX_SAMPLE_BYTES = 3 * 1024 * 1024
"""A sample of long cells has fewer rows, because it has to fit into a message."""
_MAX_CELLS = 100_000
_MAX_CANDIDATES = 5
_HEADER_ROWS = 20
_HEAD_CHARACTERS = 1 << 20
_BOM = "\ufeff"


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A file as it would be read."""

    decoded: Decoded
    sample_rows: tuple[tuple[RowValue, ...], ...]
    """The first rows, 100 at most."""
    sample: bytes
    """The first rows, 1,000 at most, as an Arrow IPC stream."""
    delimiters: tuple[tuple[str, float], ...] = ()
    """The separators of a text file, each with its score; the one that was used is first."""
    header_rows: tuple[tuple[int, float], ...] = ()
    """The lines of a text file that may be the header, each with its score; the one that was used is first."""
    encodings: tuple[tuple[str, float], ...] = ()
    """The encodings of a text file, each with its score; the one that was used is first; none for UTF-8."""


def preview_file(source: Path, filename: str, target: Path, limits: Limits, options: ReadOptions) -> Preview:
    """Decode a file as `decode_file` does, and return what a person wants to see of it.

    Raises:
        Unprocessable, LimitExceeded: as `decode_file`.
    """
    decoded = decode_file(source, filename, target, limits, options)
    with pa.memory_map(str(target)) as file, pa.ipc.open_file(file) as reader:
        rows = _first_rows(reader)
        shown = min(PREVIEW_ROWS, max(1, _MAX_CELLS // len(decoded.columns)))
        preview = Preview(decoded=decoded, sample_rows=row_values(rows.slice(0, shown)), sample=_as_stream(rows))
    if decoded.format != "csv":
        return preview
    path = decompress(source, filename).path
    head = target.with_name("head.csv")
    with open_text(path, decoded.encoding) as text_file:
        text = text_file.read(_HEAD_CHARACTERS).removeprefix(_BOM)
    head.write_text(text[: text.rfind("\n") + 1] or text, encoding="utf-8", newline="")
    is_utf8 = decoded.encoding in ("utf-8", MIXED_UTF8) or decoded.encoding.startswith(("utf-16", "utf-32"))
    return Preview(
        decoded=decoded,
        sample_rows=preview.sample_rows,
        sample=preview.sample,
        delimiters=_leading(decoded.delimiter, _rank_delimiters(head, text, decoded.delimiter)),
        header_rows=_leading(decoded.header_row or 0, _rank_headers(head, decoded)),
        encodings=() if is_utf8 else _leading(decoded.encoding, _rank_encodings(path, decoded.encoding)),
    )


def _first_rows(reader: pa.ipc.RecordBatchFileReader) -> pa.Table:
    batches: list[pa.RecordBatch] = []
    while sum(batch.num_rows for batch in batches) < SAMPLE_ROWS and len(batches) < reader.num_record_batches:
        batches.append(reader.get_batch(len(batches)))
    return pa.Table.from_batches(batches, reader.schema).slice(0, SAMPLE_ROWS)


def _as_stream(rows: pa.Table) -> bytes:
    """Return rows as an Arrow IPC stream, half of them as often as they are too large for a message."""
    while True:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as writer:
            writer.write_table(rows)
        stream: bytes = sink.getvalue().to_pybytes()
        if len(stream) <= MAX_SAMPLE_BYTES or rows.num_rows == 0:
            return stream
        rows = rows.slice(0, rows.num_rows // 2)


def _rank_delimiters(head: Path, text: str, used: str) -> Iterator[tuple[str, float]]:
    for mark in {*DELIMITERS, used}:
        if mark and mark in text and (score := RowSample(mark, list(sample_rows(head, mark))).score) > 0:
            yield mark, score


def _rank_headers(head: Path, decoded: Decoded) -> Iterator[tuple[int, float]]:
    sample = RowSample(decoded.delimiter, list(sample_rows(head, decoded.delimiter)))
    for index, row in enumerate(sample.rows[:_HEADER_ROWS]):
        evidence = sample.evidence(index)
        is_likely = len(row.cells) == sample.usual_width and evidence > NO_HEADER and evidence != 0
        if is_likely or row.line == decoded.header_row:
            yield row.line, evidence


def _rank_encodings(path: Path, used: str) -> Iterator[tuple[str, float]]:
    return (reading for reading in rank_encodings(path) if reading[1] > 0 or reading[0] == used)


def _leading(used: T, candidates: Iterable[tuple[T, float]]) -> tuple[tuple[T, float], ...]:
    """Return the candidates with the one that was used first, and the others by falling score."""
    ranked = sorted(candidates, key=lambda candidate: (candidate[0] != used, -candidate[1]))
    return tuple((value, round(score, 3)) for value, score in ranked[:_MAX_CANDIDATES])
