"""Text in other dialects is read as it was meant, and text in the standard dialect as it is."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.ingest.decoding.decoding import decode

ROWS = [["name", "note", "n"], ["O'Brien", "said 5, or 6", "1"], ["Li", "C:\\temp", "2"], ["Ann", "plain", "3"]]


def to_csv(rows: list[list[str]], **dialect: object) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", **dialect).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue().encode()


def read(tmp_path: Path, content: bytes, **options: object) -> tuple[list[list[str]], tuple[str, ...]]:
    decoded, table = decode(tmp_path, content, **options)  # type: ignore[arg-type]
    rows = [["" if cell is None else cell for cell in row.values()] for row in table.to_pylist()]
    return [table.column_names, *rows], decoded.notes


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_single_quotes(delimiter: str, tmp_path: Path) -> None:
    content = to_csv(ROWS, quotechar="'", quoting=csv.QUOTE_ALL, delimiter=delimiter)
    assert read(tmp_path, content) == (ROWS, ("Cells stand in single quotes.",))


def test_backslashes_before_quotes(tmp_path: Path) -> None:
    content = b'id,text,n\n1,"say \\"hi\\", please",4\n2,"back\\\\slash \\"x\\"",5\n3,\\N,6\n'
    rows, notes = read(tmp_path, content)
    assert rows == [["id", "text", "n"], ["1", 'say "hi", please', "4"], ["2", 'back\\slash "x"', "5"], ["3", "", "6"]]
    assert notes == ("Quotes within cells are marked by a backslash.",)


def test_columns_of_spaces(tmp_path: Path) -> None:
    content = b"id   x    y\n1   2.5   7\n2  13.5  18\n3  10.0   9\n4   2.0   1\n"
    rows, notes = read(tmp_path, content)
    assert rows[:3] == [["id", "x", "y"], ["1", "2.5", "7"], ["2", "13.5", "18"]]
    assert notes[0] == "Columns are parted by spaces."


@pytest.mark.parametrize(
    "content",
    [
        b"name,note\n'tis,it's\nO'Brien,don't\n'n',x\n",
        b'path,n\n"C:\\temp\\",1\n"D:\\x",2\nE:\\N,3\n',
        b"text\nthe first line here\nthe second line now\nand a third one too\nfour of them here\nfour of them now\n",
    ],
)
def test_ordinary_text_stays(content: bytes, tmp_path: Path) -> None:
    rows, notes = read(tmp_path, content)
    assert rows == list(csv.reader(io.StringIO(content.decode()), delimiter=","))
    assert not [note for note in notes if "doubtful" not in note]


CELL_TEXTS = st.text(st.sampled_from("ab 12,;|'\"\\\n\tüß€"), max_size=8)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(CELL_TEXTS, min_size=3, max_size=3), min_size=4, max_size=9),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    lines=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_the_usual_dialect_is_read_cell_by_cell(
    tmp_path: Path, rows: list[list[str]], delimiter: str, quoting: int, lines: str, encoding: str
) -> None:
    body = [[cell.strip() or "x" for cell in row] for row in rows]
    table = [["first", "second", "third"], ["a b", "c d", "e f"], *body]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=lines).writerows(table)  # type: ignore[arg-type]
    assert read(tmp_path, text.getvalue().encode(encoding), delimiter=delimiter)[0] == table


def test_spaces_before_quoted_cells_are_skipped(tmp_path: Path) -> None:
    text = 'name,      land,  time\n"Ada L",   "GB",  9.6\n"Bo",      "US",  9.7\n"Cy \\"X\\" D", "FR", 9.9\n'
    _, table = decode(tmp_path, text.encode())
    assert table.to_pydict() == {
        "name": ["Ada L", "Bo", 'Cy "X" D'],
        "land": ["GB", "US", "FR"],
        "time": ["9.6", "9.7", "9.9"],
    }


def test_quoted_cells_in_columns_of_spaces_and_names_of_rows(tmp_path: Path) -> None:
    rows = "".join(f'"row {number}" {number} {number * 2.5} NA\n' for number in range(1, 8))
    _, table = decode(tmp_path, ('"n" "x" "y"\n' + rows).encode())
    assert table.column_names == ["column_1", "n", "x", "y"]
    assert table["column_1"].to_pylist()[:2] == ["row 1", "row 2"]
    assert table["x"].to_pylist()[0] == "2.5"
