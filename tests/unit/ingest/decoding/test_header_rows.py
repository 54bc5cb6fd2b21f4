"""Titles as wide as the table, headers of several rows, files without a header, and separators that are rare."""

import random
from pathlib import Path

import pytest

from tests.bench import reading
from tests.unit.ingest.decoding.decoding import decode

BODY = "".join(f"{n};Oslo {n};{n * 3};{n},5\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("titles", "header_row"),
    [("Umsatz 2024;;;\n", 2), ("Umsatz;;;\n;;;\n", 3), ("Umsatz;;;\nStand: Mai;;;\n;;;\n", 4), ("a;b;c;d;e;f\n\n", 3)],
)
def test_titles_of_any_width_are_left_out(tmp_path: Path, titles: str, header_row: int) -> None:
    decoded, table = decode(tmp_path, f"{titles}Nr;Stadt;Anzahl;Betrag\n{BODY}".encode())
    assert (decoded.header_row, table.column_names) == (header_row, ["Nr", "Stadt", "Anzahl", "Betrag"])
    assert table.num_rows == 11
    assert "left out" in decoded.notes[0]


def test_groups_above_the_names_are_joined_with_them(tmp_path: Path) -> None:
    decoded, table = decode(tmp_path, f"Who;;What;\nNr;Stadt;Anzahl;Betrag\n{BODY}".encode())
    assert table.column_names == ["Who Nr", "Who Stadt", "What Anzahl", "What Betrag"]
    assert decoded.header_row == 2
    assert "The names of the columns are those of two rows, joined." in decoded.notes


def test_units_below_the_names_are_joined_with_them(tmp_path: Path) -> None:
    rows = "".join(f"s{n},{n}.5,{1000 + n}\n" for n in range(9))
    decoded, table = decode(tmp_path, f"station,temp,pressure\n,°C,hPa\n{rows}".encode())
    assert table.column_names == ["station", "temp °C", "pressure hPa"]
    assert table.num_rows == 9
    assert decoded.header_row == 1


def test_names_of_rows_need_no_header(tmp_path: Path) -> None:
    _, table = decode(tmp_path, b"mpg,cyl\nMazda,21,6\nDatsun,22.8,4\nHornet,21.4,6\n")
    assert table.column_names == ["column_1", "mpg", "cyl"]
    assert table["column_1"].to_pylist() == ["Mazda", "Datsun", "Hornet"]


def test_names_of_rows_beside_a_very_long_cell(tmp_path: Path) -> None:
    rows = "".join(f"r{number},{'x' * (1_200_000 if number == 3 else 5)},{number}\n" for number in range(6))
    decoded, table = decode(tmp_path, f"text,n\n{rows}".encode())
    assert (table.column_names, decoded.rows) == (["column_1", "text", "n"], 6)


@pytest.mark.parametrize("delimiter", ["^", "~", "\x1f", "\x01", ":"])
def test_rare_separators(tmp_path: Path, delimiter: str) -> None:
    text = "name;count;town\n" + "".join(f"n{n};{n};Oslo\n" for n in range(9))
    decoded, table = decode(tmp_path, text.replace(";", delimiter).encode())
    assert (decoded.delimiter, table.num_columns) == (delimiter, 3)


def test_times_are_not_parted_at_their_colons(tmp_path: Path) -> None:
    _, table = decode(tmp_path, ("start\n" + "".join(f"{n}:15:00\n" for n in range(9))).encode())
    assert table.column_names == ["start"]


def test_zero_bytes_before_quotes_escape_them(tmp_path: Path) -> None:
    rows = "".join(f'"{n}","5\x00" wide"\n' for n in range(5))
    _, table = decode(tmp_path, f'"id","size"\n{rows}'.encode())
    assert table["size"].to_pylist() == ['5" wide'] * 5


@pytest.mark.parametrize("seed", range(3))
def test_every_kind_of_fault_in_every_table(tmp_path: Path, seed: int) -> None:
    """The whole benchmark of reading; whether a row is cut off or two cells ran together can't always be known."""
    wrong = [
        each.kind
        for each in reading.cases(seed)
        if reading.judge(each, reading.read(each.content, tmp_path)) != "right"
    ]
    assert set(wrong) <= {"missing_separator", "short_row"}
    assert len(wrong) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_what_is_right_stays_as_it_is(tmp_path: Path, seed: int) -> None:
    for source in reading.sources(random.Random(seed)):
        decoded, table = decode(tmp_path, source.text().encode())
        assert table.column_names == source.names
        assert [[cell or "" for cell in row.values()] for row in table.to_pylist()] == source.rows
        assert decoded.notes == ()


def test_a_doubtful_header_is_said(tmp_path: Path) -> None:
    rows = "9E;Endeavor Air\nAA;American Airlines\nAS;Alaska Airlines\nB6;JetBlue Airways\nDL;Delta Air Lines\n"
    decoded, _ = decode(tmp_path, rows.encode())
    assert any("header_row=0" in note for note in decoded.notes)
    decoded, _ = decode(tmp_path, f"carrier;flights\n{''.join(f'c{n};{n}' + chr(10) for n in range(9))}".encode())
    assert decoded.notes == ()


def test_names_of_rows_without_a_name_are_no_group(tmp_path: Path) -> None:
    rows = b"P1,Bob,Rome,cook\nP2,Ann,Oslo,nurse\nP3,Joe,Bern,clerk\nP4,Sue,Lyon,pilot\nP5,Tim,Graz,baker\n"
    _, table = decode(tmp_path, b",name,city,job\n" + rows)
    assert (table.num_rows, table.column_names) == (5, ["column_1", "name", "city", "job"])
