"""Tables as workbook, Arrow, JSON Lines, and CSV in other encodings hold what Parquet holds."""

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from report_service.table_form import LoggedStep, TableForm
from report_service.tables import workbook, write_table
from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import Charset, TableFormat
from shared.errors import InvalidInput, TooLarge
from tests.unit.report.test_written_cells import CELLS
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import apply
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

TABLE = pa.table(
    {
        "text": ["=1+1", "", None, "Köln “x”\n2"],
        "whole": pa.array([1, -(2**60), None, 0], pa.int64()),
        "number": [0.5, float("nan"), float("inf"), None],
        "flag": [True, None, False, True],
        "day": pa.array([date(2024, 3, 1), date(1890, 1, 1), None, date(2000, 2, 29)]),
        "moment": pa.array([datetime(2024, 3, 1, 12, 30), None, datetime(1899, 1, 1), datetime(2001, 1, 1)]),
        "zoned": pa.array([datetime(2024, 3, 1, tzinfo=UTC), None, None, None], pa.timestamp("us", "UTC")),
    }
)
STEP = LoggedStep(
    step=1, log="cleaning", what="fill_missing", columns="age", state="applied", cells_changed=3, why="Because."
)


def written(table: pa.Table, folder: Path, form: TableForm, **options: Any) -> bytes:
    source, target = folder / "cleaned.parquet", folder / "written"
    pq.write_table(table, source, row_group_size=3)
    write_table(source, target, form, name="cleaned", **options)
    left = {path.name for path in folder.iterdir()} - {
        "cleaned.parquet",
        "changes.parquet",
        "numbered.parquet",
        "written",
    }
    assert left == set()
    return target.read_bytes()


def sheets(content: bytes) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def test_arrow(tmp_path: Path) -> None:
    content = written(TABLE, tmp_path, TableForm(format="arrow"))
    assert pa.ipc.open_file(content).read_all().to_pydict()["whole"] == TABLE["whole"].to_pylist()


def test_json_lines(tmp_path: Path) -> None:
    lines = written(TABLE, tmp_path, TableForm(format="jsonl")).decode().splitlines()
    assert json.loads(lines[0]) == {
        "text": "=1+1",
        "whole": 1,
        "number": 0.5,
        "flag": True,
        "day": "2024-03-01",
        "moment": "2024-03-01T12:30:00",
        "zoned": "2024-03-01T00:00:00+00:00",
    }
    assert [json.loads(line)["number"] for line in lines] == [0.5, None, None, None]
    assert json.loads(lines[1])["whole"] == -(2**60)


def test_a_workbook_has_the_values_and_no_formula(tmp_path: Path) -> None:
    content = written(TABLE, tmp_path, TableForm(format="xlsx"), steps=[STEP])
    header, *rows = sheets(content)["cleaned"]
    assert header == TABLE.column_names
    assert rows[0] == [
        "=1+1",
        1.0,
        0.5,
        True,
        date(2024, 3, 1),
        datetime(2024, 3, 1, 12, 30),
        "2024-03-01T00:00:00+00:00",
    ]
    assert rows[1] == ["", str(-(2**60)), "", "", "1890-01-01", "", ""]
    assert rows[2] == ["", "", "inf", False, "", "1899-01-01T00:00:00", ""]
    assert rows[3][0] == "Köln “x”\n2"
    assert sheets(content)["what was done"][1] == [1.0, "cleaning", "fill_missing", "age", "applied", 3.0, "Because."]
    assert "<f>" not in "".join(
        zipfile.ZipFile(io.BytesIO(content)).read(name).decode()
        for name in zipfile.ZipFile(io.BytesIO(content)).namelist()
        if "sheet" in name
    )


def test_a_workbook_marks_what_was_changed_and_lists_it(tmp_path: Path) -> None:
    cells = {
        "name": [f"n{row}" for row in range(60)],
        "age": [str(20 + row % 40) if row != 7 else "n/a" for row in range(60)],
        "city": [*(["Oslo", "Rome"] * 30)[:59], "Rme"],
    }
    frame = Frame.from_table(pa.table(cells))
    outcome = apply(propose(profile(frame, target="none"), RunOptions(fill="all")), frame)
    kinds = {change["column"]: change["kind"] for change in outcome.changes.to_pylist()}
    pq.write_table(outcome.changes, tmp_path / "changes.parquet")
    content = written(
        outcome.cleaned.to_table(),
        tmp_path,
        TableForm(format="xlsx"),
        steps=[STEP],
        changes=tmp_path / "changes.parquet",
    )
    book = sheets(content)
    assert list(book) == ["cleaned", "what was done", "changes"]
    assert len(book["changes"]) == outcome.changes.num_rows + 1
    assert [row[2] for row in book["what was done"]][-4:] == ["corrected", "filled", "emptied", "hidden"]
    archive = zipfile.ZipFile(io.BytesIO(content))
    sheet, styles = archive.read("xl/worksheets/sheet1.xml").decode(), archive.read("xl/styles.xml").decode()
    marked = sheet.count(' s="') - 3  # the names in the header have a style, too
    assert marked == sum(change["kind"] in ("corrected", "filled") for change in outcome.changes.to_pylist())
    assert ("FFC6E0B4" in styles) == ("filled" in kinds.values())


