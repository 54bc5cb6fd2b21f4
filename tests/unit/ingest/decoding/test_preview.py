"""A preview shows what the upload would read, and what else came into question."""

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest_service.decoding import Preview, decode_file, preview_file
from ingest_service.decoding.preview import MAX_SAMPLE_BYTES, PREVIEW_ROWS, SAMPLE_ROWS
from shared.contracts.run_options import ReadOptions
from shared.errors import Unprocessable
from tests.unit.ingest.decoding.decoding import LIMITS

CODE_PAGE = "Umsatz 2024;;\nName;Wert;Ort\nA;1,5;Köln\nB;2,5;München\nC;3,5;Düsseldorf\n".encode("cp1252")


def preview(folder: Path, content: bytes, filename: str = "x.csv", **options: Any) -> Preview:
    (folder / "raw").write_bytes(content)
    reading = ReadOptions.model_validate(options)
    return preview_file(folder / "raw", filename, folder / "table.arrow", LIMITS, reading)


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (CODE_PAGE, "x.csv"),
        (gzip.compress(CODE_PAGE), "x.csv.gz"),
        ("a\tb\n1\tx\n2\ty\n".encode("utf-16"), "x.txt"),
        (b'[{"a": 1, "b": [2]}, {"a": null}]', "x.json"),
    ],
    ids=["code page", "gzip", "utf-16", "json"],
)
def test_it_is_what_the_upload_would_read(content: bytes, filename: str, tmp_path: Path) -> None:
    shown = preview(tmp_path, content, filename)
    decoded = decode_file(tmp_path / "raw", filename, tmp_path / "again.arrow", LIMITS)
    assert shown.decoded == decoded
    with pa.OSFile(str(tmp_path / "again.arrow")) as file:
        table = pa.ipc.open_file(file).read_all()
    assert [list(row) for row in shown.sample_rows] == [list(row.values()) for row in table.to_pylist()]
    assert pa.ipc.open_stream(shown.sample).read_all().equals(table)


def test_what_else_came_into_question(tmp_path: Path) -> None:
    shown = preview(tmp_path, CODE_PAGE)
    assert shown.delimiters[0][0] == ";" and shown.delimiters[0][1] > shown.delimiters[1][1]
    assert [line for line, _ in shown.header_rows] == [2, 1]
    assert (shown.encodings[0][0], shown.encodings[1][0]) == ("cp1252", "cp852")


def test_what_was_chosen_comes_first(tmp_path: Path) -> None:
    shown = preview(tmp_path, CODE_PAGE, header_row=3, encoding="cp852", delimiter=",")
    assert shown.delimiters[0][0] == ","
    assert shown.encodings[0][0] == "cp852"
    assert shown.header_rows[0][0] == 3


def test_large_tables_show_their_beginning(tmp_path: Path) -> None:
    rows = "".join(f"{number},{'x' * 5000}\n" for number in range(LIMITS.max_rows))
    shown = preview(tmp_path, f"n,text\n{rows}".encode())
    assert (shown.decoded.rows, len(shown.sample_rows)) == (LIMITS.max_rows, PREVIEW_ROWS)
    sample = pa.ipc.open_stream(shown.sample).read_all()
    assert 0 < sample.num_rows < SAMPLE_ROWS and len(shown.sample) <= MAX_SAMPLE_BYTES


def test_moments_outside_of_the_calendar_are_shown(tmp_path: Path) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"t": pa.array([4 * 10**17, 0, None], pa.timestamp("us"))}), sink)
    shown = preview(tmp_path, sink.getvalue().to_pybytes(), "x.parquet")
    assert [row[0] for row in shown.sample_rows] == [
        "14645-06-30 15:06:40.000000",
        "1970-01-01 00:00:00.000000",
        None,
    ]


def test_what_would_be_refused_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unprocessable) as error:
        preview(tmp_path, b"a,b\n1,2\n3\n")
    assert error.value.reason == "RAGGED_ROW"
