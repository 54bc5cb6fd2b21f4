"""Compressed files, files with typed columns, and workbooks are decoded."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from ingest_service.decoding import decompress
from shared.errors import LimitExceeded
from tests.unit.ingest.decoding.decoding import decode, refusal
from tests.unit.ingest.decoding.workbooks import workbook

CSV = b"zip,name\n00501,Ada\n94105,Li\n"
TABLE = {"zip": ["00501", "94105"], "name": ["Ada", "Li"]}


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return content.getvalue()


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    compressed: bytes = sink.getvalue().to_pybytes()
    return compressed


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd,
    "zip": lambda data: zipped(x_csv=data),
}


@pytest.mark.parametrize("compression", PACKERS)
def test_compressed_files_are_unpacked(tmp_path: Path, compression: str) -> None:
    decoded, table = decode(tmp_path, PACKERS[compression](CSV), "people.csv.gz")
    assert (decoded.compression, decoded.format, table.to_pydict()) == (compression, "csv", TABLE)


@pytest.mark.parametrize("compression", PACKERS)
def test_damaged_files_are_refused(tmp_path: Path, compression: str) -> None:
    whole = PACKERS[compression](CSV * 1000)
    error = refusal(tmp_path, whole[: len(whole) // 2])
    assert error.reason == "UNREADABLE_FILE"
    assert compression in error.detail


@pytest.mark.parametrize("compression", PACKERS)
def test_decompression_bombs_are_refused(tmp_path: Path, compression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompress, "RATIO_FREE_BYTES", 1 << 20)
    monkeypatch.setattr(decompress, "MAX_RATIO", 2)
    error = refusal(tmp_path, PACKERS[compression](bytes(8 << 20)))
    assert isinstance(error, LimitExceeded)
    assert (tmp_path / "raw.unpacked").stat().st_size <= 1 << 20


def test_compressed_twice_is_refused(tmp_path: Path) -> None:
    assert "compressed twice" in refusal(tmp_path, gzip.compress(bz2.compress(CSV))).detail


def test_the_first_table_of_an_archive_is_read(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, zipped(readme_md=b"hello", a_csv=CSV, b_csv=b"x\n1\n"), "x.zip")
    assert table.to_pydict() == TABLE
    assert decoded.notes == ("Read 'a.csv', the first of 3 files in the archive.",)


def parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def arrow(table: pa.Table) -> bytes:
    file = io.BytesIO()
    feather.write_feather(table, file)
    return file.getvalue()


@pytest.mark.parametrize("write", [parquet, arrow])
def test_typed_files_keep_their_types(tmp_path: Path, write: Callable[[pa.Table], bytes]) -> None:
    timestamp = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)
    columns: dict[str, Any] = {
        "whole": pa.array([1, None], pa.int16()),
        "real": pa.array([0.5, 2.0], pa.float32()),
        "yes": [True, None],
        "day": [date(2024, 5, 1), None],
        "moment": pa.array([timestamp, None], pa.timestamp("ms", tz="Europe/Berlin")),
        "price": [Decimal("1.10"), None],
        "word": pa.array(["a", "b"]).dictionary_encode(),
        "place": [{"city": "Köln", "at": {"lat": 50.9}}, None],
        "tags": [["x", "y"], None],
        "huge": pa.array([2**63, 1], pa.uint64()),
    }
    decoded, table = decode(tmp_path, write(pa.table(columns)), "x.bin")
    assert decoded.format in ("parquet", "arrow")
    rows = table.to_pylist()
    assert rows[0] == {
        "whole": 1,
        "real": 0.5,
        "yes": True,
        "day": datetime(2024, 5, 1),
        "moment": timestamp,
        "price": "1.10",
        "word": "a",
        "place.city": "Köln",
        "place.at.lat": 50.9,
        "tags": '["x", "y"]',
        "huge": "9223372036854775808",
    }
    assert [rows[1][name] for name in ("whole", "yes", "day", "price", "place.city", "tags")] == [None] * 6


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    whole = bytearray(parquet(pa.table(TABLE)))
    whole[4:40] = bytes(36)
    assert "parquet file is damaged" in refusal(tmp_path, bytes(whole)).detail


BOOK = workbook(
    Notes=[],
    People=[["zip", "age", "size"], ["00501", 36, 1.5], ["94105", 41, 2]],
    Titled=[["Sales 2024"], ["region", "sum"], ["north", 1], ["south", 2]],
)


def test_the_first_sheet_with_data_is_read(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, BOOK, "book.xlsx")
    assert (decoded.format, decoded.sheet, decoded.header_row) == ("xlsx", "People", 1)
    assert table.to_pydict() == {"zip": ["00501", "94105"], "age": [36, 41], "size": [1.5, 2.0]}
    assert decoded.notes == ("Read the sheet 'People', one of 3.",)


@pytest.mark.parametrize("sheet", ["Titled", "3"])
def test_a_sheet_can_be_chosen(tmp_path: Path, sheet: str) -> None:
    decoded, table = decode(tmp_path, BOOK, "book.xlsx", sheet=sheet)
    assert (decoded.sheet, decoded.header_row) == ("Titled", 2)
    assert table.to_pydict() == {"region": ["north", "south"], "sum": [1, 2]}


def test_an_unknown_sheet_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, BOOK, "book.xlsx", sheet="Budget")
    assert (error.reason, "'People'" in error.detail) == ("UNKNOWN_SHEET", True)
    assert refusal(tmp_path, workbook(Empty=[]), "book.xlsx").reason == "EMPTY_FILE"


def test_a_broken_workbook_is_refused(tmp_path: Path) -> None:
    broken = io.BytesIO()
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    assert refusal(tmp_path, broken.getvalue(), "book.xlsx").reason == "UNREADABLE_FILE"


def test_an_opendocument_sheet_is_read(tmp_path: Path) -> None:
    cells = (
        '<table:table-cell office:value-type="float" office:value="2.5"><text:p>2.5</text:p></table:table-cell>'
        '<table:table-cell office:value-type="date" office:date-value="2024-03-01"></table:table-cell>'
    )
    names = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{name}</text:p></table:table-cell>'
        for name in ("price", "day")
    )
    rows = f"<table:table-row>{names}</table:table-row><table:table-row>{cells}</table:table-row>"
    spaces = "".join(
        f' xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for short, name in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    body = f'<office:body><office:spreadsheet><table:table table:name="S">{rows}</table:table></office:spreadsheet>'
    content = f"<office:document-content{spaces}>{body}</office:body></office:document-content>"
    kind, manifest = (
        "application/vnd.oasis.opendocument.spreadsheet",
        "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0",
    )
    listed = f'<manifest:manifest xmlns:manifest="{manifest}"></manifest:manifest>'.encode()
    files = {"mimetype": kind.encode(), "content_xml": content.encode(), "META-INF/manifest_xml": listed}
    archive = zipped(**files)
    decoded, table = decode(tmp_path, archive, "book.ods")
    assert (decoded.format, decoded.sheet) == ("ods", "S")
    assert table.to_pydict() == {"price": [2.5], "day": ["2024-03-01"]}


def test_a_list_of_rows_is_a_table(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, b'[["id","name"],[1,"Ann"],[2,"Ben"],[3]]', "x.json")
    assert table.to_pydict() == {"id": [1, 2, 3], "name": ["Ann", "Ben", None]}
    assert decoded.format == "json_rows"
    decoded, table = decode(tmp_path, b'{"data": [[1, 2.5], [3, 4.5]]}', "x.json")
    assert table.to_pydict() == {"column_1": [1, 3], "column_2": [2.5, 4.5]}


@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_repeated_keys_are_said(tmp_path: Path, name: str) -> None:
    decoded, table = decode(tmp_path, b'{"a": 1, "a": 2}\n{"a": 3}\n', name)
    assert table.to_pydict() == {"a": [2, 3]}
    assert decoded.notes == ("Some records have a key twice, of which the last counts: 'a'.",)


def test_lines_may_have_other_keys(tmp_path: Path) -> None:
    _, table = decode(tmp_path, b'{"a": 1}\n{"b": "x"}\n{"a": 2, "c": true}\n', "x.jsonl")
    assert table.to_pydict() == {"a": [1, None, 2], "b": [None, "x", None], "c": [None, None, True]}