@pytest.mark.parametrize("table_format", ["csv", "parquet", "jsonl", "xlsx"])
def test_rows_are_numbered_as_in_the_upload(table_format: TableFormat, tmp_path: Path) -> None:
    uploaded = [0, 1, 1, *range(2, 60)]
    frame = Frame.from_table(pa.table({name: [column[row] for row in uploaded] for name, column in CELLS.items()}))
    outcome = apply(propose(profile(frame, target="none"), RunOptions()), frame)
    pq.write_table(outcome.changes, tmp_path / "changes.parquet")
    table = outcome.cleaned.to_table()
    form = TableForm(format=table_format, has_row_ids=True)
    content = written(table, tmp_path, form, changes=tmp_path / "changes.parquet")
    expected = [row for row in range(1, 62) if row != 3]
    assert len(expected) == table.num_rows
    if table_format == "csv":
        assert [line.split(",")[0] for line in content.decode().splitlines()] == ['"__row__"', *map(str, expected)]
    elif table_format == "parquet":
        assert pq.read_table(io.BytesIO(content))["__row__"].to_pylist() == expected
    elif table_format == "jsonl":
        assert [json.loads(line)["__row__"] for line in content.decode().splitlines()] == expected
    else:
        assert [row[0] for row in sheets(content)["cleaned"]] == ["__row__", *expected]


def test_rows_of_a_table_without_their_numbers_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"row": [1]}), tmp_path / "changes.parquet")
    with pytest.raises(InvalidInput) as error:
        written(TABLE, tmp_path, TableForm(format="csv", has_row_ids=True), changes=tmp_path / "changes.parquet")
    assert "row_id" in error.value.detail


def test_a_table_that_a_sheet_can_not_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_CELLS", 27)
    with pytest.raises(TooLarge) as error:
        written(TABLE, tmp_path, TableForm(format="xlsx"))
    assert (error.value.reason, "CSV or Parquet" in error.value.detail) == ("XLSX_TOO_LARGE", True)


def test_markup_in_cells_is_text(tmp_path: Path) -> None:
    texts = ["<r>a & b</r>", "<r><t>x</t></r>", "<r></r>", "a<r>b</r>"]
    book = sheets(written(pa.table({"<r>&</r>": texts, "n": [1, 2, 3, 4]}), tmp_path, TableForm(format="xlsx")))
    assert [row[0] for row in book["cleaned"]] == ["<r>&</r>", *texts]


def test_long_texts_are_cut_in_a_workbook_alone(tmp_path: Path) -> None:
    table = pa.table({"a": ["x" * 40_000]})
    assert sheets(written(table, tmp_path, TableForm(format="xlsx")))["cleaned"][1][0] == "x" * 32_766 + "…"
    assert json.loads(written(table, tmp_path, TableForm(format="jsonl")))["a"] == "x" * 40_000


@pytest.mark.parametrize(
    ("charset", "codec", "start"),
    [
        ("utf8", "utf-8", b'"'),
        ("utf8_bom", "utf-8-sig", b"\xef\xbb\xbf"),
        ("utf16", "utf-16", b"\xff\xfe"),
        ("cp1252", "cp1252", b'"'),
    ],
)
def test_csv_in_an_encoding(charset: Charset, codec: str, start: bytes, tmp_path: Path) -> None:
    table = pa.table({"ö": ["Köln", "“x”\r\n"] * 2000})
    content = written(table, tmp_path, TableForm(format="csv", charset=charset))
    assert content.startswith(start)
    rows = list(csv.reader(io.StringIO(content.decode(codec), newline="")))
    assert [row[0] for row in rows] == ["ö", *table["ö"].to_pylist()]


def test_a_character_that_the_encoding_lacks_is_named(tmp_path: Path) -> None:
    source = tmp_path / "cleaned.parquet"
    pq.write_table(pa.table({"a": ["Łódź"]}), source)
    with pytest.raises(InvalidInput) as error:
        write_table(source, tmp_path / "t", TableForm(format="csv", charset="cp1252"), name="cleaned")
    assert (error.value.reason, "“Ł” (U+0141)" in error.value.detail) == ("CHARSET_TOO_SMALL", True)


@pytest.mark.parametrize(
    ("form", "suffix"),
    [
        (TableForm(format="csv"), ".csv"),
        (TableForm(format="csv", style="as_written", is_safe=True), "-as_written-safe.csv"),
        (TableForm(format="csv", charset="utf16"), "-utf16.csv"),
        (TableForm(format="xlsx"), ".xlsx"),
        (TableForm(format="parquet", has_row_ids=True), "-rows.parquet"),
    ],
)
def test_each_form_has_a_name(form: TableForm, suffix: str) -> None:
    assert form.suffix() == suffix


@pytest.mark.parametrize("table_format", ["xlsx", "arrow", "jsonl"])
def test_an_empty_table_is_written(table_format: TableFormat, tmp_path: Path) -> None:
    content = written(TABLE.slice(0, 0), tmp_path, TableForm(format=table_format))
    assert (content == b"") == (table_format == "jsonl")
