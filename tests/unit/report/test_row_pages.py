"""Pages of a stored table are the same for all sizes of row groups."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from report_service import row_pages
from report_service.byte_ranges import ByteRange
from report_service.row_pages import RowPage, plan_row_page, read_row_page
from shared.contracts.row_values import MAX_CELL_CHARACTERS

ROWS = 1000
TABLE = pa.table(
    {
        "row": pa.array(range(ROWS), pa.int64()),
        "column": pa.array(["age" if row % 300 < 100 else "city" for row in range(ROWS)]).dictionary_encode(),
        "before": pa.array([None if row % 7 == 0 else f"v{row}" for row in range(ROWS)], pa.string()),
        "step": pa.array([row // 250 + 1 for row in range(ROWS)], pa.int32()),
    }
)


@pytest.fixture(params=[7, 100, 131_072])
def stored(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(row_pages, "BATCH_ROWS", 64)
    return store(TABLE, tmp_path / "table.parquet", row_group_size=request.param)


def store(table: pa.Table, path: Path, **options: Any) -> Path:
    pq.write_table(table, path, **options)
    return path


def read_all_pages(path: Path, *, size: int, **row_filter: str | int) -> list[RowPage]:
    pages = [read_row_page(path, row_filter=row_filter, start=0, size=size)]
    while (following := pages[-1].next_row) is not None:
        pages.append(read_row_page(path, row_filter=row_filter, start=following, size=size))
    return pages


@pytest.mark.parametrize("size", [1000, 999, 333, 64])
@pytest.mark.parametrize(
    "row_filter", [{}, {"column": "age"}, {"step": 3}, {"column": "city", "step": 1}, {"column": "none"}, {"step": 9}]
)
def test_the_pages_together_are_the_matching_rows(stored: Path, size: int, row_filter: dict[str, Any]) -> None:
    expected = [row for row in TABLE.to_pylist() if all(row[name] == value for name, value in row_filter.items())]
    pages = read_all_pages(stored, size=size, **row_filter)
    assert [row for page in pages for row in page.rows] == expected
    assert {page.total for page in pages} == {len(expected)}
    assert all(len(page.rows) == size for page in pages[:-1])


@pytest.mark.parametrize("start", [0, 120, 600, 999, 5000])
@pytest.mark.parametrize("row_filter", [{}, {"column": "age"}, {"step": 3}, {"column": "city", "step": 1}, {"step": 9}])
def test_a_page_reads_only_what_was_planned(stored: Path, start: int, row_filter: dict[str, Any]) -> None:
    partial = stored.with_name("partial.parquet")
    content = stored.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    ranges = plan_row_page(stored, row_filter=row_filter, start=start, size=10)
    with partial.open("wb") as file:
        for offset, length in [*ranges, ByteRange(len(content) - footer, footer)]:
            file.seek(offset)
            file.write(content[offset : offset + length])
    expected = read_row_page(stored, row_filter=row_filter, start=start, size=10)
    assert read_row_page(partial, row_filter=row_filter, start=start, size=10) == expected


def test_a_page_of_a_long_table_needs_few_bytes(tmp_path: Path) -> None:
    path = store(pa.concat_tables([TABLE] * 50), tmp_path / "long.parquet", row_group_size=1000)
    ranges = plan_row_page(path, row_filter={}, start=25_000, size=10)
    assert len(ranges) == 1
    assert ranges[0].length < path.stat().st_size / 40


def test_a_page_behind_the_end_is_empty(stored: Path) -> None:
    assert read_row_page(stored, row_filter={}, start=2**62, size=5) == RowPage(rows=(), total=ROWS, next_row=None)


def test_a_table_without_rows(tmp_path: Path) -> None:
    path = store(TABLE.slice(0, 0), tmp_path / "empty.parquet")
    assert read_row_page(path, row_filter={"step": 1}, start=0, size=5) == RowPage(rows=(), total=0, next_row=None)


def test_missing_cells_never_match(tmp_path: Path) -> None:
    table = pa.table({"column": pa.array(["a", None, "a"]), "row": [0, 1, 2]})
    page = read_row_page(store(table, tmp_path / "x.parquet"), row_filter={"column": "a"}, start=0, size=5)
    assert [row["row"] for row in page.rows] == [0, 2]


def test_a_page_of_very_long_cells_ends_early(tmp_path: Path) -> None:
    table = pa.table({"row": range(150), "before": ["x" * MAX_CELL_CHARACTERS] * 150})
    pages = read_all_pages(store(table, tmp_path / "long.parquet"), size=100)
    assert [len(page.rows) for page in pages] == [64, 64, 22]


def test_a_cell_that_fits_in_no_message_is_cut(tmp_path: Path) -> None:
    table = pa.table({"row": [1, 2], "before": ["y" * 10**7, "short"], "after": [None, "x"]})
    page = read_row_page(store(table, tmp_path / "cell.parquet"), row_filter={}, start=0, size=10)
    assert page.rows[0]["before"] == "y" * MAX_CELL_CHARACTERS + "… (10,000,000 characters)"
    assert page.rows[1] == {"row": 2, "before": "short", "after": "x"}


def test_row_groups_that_can_not_match_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store(TABLE, tmp_path / "table.parquet", row_group_size=125)
    read = list[tuple[int, Any]]()
    batches = row_pages._batches

    def record_call(table: pq.ParquetFile, group: int, columns: Any = None) -> Any:
        read.append((group, columns))
        return batches(table, group, columns)

    monkeypatch.setattr(row_pages, "_batches", record_call)
    assert read_row_page(path, row_filter={"step": 3}, start=0, size=10).total == 250
    assert read == [(4, None)]
