"""Several tables in one file: the largest is read, and the others are named."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.ingest.decoding.decoding import decode, refusal

CITIES = "Cities\nname,pop\nBerlin,3\nParis,2\n"
PEOPLE = "first,last,age\nAda,Lee,36\nBo,May,41\nCy,Ng,50\n"


def test_the_largest_of_several_tables_is_read(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, f"{CITIES}\n{PEOPLE}".encode())
    assert (decoded.header_row, decoded.rejected_rows) == (6, 0)
    assert table.to_pydict() == {"first": ["Ada", "Bo", "Cy"], "last": ["Lee", "May", "Ng"], "age": ["36", "41", "50"]}
    assert "2 tables" in decoded.notes[0]
    assert "line 2 (name, pop); header_row= chooses" in decoded.notes[0]


def test_another_table_is_chosen_by_its_header(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, f"{CITIES}\n{PEOPLE}".encode(), header_row=2)
    assert table.to_pydict() == {"name": ["Berlin", "Paris"], "pop": ["3", "2"]}
    assert "that of header_row was read" in decoded.notes[0]


@pytest.mark.parametrize("second", ["a,b", "a,b,c,d"])
def test_another_header_begins_another_table(second: str, tmp_path: Path) -> None:
    rows = "".join(f"{n},{n * 2},x\n" for n in range(5))
    width = second.count(",") + 1
    others = "".join(",".join([str(n)] * width) + "\n" for n in range(3))
    decoded, table = decode(tmp_path, f"a,b,c\n{rows}{second}\n{others}".encode())
    assert (table.num_rows, table.column_names, decoded.rejected_rows) == (5, ["a", "b", "c"], 0)
    assert "2 tables" in decoded.notes[0]
    assert decode(tmp_path, f"a,b,c\n{rows}{second}\n{others}".encode(), header_row=7)[1].num_rows == 3


def test_tables_that_a_spreadsheet_has_padded_are_cut_to_their_width(tmp_path: Path) -> None:
    content = b"name;pop;;\nBerlin;3;;\nParis;2;;\n;;;\nfirst;last;age;since\nA;B;3;1\nC;D;4;2\nE;F;5;3\n"
    assert decode(tmp_path, content)[1].column_names == ["first", "last", "age", "since"]
    assert decode(tmp_path, content, header_row=1)[1].to_pydict() == {"name": ["Berlin", "Paris"], "pop": ["3", "2"]}


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,x\n2,y\n\n3,z\n4,z\n",  # a gap between rows of one table
        "a,b\n1,x\n2,y\n\na,b\n3,z\n4,z\n",  # the header again
        'a,b\n1,"x\n\nc,d\n1,2\n3,4"\n2,y\n3,z\n4,z\n',  # blank lines and rows within a cell
        "Station,Berlin\nYear,2020\nQuality,good\n\na,b,c\n1,2,x\n2,3,y\n3,4,z\n4,4,z\n",  # what is known of the table
    ],
)
def test_one_table_is_not_parted(content: str, tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, content.encode())
    assert table.num_rows == (3 if '"' in content else 4) + ('"' in content)
    assert not any("tables" in note for note in decoded.notes)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(3, 12), min_size=2, max_size=4, unique=True), delimiter=st.sampled_from(",;\t|"))
def test_each_table_can_be_read_alone(sizes: list[int], delimiter: str, tmp_path: Path) -> None:
    lines: list[str] = []
    headers = []
    for number, size in enumerate(sizes):
        headers.append(len(lines) + 1)
        lines.append(delimiter.join(f"n{number}_{column}" for column in range(number + 2)))
        lines += [delimiter.join(str(row * column) for column in range(number + 2)) for row in range(size)]
        lines.append("")
    content = "\n".join(lines).encode()
    for number, (size, header) in enumerate(zip(sizes, headers, strict=True)):
        decoded, table = decode(tmp_path, content, header_row=header)
        assert (table.num_rows, table.num_columns, decoded.rejected_rows) == (size, number + 2, 0)
    cells = [size * (number + 2) for number, size in enumerate(sizes)]
    decoded, table = decode(tmp_path, content)
    assert table.num_rows * table.num_columns == max(cells)


TABLES = b'{"at": 1, "users": [{"id": 1}, {"id": 2}], "orders": [{"id": 1, "price": 3}, {"id": 2, "price": 4}]}'


def test_the_largest_table_of_a_json_object_is_read(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, TABLES, "x.json")
    assert table.to_pydict() == {"id": [1, 2], "price": [3, 4]}
    assert "sheet= names another. Left out: 'at', 'users'." in decoded.notes[0]


def test_a_table_of_a_json_object_is_chosen_by_its_key(tmp_path: Path) -> None:
    assert decode(tmp_path, TABLES, "x.json", sheet="users")[1].to_pydict() == {"id": [1, 2]}
    error = refusal(tmp_path, TABLES, "x.json", sheet="people")
    assert (error.reason, "'users', 'orders'" in error.detail) == ("UNKNOWN_SHEET", True)


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (
            "Name,Role\nAnna Weber,Manager\nBob Lee,Clerk\nEve Orr,Clerk\n\nCarl Roth,Boss\nDan Ek,Clerk\nFay,X\n",
            6,
        ),
        ("id,note,value\nS1,north end,5.1\nS2,by road,4.9\nS3,pond,5.0\n\nS4,gate,<LOD\nS5,mill,5.2\nS6,barn,4.1\n", 6),
        ("id,value\nP1,5.1\nP2,4.9\nP3,5.0\n# changed\nP5,NA\nP6,5.2\nP7,4.1\n", 6),
    ],
)
def test_rows_that_look_like_a_header_are_not_taken_for_one(content: str, rows: int, tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, content.encode())
    assert (table.num_rows, decoded.header_row) == (rows, 1)
    assert not any("tables" in note for note in decoded.notes)


def test_a_large_table_without_a_clear_header_is_not_lost(tmp_path: Path) -> None:
    large = "".join(f"Firm {n},{n} Street,Town {n},likes {n}\n" for n in range(20))
    content = f"Customer,Street,City,Comment\n{large}\nCode,Rate\nA,1\nB,2\nC,3\n\nMonth,Count\nJan,4\nFeb,5\nMar,6\n"
    assert decode(tmp_path, content.encode())[1].column_names[0] == "Customer"


def test_many_gaps_are_those_of_one_table(tmp_path: Path) -> None:
    content = "a,b\n" + "".join(f"x,1\ny,{n}\nz,3\n\n" for n in range(250))
    assert decode(tmp_path, content.encode())[1].num_rows == 750
