"""The cleaned table as CSV keeps what is not wrong as the file has it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from report_service.table_form import TableForm
from report_service.tables import write_table
from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import TableStyle
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import apply
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

CELLS = {
    "id": [f"A-{row:03d}" for row in range(60)],
    "ready": ["Y", "N", "N"] * 20,
    "when": [f"{1 + row % 12}/{13 + row % 15}/2016" for row in range(60)],
    "length": [f"{90 + row} min" for row in range(60)],
    "price": ["1,234.50", "7.10", "0.00"] * 20,
    "place": [" Oslo", "Rome", "n/a"] * 20,
}


def write(
    folder: Path, *, style: TableStyle, rows: list[int] | None = None, cells: Mapping[str, list[str]] = CELLS
) -> list[str]:
    cells = {name: [column[row] for row in rows or range(60)] for name, column in cells.items()}
    frame = Frame.from_table(pa.table(cells))
    outcome = apply(propose(profile(frame, target="none"), RunOptions()), frame)
    pq.write_table(outcome.cleaned.to_table(), folder / "cleaned.parquet")
    pq.write_table(outcome.changes, folder / "changes.parquet")
    changes = folder / "changes.parquet" if style == "as_written" else None
    form = TableForm(format="csv", style=style)
    write_table(folder / "cleaned.parquet", folder / "t.csv", form, name="cleaned", changes=changes)
    return (folder / "t.csv").read_text().splitlines()


@pytest.mark.parametrize(
    ("style", "first", "third"),
    [
        ("as_written", '"A-000",Y,1/13/2016,90 min,"1,234.50","Oslo"', '"A-002",N,3/15/2016,92 min,0.00,'),
        ("typed", '"A-000",true,2016-01-13,90,1234.5,"Oslo"', '"A-002",false,2016-03-15,92,0,'),
        ("iso", '"A-000",true,2016-01-13T00:00:00,90,1234.5,"Oslo"', '"A-002",false,2016-03-15T00:00:00,92,0,'),
    ],
)
def test_styles(tmp_path: Path, style: TableStyle, first: str, third: str) -> None:
    lines = write(tmp_path, style=style)
    assert (lines[1], lines[3], len(lines)) == (first, third, 61)


def test_rows_that_were_removed_do_not_shift_the_texts(tmp_path: Path) -> None:
    lines = write(tmp_path, style="as_written", rows=[0, 0, 1, 1, *range(2, 60)])
    assert [line.split(",")[0] for line in lines[1:]] == [f'"{name}"' for name in CELLS["id"]]
    assert [line.split(",")[3] for line in lines[1:]] == CELLS["length"]


@pytest.mark.parametrize(
    ("first", "second"),
    [("%Y/%m/%d", "%d/%m/%Y"), ("%d/%m/%Y", "%-d/%-m/%Y"), ("%b %d, %Y", "%B %d, %Y"), ("%d.%m.%Y", "%d.%m.%Y %H:%M")],
)
def test_dates_in_two_formats_are_written_in_one(tmp_path: Path, first: str, second: str) -> None:
    days = [datetime(2023, 1, 1) + timedelta(days=5 * row) for row in range(60)]
    for name, other in (("mixed", second), ("same", first)):
        cells = {"id": CELLS["id"], "when": [day.strftime(other if row % 2 else first) for row, day in enumerate(days)]}
        lines = write(tmp_path, style="as_written", cells=cells)[1:]
        written = [line.split(",", 1)[1].strip('"')[:10] for line in lines]
        is_typed = written == [day.date().isoformat() for day in days]
        assert is_typed == (name == "mixed"), written[:4]


def test_equal_values_are_written_equally(tmp_path: Path) -> None:
    days = [1 + row % 28 for row in range(60)]
    cells = {
        "id": CELLS["id"],
        "mixed": [f"{day}/3/2016" if day % 2 else f"2016-03-{day:02d}" for day in days],
        "two": [f"{day}/3/2016" if day % 2 else f"Mar {day}, 2016" for day in days],
        "same": [f"{day}/3/2016" for day in days],
        "word": ["Yes", "Y", "No", "Yes", "true", "no", "No"] * 8 + ["", "Yes", "No", "No"],
    }
    lines = [line.split(",") for line in write(tmp_path, style="as_written", cells=cells)[1:]]
    for column, days_as_written in ((1, "2016-03-{:02d}"), (2, "2016-03-{:02d}"), (3, "{}/3/2016")):
        assert [line[column] for line in lines] == [days_as_written.format(day) for day in days]
    assert [line[4] for line in lines] == ["Yes", "Yes", "No", "Yes", "Yes", "No", "No"] * 8 + ["", "Yes", "No", "No"]
