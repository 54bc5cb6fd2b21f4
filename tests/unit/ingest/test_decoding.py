"""Decoding holds what the file says, cell by cell, and refuses in words what is no table."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest_service.decoding import Decoded, Limits, decode_file
from shared.errors import LimitExceeded, ServiceError, Unprocessable

LIMITS = Limits(max_rows=1000, max_columns=50)


def decode(folder: Path, content: bytes, filename: str = "x.csv") -> tuple[Decoded, pa.Table]:
    source, target = folder / "raw", folder / "table.arrow"
    source.write_bytes(content)
    decoded = decode_file(source, filename, target, LIMITS)
    with pa.OSFile(str(target)) as file:
        return decoded, pa.ipc.open_file(file).read_all()


def refusal(folder: Path, content: bytes, filename: str = "x.csv") -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        decode(folder, content, filename)
    return caught.value


def test_text_stays_text(tmp_path: Path) -> None:
    _, table = decode(tmp_path, b'zip,n,q\n00501,1.50,""\nNA,,a\n')
    assert table.to_pydict() == {"zip": ["00501", "NA"], "n": ["1.50", None], "q": ["", "a"]}
    assert all(kind == pa.string() for kind in table.schema.types)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    decoded, table = decode(tmp_path, delimiter.join("abc").encode() + b"\n" + delimiter.join("123").encode() + b"\n")
    assert decoded.delimiter == delimiter
    assert table.to_pydict() == {"a": ["1"], "b": ["2"], "c": ["3"]}


def test_decimal_commas_do_not_make_commas_the_delimiter(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, b"a;b\n1,5;2,5\n3,25;4\n")
    assert decoded.delimiter == ";"
    assert table.to_pydict() == {"a": ["1,5", "3,25"], "b": ["2,5", "4"]}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_and_quoted_newlines(tmp_path: Path, line_end: str) -> None:
    content = line_end.join(["a,b", '"x, y",1', '"two\nlines",2', ""])
    _, table = decode(tmp_path, content.encode())
    assert table.to_pydict() == {"a": ["x, y", "two\nlines"], "b": ["1", "2"]}


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16-le"), ("utf-16-be", "utf-16-be")],
)
def test_unicode_encodings(tmp_path: Path, encoding: str, expected: str) -> None:
    text = "Straße,größe\nÄpfel,Привет\n"
    prefix = "\ufeff" if encoding == "utf-16-be" else ""
    decoded, table = decode(tmp_path, (prefix + text).encode(encoding))
    assert decoded.encoding == expected
    assert table.to_pydict() == {"Straße": ["Äpfel"], "größe": ["Привет"]}


def test_cp1252_is_read_with_a_note(tmp_path: Path) -> None:
    rows = "".join(f"Müller {n},Köln\n" for n in range(50))
    decoded, table = decode(tmp_path, ("name,city\n" + rows).encode("cp1252"))
    assert table["city"][0].as_py() == "Köln"
    assert "not UTF-8" in decoded.notes[0]


def test_names_are_made_unique_and_never_empty(tmp_path: Path) -> None:
    decoded, _ = decode(tmp_path, b"a,,a, b ,a_2\n1,2,3,4,5\n")
    assert decoded.columns == ("a", "column_2", "a_3", "b", "a_2")
    assert len(decoded.notes) == 3


def test_rows_longer_than_a_block(tmp_path: Path) -> None:
    rows = [["a", "b"], ["1", "x"], ["2", "y" * 3_000_000], ["3", "z\n" * 600_000], ["4", "w"]]
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    _, table = decode(tmp_path, file.getvalue().encode())
    assert [list(row.values()) for row in table.to_pylist()] == rows[1:]


def test_one_column_and_one_row(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, b"only\n42\n")
    assert (decoded.rows, table.to_pydict()) == (1, {"only": ["42"]})


@pytest.mark.parametrize(
    ("content", "filename", "reason", "words"),
    [
        (b"", "x.csv", "EMPTY_FILE", "empty"),
        (b"\n\n", "x.csv", "EMPTY_FILE", "header"),
        (b"a,b\n", "x.csv", "NO_ROWS", "no rows"),
        (b"a,b\n1,2\n3\n", "x.csv", "RAGGED_ROW", "Line 3 has 1 field where the header has 2 fields"),
        (b"a,b\n1,2\n3,4,5\n", "x.csv", "RAGGED_ROW", "Line 3 has 3 fields"),
        (b"a\x00b,c\n1,2\n", "x.csv", "NOT_A_TEXT_FILE", "zero byte in line 1"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "x.csv", "NOT_A_TEXT_FILE", "PNG"),
        (b"PK\x03\x04....", "x.csv", "NOT_A_TEXT_FILE", "ZIP"),
        (bytes(range(1, 256)) * 20, "x.csv", "NOT_A_TEXT_FILE", "binary"),
        (b'{"a": 1, "b": "x"}', "x.json", "NOT_A_TABLE", "not a table"),
        (b'"text"', "x.json", "NOT_A_TABLE", "not a table"),
        (b"[]", "x.json", "NO_ROWS", "no records"),
        (b"[{}]", "x.json", "NO_ROWS", "no records"),
        (b'[{"a": 1},\n {"a": }]', "x.json", "INVALID_JSON", "line 2, column 8"),
        (b'{"a": 1}\n{"a": \n', "x.jsonl", "INVALID_JSON", "line 2"),
        (b'{"a": [1, 2], "b": [1]}', "x.json", "NOT_A_TABLE", "differ in length"),
        (b"[" * 100_000, "x.json", "NOT_A_TABLE", "deeply"),
        (b'[{"a": ' + b"9" * 5000 + b"}]", "x.json", "INVALID_JSON", "can't be read"),
    ],
)
def test_refusals(tmp_path: Path, content: bytes, filename: str, reason: str, words: str) -> None:
    error = refusal(tmp_path, content, filename)
    assert isinstance(error, Unprocessable)
    assert error.reason == reason
    assert words in error.detail


def test_limits_are_told_with_both_numbers(tmp_path: Path) -> None:
    error = refusal(tmp_path, b"a\n" + b"1\n" * 1001)
    assert isinstance(error, LimitExceeded)
    assert "1,001 rows × 1 column;" in error.detail
    assert "1,000 rows × 50 columns" in error.detail


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ([{"a": 1, "b": "x"}, {"a": 2, "b": None}], "json_records"),
        ({"a": [1, 2], "b": ["x", None]}, "json_columns"),
        ({"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": None}}, "json_columns"),
        ({"data": [{"a": 1, "b": "x"}, {"a": 2}]}, "json_records"),
        ({"data": {"a": [1, 2], "b": ["x", None]}}, "json_columns"),
    ],
)
def test_json_shapes(tmp_path: Path, value: object, form: str) -> None:
    decoded, table = decode(tmp_path, json.dumps(value).encode(), "x.json")
    assert decoded.format == form
    assert table.to_pydict() == {"a": [1, 2], "b": ["x", None]}


def test_json_lines_and_nesting(tmp_path: Path) -> None:
    lines = b'{"id": 1, "at": {"lat": 1.5, "tags": ["x"]}}\n\n{"id": 2, "extra": true}\n'
    decoded, table = decode(tmp_path, lines, "x.ndjson")
    assert decoded.format == "json_lines"
    assert table.to_pydict() == {
        "id": [1, 2],
        "at.lat": [1.5, None],
        "at.tags": ['["x"]', None],
        "extra": [None, True],
    }


def test_json_mixed_kinds_and_huge_numbers_become_text(tmp_path: Path) -> None:
    _, table = decode(tmp_path, json.dumps([{"a": 1, "b": 2**70}, {"a": "x", "b": 1}]).encode(), "x.json")
    assert table.to_pydict() == {"a": ["1", "x"], "b": [str(2**70), "1"]}


def test_json_broken_surrogates_are_survived(tmp_path: Path) -> None:
    _, table = decode(tmp_path, b'[{"\\ud800": "\\udfff ok"}]', "x.json")
    assert table.to_pydict() == {"?": ["? ok"]}


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=20)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=8)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=tables)
def test_the_decoded_table_equals_the_file(tmp_path: Path, rows: list[list[str]]) -> None:
    width = len(rows[0])
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)
    writer.writerows([[f"c{position}" for position in range(width)], *rows])
    try:
        _, table = decode(tmp_path, file.getvalue().encode())
    except Unprocessable as error:
        assert error.reason == "NOT_A_TEXT_FILE"
        return
    assert [list(row.values()) for row in table.to_pylist()] == rows
