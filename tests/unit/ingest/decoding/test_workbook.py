"""Workbooks as people make them: merged cells, groups of columns, hidden rows, errors, several tables and sheets."""

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from ingest_service.decoding.workbook.regions import Region, parse_range
from tests.unit.ingest.decoding.decoding import decode, refusal


def book(**sheets: Callable[[Worksheet], None]) -> bytes:
    """Return a workbook whose sheets are filled by functions."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "default_date_format": "dd.mm.yyyy"}) as workbook:
        for name, fill in sheets.items():
            fill(workbook.add_worksheet(name))
    return content.getvalue()


def rows(cells: Sequence[Sequence[object]], *, row: int = 0, column: int = 0) -> Callable[[Worksheet], None]:
    """Return a function that writes rows of cells."""

    def fill(sheet: Worksheet) -> None:
        for offset, values in enumerate(cells):
            sheet.write_row(row + offset, column, values)

    return fill


def test_cells_merged_below_each_other_have_the_value_of_the_first(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        rows([["region", "month", "sum"], ["", 1, 5], ["", 2, 6], ["South", 1, 7]])(sheet)
        sheet.merge_range(1, 0, 2, 0, "North")

    decoded, table = decode(tmp_path, book(Data=fill), "x.xlsx")
    assert table["region"].to_pylist() == ["North", "North", "South"]
    assert any("1 cell was filled" in note for note in decoded.notes)


def test_names_below_merged_groups_are_joined(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.merge_range(0, 0, 0, 4, "Sales")
        sheet.merge_range(1, 0, 2, 0, "region")
        sheet.merge_range(1, 1, 1, 2, "2023")
        sheet.merge_range(1, 3, 1, 4, "2024")
        rows([["q1", "q2", "q1", "q2"]], row=2, column=1)(sheet)
        rows([["N", 1, 2, 3, 4], ["S", 2, 3, 4, 6], ["W", 1, 4, 5, 7]], row=3)(sheet)

    decoded, table = decode(tmp_path, book(Data=fill), "x.xlsx")
    assert table.column_names == ["region", "2023 q1", "2023 q2", "2024 q1", "2024 q2"]
    assert (decoded.header_row, table.num_rows) == (3, 3)


def test_hidden_rows_and_columns_are_read_and_mentioned(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        rows([["a", "b", "c"], [1, 2, 3], [4, 5, 6], [7, 8, 9]])(sheet)
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.set_column(1, 16000, None, None, {"hidden": True})

    decoded, table = decode(tmp_path, book(Data=fill), "x.xlsx")
    assert table["a"].to_pylist() == [1, 4, 7]
    assert "1 row is hidden in the sheet, and read like the others." in decoded.notes
    assert "2 columns are hidden in the sheet, and read like the others." in decoded.notes


def test_facts_that_cannot_be_looked_up_are_mentioned(tmp_path: Path) -> None:
    content = io.BytesIO()
    workbook = io.BytesIO(book(Data=rows([["a", "b"], [1, 2], [3, 4]])))
    with zipfile.ZipFile(workbook) as source, zipfile.ZipFile(content, "w") as target:
        for name in source.namelist():
            target.writestr(name.replace("sheet1.xml", "Sheet1.xml"), source.read(name))
    decoded, table = decode(tmp_path, content.getvalue(), "x.xlsx")
    assert table["a"].to_pylist() == [1, 3]
    assert any("could not all be looked up" in note for note in decoded.notes)


def test_dates_have_the_value_and_formulas_the_result(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        rows([["day", "double"]])(sheet)
        for row in (1, 2, 3):
            sheet.write_datetime(row, 0, datetime(2024, 3, row))
            sheet.write_formula(row, 1, f"=2*{row}", None, 2 * row)

    _, table = decode(tmp_path, book(Data=fill), "x.xlsx")
    assert table.to_pydict() == {"day": ["2024-03-01", "2024-03-02", "2024-03-03"], "double": [2, 4, 6]}


def test_errors_and_formulas_without_a_result_are_missing_and_counted(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        rows([["a", "b"], [1, 0], [2, 0], [3, 0], [4, 0]])(sheet)
        sheet.write_formula(1, 1, "=1/0", None, "#DIV/0!")
        sheet.write_formula(2, 1, "=NA()", None, "#N/A")
        sheet.write_formula(3, 1, "=1/0", None, "#DIV/0!")
        sheet.write_formula(4, 1, "=A5", None, "")

    decoded, table = decode(tmp_path, book(Data=fill), "x.xlsx")
    assert table["b"].null_count == 4
    assert "Cells with errors are read as missing: #DIV/0! (2), #N/A (1)." in decoded.notes
    assert any(note.startswith("1 formula without a stored result") for note in decoded.notes)


def fill_three_tables(sheet: Worksheet) -> None:
    rows([["name", "pop"], ["Berlin", 3], ["Paris", 2]])(sheet)
    rows([["first", "last", "age"], ["A", "B", 3], ["C", "D", 4], ["E", "F", 5], ["G", "H", 6]], column=4)(sheet)
    rows([["x", "y", "z"], [1, 2, 3], [3, 4, 5]], row=8)(sheet)


@pytest.mark.parametrize(
    ("options", "sheet", "header_row", "names"),
    [
        ({}, "Data!E1:G5", 1, ["first", "last", "age"]),
        ({"header_row": 9}, "Data!A9:C11", 9, ["x", "y", "z"]),
        ({"sheet": "Data!A1:B3"}, "Data!A1:B3", 1, ["name", "pop"]),
        ({"sheet": "$A$9:$C$11"}, "Data!A9:C11", 9, ["x", "y", "z"]),
    ],
)
def test_one_of_several_tables_is_read(
    options: dict[str, object], sheet: str, header_row: int, names: list[str], tmp_path: Path
) -> None:
    decoded, table = decode(tmp_path, book(Data=fill_three_tables), "x.xlsx", **options)  # type: ignore[arg-type]
    assert table.column_names == names
    if "sheet" not in options:
        assert any("The sheet holds 3 tables" in note for note in decoded.notes)
    assert (decoded.header_row, decoded.rejected_rows) == (header_row, 0)
    assert decoded.sheet == (sheet if "sheet" in options else "Data")


def test_a_range_without_data_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, book(Data=fill_three_tables), "x.xlsx", sheet="Data!Z90:AA95")
    assert (error.reason, "Data!Z90:AA95" in error.detail) == ("EMPTY_FILE", True)


def test_an_empty_column_within_a_table_parts_nothing(tmp_path: Path) -> None:
    cells: list[list[object]] = [
        ["", "", "", ""],
        ["name", "pop", "", "area"],
        ["A", 1, "", 2],
        ["B", 2, "", 3],
        ["C", 2, "", 4],
    ]
    decoded, table = decode(tmp_path, book(Data=rows(cells)), "x.xlsx")
    assert table.column_names == ["name", "pop", "area"]
    assert "1 empty column without a name was left out." in decoded.notes


def test_all_sheets_are_read_below_each_other(tmp_path: Path) -> None:
    sheets = {
        "Jan": rows([["day", "sales"], [1, 10], [2, 20]]),
        "Feb": rows([["sales", "day"], [30, 1]]),
        "Mar": rows([["day", "sales", "note"], [1, 40, "x"]]),
        "Hidden": lambda sheet: (rows([["day", "sales"], [9, 99]])(sheet), sheet.hide()),
    }
    decoded, table = decode(tmp_path, book(**sheets), "x.xlsx", sheet="*")  # type: ignore[arg-type]
    assert decoded.sheet == "*"
    assert table.to_pydict() == {
        "sheet": ["Jan", "Jan", "Feb", "Mar"],
        "day": [1, 2, 1, 1],
        "sales": [10, 20, 30, 40],
        "note": [None, None, None, "x"],
    }


def test_sheets_with_other_columns_are_not_put_together(tmp_path: Path) -> None:
    content = book(People=rows([["name", "age"], ["A", 1]]), Cities=rows([["city", "pop"], ["B", 2]]))
    error = refusal(tmp_path, content, "x.xlsx", sheet="*")
    assert (error.reason, "'Cities'" in error.detail) == ("SHEETS_DIFFER", True)


def test_a_cover_before_the_data_is_passed_over(tmp_path: Path) -> None:
    content = book(Info=rows([["Report"], ["by me"]]), Data=rows([["a", "b"], *([i, i] for i in range(50))]))
    decoded, _ = decode(tmp_path, content, "x.xlsx")
    assert (decoded.sheet, decoded.notes[0]) == ("Data", "Read the sheet 'Data', one of 2.")


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("B2:D4", Region(1, 4, 1, 4)),
        ("$d$4:$b$2", Region(1, 4, 1, 4)),
        ("A1:AA10", Region(0, 10, 0, 27)),
        ("B2", None),
        ("B0:C3", None),
    ],
)
def test_ranges_are_parsed(text: str, region: Region | None) -> None:
    assert parse_range(text) == region
    if region is not None:
        assert parse_range(str(region)) == region


SPACED: list[list[object]] = [["Code", "Account", "", "2021 Actual", "Budget"]]
SPACED += [[1000 + n, f"Account {n}", "", n * 10, n * 12] for n in range(8)]


@pytest.mark.parametrize("behind", [[["", "", "", "", ""], ["Source: ledger"]], [[2000, "Account Z"]], []])
def test_a_table_with_a_spacer_and_a_footnote_is_one(behind: list[list[object]], tmp_path: Path) -> None:
    _, table = decode(tmp_path, book(Data=rows([*SPACED, *behind])), "x.xlsx")
    assert table.column_names == ["Code", "Account", "2021 Actual", "Budget"]
    assert table["Account"].to_pylist()[:8] == [f"Account {n}" for n in range(8)]


def test_names_that_look_like_values_are_a_header_in_a_sheet(tmp_path: Path) -> None:
    cells: list[list[object]] = [["Dose", 0.5, 1.0, 2.5], *([f"t{n}", n * 0.1, n * 2.2, n * 3.3] for n in range(8))]
    decoded, table = decode(tmp_path, book(Data=rows(cells)), "x.xlsx")
    assert (decoded.header_row, table.column_names) == (1, ["Dose", "0.5", "1", "2.5"])
    assert any("doubtful" in note for note in decoded.notes)


def test_an_amount_that_is_merged_over_rows_is_not_repeated(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        rows([["item", "part", "amount"], ["a", "x", 100], ["a", "y", ""], ["b", "z", 5]])(sheet)
        sheet.merge_range(1, 2, 2, 2, 100)

    assert decode(tmp_path, book(Data=fill), "x.xlsx")[1]["amount"].to_pylist() == [100, None, 5]
