"""Rows of another width: mended where one way to read them fits the columns, rejected otherwise, listed in any case."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.unit.ingest.decoding.decoding import decode, refusal

NAMES = ["day", "qty", "price", "item", "note"]
ROWS = [
    [
        f"2024-03-{day:02}",
        str(day % 4 + 1),
        f"{day * 1.25:.2f}",
        ("lamp", "chair", "rug")[day % 3],
        ("", "late")[day % 2],
    ]
    for day in range(1, 29)
]


def table(odd: str, *, row: int = 9) -> bytes:
    """Return a CSV file in which one row is replaced."""
    lines = [",".join(cells) for cells in [NAMES, *ROWS]]
    lines[row + 1] = odd
    return "\n".join(lines).encode() + b"\n"


@pytest.mark.parametrize(
    ("odd", "cells", "why"),
    [
        (
            "2024-03-10,3,12.50,chair",
            ["2024-03-10", "3", "12.50", "chair", None],
            "1 missing cell at its end was left empty",
        ),
        ("2024-03-10,3,12.50", ["2024-03-10", "3", "12.50", None, None], "2 missing cells at its end were left empty"),
        ("2024-03-10,3,12.50,chair,late,", ["2024-03-10", "3", "12.50", "chair", "late"], "1 empty cell was dropped"),
        ("2024-03-10,3,,12.50,chair,late", ["2024-03-10", "3", "12.50", "chair", "late"], "1 empty cell was dropped"),
        (
            "2024-03-10,3,12.50,chair, oak,late",
            ["2024-03-10", "3", "12.50", "chair, oak", "late"],
            "a separator within a cell is not quoted",
        ),
        (
            "2024-03-10;3;12.50;chair;late",
            ["2024-03-10", "3", "12.50", "chair", "late"],
            "its cells are parted by another separator",
        ),
        (
            "2024-03-10  3  12.50  chair  late",
            ["2024-03-10", "3", "12.50", "chair", "late"],
            "its cells are parted by another separator",
        ),
        (
            '2024-03-10,3,12.50,"chair,late',
            ["2024-03-10", "3", "12.50", "chair", "late"],
            "a quote that is never closed was dropped",
        ),
    ],
)
def test_a_row_that_fits_in_one_way_is_mended(tmp_path: Path, odd: str, cells: list[str | None], why: str) -> None:
    decoded, read = decode(tmp_path, table(odd))
    assert list(read.to_pylist()[9].values()) == cells
    assert (decoded.rows, decoded.rejected_rows, decoded.mended_rows) == (28, 0, 1)
    assert pq.read_table(tmp_path / "rejects.parquet").to_pylist() == [
        {"line": 11, "why": why, "text": odd, "is_mended": True}
    ]
    assert any("1 row was mended" in note for note in decoded.notes)


@pytest.mark.parametrize(
    "odd",
    [
        "2024-03-103,12.50,chair,late",  # two cells ran together
        "2024-03-10,3,12.50,late",  # a cell is missing in the middle
        "2024-03-10,3,12.50,chair,late,more",
        "some words without any separator",
        "2024-03-10,3,12.50,sofa",  # an item that is none of the few that there are
        "2024-03-10,3,99999.00,chair",  # a price far from all others
        "2024-03-10,312.50,chair,late",  # a cell ran together with the next
        '2024-03-10,3,12.50,"chair',
    ],
)
def test_a_row_that_fits_in_no_way_is_rejected(tmp_path: Path, odd: str) -> None:
    decoded, read = decode(tmp_path, table(odd))
    assert (decoded.rows, decoded.rejected_rows, decoded.mended_rows) == (27, 1, 0)
    assert [list(row.values()) for row in read.to_pylist()] == [
        [cell or None for cell in cells] for position, cells in enumerate(ROWS) if position != 9
    ]
    (rejected,) = pq.read_table(tmp_path / "rejects.parquet").to_pylist()
    assert (rejected["line"], rejected["text"], rejected["is_mended"]) == (11, odd, False)


def test_a_stray_quote_does_not_swallow_the_rows_below(tmp_path: Path) -> None:
    lines = [*(f'{number},"a, b",x' for number in range(30)), '30,"c,x', *(f"{number},d,x" for number in range(31, 60))]
    decoded, read = decode(tmp_path, ("id,text,flag\n" + "\n".join(lines)).encode())
    assert read["id"].to_pylist() == [str(number) for number in range(60)]
    assert decoded.mended_rows == 1


def test_a_cell_of_several_lines_is_no_stray_quote(tmp_path: Path) -> None:
    lines = [*(f'{number},"two\nlines",x' for number in range(30)), "30,d", *(f"{n},d,x" for n in range(31, 40))]
    decoded, read = decode(tmp_path, ("id,text,flag\n" + "\n".join(lines)).encode())
    assert read["text"].to_pylist()[:30] == ["two\nlines"] * 30
    assert (decoded.rows, decoded.mended_rows) == (40, 1)


def test_rows_that_all_end_with_a_separator(tmp_path: Path) -> None:
    decoded, read = decode(tmp_path, b"a,b\n1,x,\n2,y,\n3,z,\n")
    assert read.to_pydict() == {"a": ["1", "2", "3"], "b": ["x", "y", "z"]}
    assert decoded.mended_rows == 3


def test_too_few_rows_say_nothing_of_the_columns(tmp_path: Path) -> None:
    decoded, _ = decode(tmp_path, b"a,b\n1,2\n3,4\n5\n6,7\n")
    assert (decoded.rows, decoded.rejected_rows) == (3, 1)
    assert refusal(tmp_path, b'a,b\n3,"4\n').reason == "UNCLOSED_QUOTE"


@pytest.mark.parametrize("delimiter", [",", "\t", "|"])
def test_rows_that_two_stray_quotes_swallow_are_said(tmp_path: Path, delimiter: str) -> None:
    lines = [f"{number},n{number},{number * 2}" for number in range(30)]
    lines[5], lines[9] = '5,n5,"10', '9,n9,18"'
    text = "id,name,twice\n" + "\n".join(lines)
    decoded, read = decode(tmp_path, text.replace(",", delimiter).encode())
    assert read.num_rows == 26
    assert decoded.notes == (
        "1 row has a cell with whole lines of the table in it (the first is row 6): a quote may be stray there.",
    )


def test_prose_of_several_lines_is_not_said(tmp_path: Path) -> None:
    rows = "".join(f'{number},"Dear all,\nthanks for coming.\nBye",{number}\n' for number in range(9))
    decoded, _ = decode(tmp_path, f"id,text,n\n{rows}".encode())
    assert (decoded.rows, decoded.notes) == (9, ())
