"""Decoding keeps every cell of a file, and refuses files that are not a table with a reason."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ingest_service.decoding import Limits, csv_rows
from ingest_service.decoding.non_data_rows import find_non_data_rows
from shared.errors import LimitExceeded, ServiceError, Unprocessable
from tests.unit.ingest.decoding.decoding import decode, refusal


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
        (b"PK\x03\x04....", "x.csv", "UNREADABLE_FILE", "zip file is damaged"),
        (bytes(range(1, 256)) * 20, "x.csv", "NOT_A_TEXT_FILE", "binary"),
        (b'{"a": 1, "b": "x"}', "x.json", "NOT_A_TABLE", "not a table"),
        (b'"text"', "x.json", "NOT_A_TABLE", "not a table"),
        (b"[]", "x.json", "NO_ROWS", "no records"),
        (b"[{}]", "x.json", "NO_ROWS", "no records"),
        (b'[{"a": 1},\n {"a": }]', "x.json", "INVALID_JSON", "line 2, column 8"),
        (b'{"a": 1}\n{"a": \n', "x.jsonl", "INVALID_JSON", "line 2"),
        (b'{"a": [1, 2], "b": [1]}', "x.json", "NOT_A_TABLE", "differ in length"),
        (b'{"a": [{"k": 1}], "b": [1, 2], "c": 3}', "x.json", "NOT_A_TABLE", "no other list"),
        (b"[" * 100_000, "x.json", "NOT_A_TABLE", "deeply"),
        (b'{"a": ' * 2000 + b"1" + b"}" * 2000, "x.jsonl", "NOT_A_TABLE", "deeply"),
        (b'{"a": 1}\n{"a": ' + b"[" * 200_000, "x.jsonl", "NOT_A_TABLE", "deeply to be a table (line 2)"),
        (b'[{"a": ' + b"9" * 5000 + b"}]", "x.json", "INVALID_JSON", "can't be read"),
        (b'{"a": 1}\n{"a": ' + b"9" * 5000 + b"}", "x.json", "INVALID_JSON", "thousands of digits (line 2)"),
        (b'{"a": 1}\n[2]\n', "x.jsonl", "NOT_A_TABLE", "Line 2 is not a record"),
        (b"a,b", "x.csv", "NO_ROWS", "no rows"),
        (b"a\n\n\n", "x.csv", "NO_ROWS", "no rows"),
        (b'"', "x.csv", "UNCLOSED_QUOTE", "opens in line 1 is never closed"),
        (b'\na,"b\n1,2\n', "x.csv", "UNCLOSED_QUOTE", "opens in line 2"),
        (b'a;"b\n1;2\n', "x.csv", "UNCLOSED_QUOTE", "opens in line 1"),
        (b'a,b\n"x\ny","4\n5,6\n\n', "x.csv", "UNCLOSED_QUOTE", "opens in line 3"),
        (b'a\n1\n"', "x.csv", "UNCLOSED_QUOTE", "opens in line 3"),
        (b'a,b\n1,2\n3,"' + b"x" * 3_000_000, "x.csv", "UNCLOSED_QUOTE", "opens in line 3"),
        (b"a\n" * 600_000 + b"\x00\n", "x.csv", "NOT_A_TEXT_FILE", "zero byte in line 600001"),
        ("\ufeffa\n\x00\n".encode("utf-16"), "x.csv", "NOT_A_TEXT_FILE", "zero byte in line 2"),
    ],
)
def test_refusals(tmp_path: Path, content: bytes, filename: str, reason: str, words: str) -> None:
    error = refusal(tmp_path, content, filename)
    assert isinstance(error, Unprocessable)
    assert error.reason == reason
    assert words in error.detail


def test_cells_that_are_too_long_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_rows, "_MAX_FIELD_CHARACTERS", 2_000_000)
    error = refusal(tmp_path, b'a,b\n1,2\n3,"' + b"x" * 3_000_000 + b'"\n')
    assert "line 3 has a cell of more than 2,000,000 characters" in error.detail


def test_limits_are_reported_with_both_numbers(tmp_path: Path) -> None:
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


def test_json_broken_surrogates_are_replaced(tmp_path: Path) -> None:
    _, table = decode(tmp_path, b'[{"\\ud800": "\\udfff ok"}]', "x.json")
    assert table.to_pydict() == {"?": ["? ok"]}


def test_json_keys_that_flatten_to_one_name_stay_apart(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, b'[{"a": {"b": 1}, "a.b": 2}, {"a.b": 3}]', "x.json")
    assert table.to_pydict() == {"a.b": [1, None], "a.b_2": [2, 3]}
    assert "'a.b_2' instead of 'a.b'" in decoded.notes[0]


def test_json_names_that_decode_to_one_stay_apart(tmp_path: Path) -> None:
    _, table = decode(tmp_path, b'{"\\ud800": [1], "?": [2]}', "x.json")
    assert table.to_pydict() == {"?": [1], "?_2": [2]}


def test_json_row_labels_that_say_something_are_kept(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, b'{"a": {"mon": 1, "tue": 2}, "b": {"mon": 3, "tue": 4}}', "x.json")
    assert table.to_pydict() == {"index": ["mon", "tue"], "a": [1, 2], "b": [3, 4]}
    assert "labels" in decoded.notes[0]


def test_json_notes_name_the_key_used_and_those_left_out(tmp_path: Path) -> None:
    content = {"status": "ok", "meta": {"page": 1, "tags": ["x"]}, "data": [{"a": 1}, {"a": 2}]}
    decoded, table = decode(tmp_path, json.dumps(content).encode(), "x.json")
    assert table.to_pydict() == {"a": [1, 2]}
    assert decoded.notes == ("The table was read from the key 'data'. Left out: 'status', 'meta'.",)


@pytest.mark.parametrize("filename", ["x.jsonl", "x.ndjson"])
@pytest.mark.parametrize("record", [{"a": 1, "b": "x"}, {"id": 1, "tags": [{"k": 1}, {"k": 2}]}, {"a": [1, 2]}])
def test_one_line_of_json_lines_is_one_record(tmp_path: Path, filename: str, record: dict[str, object]) -> None:
    decoded, table = decode(tmp_path, json.dumps(record).encode(), filename)
    assert (decoded.rows, decoded.columns) == (1, tuple(record))
    texts = {name: [json.dumps(value) if isinstance(value, list) else value] for name, value in record.items()}
    assert table.to_pydict() == texts


def test_json_lines_end_at_line_feeds_only(tmp_path: Path) -> None:
    lines = '{"a": "x\u2028y"}\r\n{"a": "p\x85q"}\n'
    for filename in ("x.json", "x.jsonl"):
        _, table = decode(tmp_path, lines.encode(), filename)
        assert table.to_pydict() == {"a": ["x\u2028y", "p\x85q"]}


def test_a_json_document_named_jsonl_is_read(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, b'[\n{"a": 1},\n{"a": 2}\n]', "x.jsonl")
    assert (decoded.format, table.to_pydict()) == ("json_records", {"a": [1, 2]})


def test_blank_lines_before_a_row_longer_than_a_block(tmp_path: Path) -> None:
    rows = b"".join(b"%d,x\n\n" % number for number in range(60_000))
    content = b"a,b\n" + rows + b'999999,"' + b"z" * 3_000_000 + b'"\n7,8\n'
    decoded, table = decode(tmp_path, content, limits=Limits(max_rows=100_000, max_columns=2))
    assert decoded.rows == 60_002
    assert table["a"].to_pylist() == [*map(str, range(60_000)), "999999", "7"]


def test_blank_lines_before_the_header(tmp_path: Path) -> None:
    _, table = decode(tmp_path, b"\n\r\na,b\n1,2\n3,4\n")
    assert table.to_pydict() == {"a": ["1", "3"], "b": ["2", "4"]}


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_blank_line_in_one_column_is_an_empty_cell(tmp_path: Path, line_end: str) -> None:
    _, table = decode(tmp_path, line_end.join(["", "a", "", "1", "", '""', "3", "", "", ""]).encode())
    assert table.to_pydict() == {"a": [None, "1", None, "", "3"]}


def test_one_column_may_hold_other_delimiters(tmp_path: Path) -> None:
    _, table = decode(tmp_path, b"note\nhello; world\nall | well\n")
    assert table.to_pydict() == {"note": ["hello; world", "all | well"]}


@pytest.mark.parametrize("shift", [0, 1])
def test_line_ends_inside_quotes_survive_the_edge_of_a_block(tmp_path: Path, shift: int) -> None:
    cell = "\r\n" * 800_000
    _, table = decode(tmp_path, f'a,b\r\n{"x" * shift},"{cell}"\r\n1,2\r\n'.encode())
    assert table["b"].to_pylist() == [cell, "2"]
    rows = '"\r\n",1\r\n' * 400_000
    limits = Limits(max_rows=400_001, max_columns=2)
    _, table = decode(tmp_path, f"a,b\r\n{'x' * shift},1\r\n{rows}".encode(), limits=limits)
    assert set(table["a"].to_pylist()[1:]) == {"\r\n"}


def test_a_byte_order_mark_in_a_cell_is_text(tmp_path: Path) -> None:
    _, table = decode(tmp_path, "a,b\n\ufeff1,2\n".encode())
    assert table.to_pydict() == {"a": ["\ufeff1"], "b": ["2"]}


def test_a_wrong_byte_order_mark_is_noted(tmp_path: Path) -> None:
    rows = "".join(f"Müller {number},Köln\n" for number in range(50))
    decoded, table = decode(tmp_path, b"\xef\xbb\xbf" + ("name,city\n" + rows).encode("cp1252"))
    assert decoded.columns == ("name", "city")
    assert table["city"][0].as_py() == "Köln"
    assert "not UTF-8" in decoded.notes[0]


def test_broken_utf_16_is_noted(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, "\ufeffa,b\n1,\ud800x\n".encode("utf-16-le", "surrogatepass"))
    assert table.to_pydict() == {"a": ["1"], "b": ["\ufffdx"]}
    assert decoded.notes == ("1 character can't be read as utf-16-le; “\ufffd” stands in its place.",)


def test_replacement_characters_of_the_file_itself_need_no_note(tmp_path: Path) -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        decoded, _ = decode(tmp_path, "a,b\n1,\ufffd\n".encode(encoding))
        assert decoded.notes == ()


def test_names_that_look_like_file_formats_are_names(tmp_path: Path) -> None:
    decoded, _ = decode(tmp_path, b"PAR1,PAR2\n1,2\n")
    assert decoded.columns == ("PAR1", "PAR2")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_too_many_columns_are_reported_with_the_rows(tmp_path: Path, form: str) -> None:
    names = [f"c{number}" for number in range(20_000)]
    content = ",".join(names) + "\n" + "1," * 19_999 + "1\n" if form == "csv" else json.dumps([dict.fromkeys(names, 1)])
    error = refusal(tmp_path, content.encode(), f"x.{form}")
    assert isinstance(error, LimitExceeded)
    assert "1 row × 20,000 columns; at most 1,000 rows × 50 columns" in error.detail
    assert (error.metadata["rows"], error.metadata["columns"]) == ("1", "20000")


def test_no_refusal_uses_the_words_of_a_library(tmp_path: Path) -> None:
    for content, name in ((b'a,"', "x.csv"), (b'a\n"', "x.csv"), (b"[" * 9999, "x.json"), (b"9" * 5000, "x.jsonl")):
        words = refusal(tmp_path, content, name).detail
        assert not any(word in words for word in ("straddl", "block", "recursion", "set_int_max", "arrow", "csv."))


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=20)
tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=8)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=tables, quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
def test_the_decoded_table_equals_the_file(tmp_path: Path, rows: list[list[str]], quoting: int) -> None:
    width = len(rows[0])
    names = [f"c{position}" for position in range(width)]
    # Hypothesis takes words from our code, such as one for a total.
    texts = [pa.array([row[position] or None for row in rows], pa.string()) for position in range(width)]
    assume(not find_non_data_rows(lambda: iter([pa.record_batch(texts, names)]), names).roles)
    file = io.StringIO()
    writer = csv.writer(file, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([names, *rows])
    try:
        # Nothing tells a column of texts with semicolons from a title above a table with semicolons.
        _, table = decode(tmp_path, file.getvalue().encode(), delimiter="," if width == 1 else None)
    except Unprocessable as error:
        assert error.reason == "NOT_A_TEXT_FILE"
        return
    assert [[cell or "" for cell in row.values()] for row in table.to_pylist()] == rows


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(st.sampled_from([*'a1""\',;|\t\n\r {}[]:', "\r\n", "\ufeff", "\u2028", "\x00", "é"])),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    filename=st.sampled_from(["x.csv", "x.json", "x.jsonl", "x"]),
)
def test_whatever_comes_is_read_or_refused(tmp_path: Path, pieces: list[str], encoding: str, filename: str) -> None:
    try:
        decode(tmp_path, "".join(pieces).encode(encoding, "replace"), filename)
    except ServiceError as error:
        assert error.detail.endswith((".", "?"))
