"""Rejected rows, title rows, missing headers, and the read options of the uploader."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import Unprocessable
from tests.unit.ingest.decoding.decoding import decode, refusal

RAGGED = b'a,b\n1,2\n3\n4,5\n"6\n7",8,9\n10,11\n12,13\n'


def test_rows_that_do_not_fit_are_kept_aside(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, RAGGED)
    assert table.to_pydict() == {"a": ["1", "4", "10", "12"], "b": ["2", "5", "11", "13"]}
    assert (decoded.rows, decoded.rejected_rows) == (4, 2)
    assert "2 rows were left out: another number of cells than the header" in decoded.notes[0]
    assert pq.read_table(tmp_path / "rejects.parquet").to_pylist() == [
        {"line": 3, "why": "1 field where the header has 2 fields", "text": "3", "is_mended": False},
        {"line": 5, "why": "3 fields where the header has 2 fields", "text": '"6\n7",8,9', "is_mended": False},
    ]


def test_a_file_that_fits_has_no_rejects(tmp_path: Path) -> None:
    decoded, _ = decode(tmp_path, b"a,b\n1,2\n")
    assert decoded.rejected_rows == 0
    assert not (tmp_path / "rejects.parquet").exists()


def test_mostly_ragged_files_are_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, b"a,b\n1\n2\n3,4\n")
    assert (error.reason, error.metadata["line"]) == ("RAGGED_ROW", "2")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(1, 4), min_size=6, max_size=40))
def test_every_row_is_in_the_table_or_among_the_rejects(tmp_path: Path, widths: list[int]) -> None:
    lines = [",".join(str(100 * row + column**2) for column in range(width)) for row, width in enumerate(widths)]
    content = "\n".join(["x,y,z", *lines]).encode()
    fitting = [line.split(",") for line, width in zip(lines, widths, strict=True) if width == 3]
    try:
        decoded, table = decode(tmp_path, content)
    except Unprocessable as error:
        assert error.reason == "RAGGED_ROW"
        assert 2 * len(fitting) <= len(widths)
    else:
        assert decoded.rows + decoded.rejected_rows == len(widths)
        if table.num_columns != 3:  # the rows have names, and the header has none for them
            assert (table.num_columns, table.column_names[1:]) == (4, ["x", "y", "z"])
            return
        rows = iter([list(row.values()) for row in table.to_pylist()])
        assert all(row in rows for row in fitting), "they are all there, in their order"
        assert decoded.rows - len(fitting) == decoded.mended_rows


def test_titles_above_the_table_are_left_out(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, b"Sales 2024\nall regions\n\nregion;sum\nnorth;1\nsouth;2\n")
    assert (decoded.delimiter, decoded.header_row) == (";", 4)
    assert table.to_pydict() == {"region": ["north", "south"], "sum": ["1", "2"]}
    assert decoded.notes == ("The 3 lines above the header were left out.",)


def test_a_title_with_commas_does_not_make_commas_the_delimiter(tmp_path: Path) -> None:
    rows = "".join(f"{number};north;{number},50\n" for number in range(9))
    decoded, table = decode(tmp_path, f"Sales, all regions\n\nid;region;sum\n{rows}TOTAL;9\n".encode())
    assert (decoded.delimiter, decoded.header_row, decoded.rejected_rows) == (";", 3, 1)
    assert table.column_names == ["id", "region", "sum"]


def test_a_table_of_one_column_has_no_titles(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, b"name\nada\nli\nnoor, the third\n")
    assert decoded.rows + decoded.rejected_rows == 3
    assert table["name"].to_pylist()[:2] == ["ada", "li"]


def test_a_missing_header_is_noticed(tmp_path: Path) -> None:
    rows = b"5.1,3.5,setosa\n4.9,3.0,setosa\n6.4,3.2,versicolor\n"
    decoded, table = decode(tmp_path, rows)
    assert decoded.header_row == 0
    assert table.to_pydict() == {
        "column_1": ["5.1", "4.9", "6.4"],
        "column_2": ["3.5", "3.0", "3.2"],
        "column_3": ["setosa", "setosa", "versicolor"],
    }


@pytest.mark.parametrize(
    "content",
    [
        b"2019,2020,2021\n1,2,3\n4,5,6\n7,8,9\n",
        b"1,b,c\n1,x,y\n2,x,z\n3,x,y\n",
        b"id,1,2\na,3,4\nb,5,6\nc,7,8\n",
    ],
)
def test_a_header_with_numbers_is_a_header(tmp_path: Path, content: bytes) -> None:
    decoded, table = decode(tmp_path, content)
    assert decoded.header_row == 1
    assert table.num_rows == 3


def test_the_uploader_knows_better(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, b"x y\n1 2\n3 4\n", delimiter=" ", header_row=0)
    assert table.to_pydict() == {"column_1": ["x", "1", "3"], "column_2": ["y", "2", "4"]}
    decoded, table = decode(tmp_path, b"skip,me\nand,me\na,b\n1,2\n", header_row=3)
    assert (decoded.header_row, table.to_pydict()) == (3, {"a": ["1"], "b": ["2"]})
    _, table = decode(tmp_path, "a,b\nß,2\n".encode("cp1252"), encoding="cp1252")
    assert table["a"].to_pylist() == ["ß"]
    assert refusal(tmp_path, b"a\n\xff\n", encoding="utf-8").reason == "WRONG_ENCODING"
    assert refusal(tmp_path, b"a,b\n1,2\n", header_row=9).reason == "EMPTY_FILE"


def test_the_header_again_and_a_line_of_totals_are_no_rows(tmp_path: Path) -> None:
    text = 'item;amount;price\na;1;2,5\n"item";amount;price\nb;2;3,5\n\nSumme;;6,0\n\n'
    decoded, table = decode(tmp_path, text.encode())
    assert table.to_pydict() == {"item": ["a", "b"], "amount": ["1", "2"], "price": ["2,5", "3,5"]}
    assert decoded.notes[-1] == "2 rows were left out: the header again (1), a line of totals (1); see the rejects."
    assert pq.read_table(tmp_path / "rejects.parquet").to_pylist() == [
        {"line": 3, "why": "the header again", "text": '"item";amount;price', "is_mended": False},
        {"line": 6, "why": "a line of totals", "text": "Summe;;6,0", "is_mended": False},
    ]


@pytest.mark.parametrize("last", ["Total;1;2", "Sum;;", "Berlin;;3", ";;6"])
def test_a_last_row_like_others_stays(last: str, tmp_path: Path) -> None:
    _, table = decode(tmp_path, f"item;amount;price\na;1;2\nb;2;3\n{last}\n".encode())
    assert table.num_rows == 3


ROWS_OF_THREE = "".join(f"{row},{row % 7}.5,{'abcdefgh'[row % 8]}x\n" for row in range(1, 30))


@pytest.mark.parametrize(
    ("header", "note"),
    [
        ("id,,price,name", "An empty name was left out"),
        ("id,price,name,", "An empty name was left out"),
        ('id,"price,"name"', "Quotes were left out"),
    ],
)
def test_a_header_of_another_width_is_mended_where_one_way_fits(tmp_path: Path, header: str, note: str) -> None:
    decoded, table = decode(tmp_path, f"{header}\n{ROWS_OF_THREE}".encode())
    assert decoded.columns == ("id", "price", "name")
    assert table.num_rows == 29
    assert (decoded.rejected_rows, decoded.mended_rows) == (0, 0)
    assert any(line.startswith(note) for line in decoded.notes)


@pytest.mark.parametrize("header", ["id,price,name,more", "id,,price,,name,more"])
def test_a_header_with_more_names_than_cells_is_left(tmp_path: Path, header: str) -> None:
    try:
        decoded, _ = decode(tmp_path, f"{header}\n{ROWS_OF_THREE}".encode())
    except Unprocessable as error:
        assert error.reason == "RAGGED_ROW"
    else:
        assert decoded.mended_rows == 29
