"""Pages of a stored table, whatever its row groups."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from report_service import row_pages
from report_service.byte_ranges import ByteRange
from report_service.row_pages import RowPage, plan_row_page, read_row_page

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


def everything(path: Path, *, size: int, **wanted: str | int) -> list[RowPage]:
    pages = [read_row_page(path, wanted=wanted, start=0, size=size)]
    while (following := pages[-1].next_row) is not None:
        pages.append(read_row_page(path, wanted=wanted, start=following, size=size))
    return pages


@pytest.mark.parametrize("size", [1000, 999, 333, 64])
@pytest.mark.parametrize(
    "wanted", [{}, {"column": "age"}, {"step": 3}, {"column": "city", "step": 1}, {"column": "none"}, {"step": 9}]
)
def test_the_pages_together_are_what_is_wanted(stored: Path, size: int, wanted: dict[str, Any]) -> None:
    expected = [row for row in TABLE.to_pylist() if all(row[name] == value for name, value in wanted.items())]
    pages = everything(stored, size=size, **wanted)
    assert [row for page in pages for row in page.rows] == expected
    assert {page.total for page in pages} == {len(expected)}
    assert all(len(page.rows) == size for page in pages[:-1])


@pytest.mark.parametrize("start", [0, 120, 600, 999, 5000])
@pytest.mark.parametrize("wanted", [{}, {"column": "age"}, {"step": 3}, {"column": "city", "step": 1}, {"step": 9}])
def test_a_page_reads_only_what_was_planned(stored: Path, start: int, wanted: dict[str, Any]) -> None:
    partial = stored.with_name("partial.parquet")
    content = stored.read_bytes()
    footer = int.from_bytes(content[-8:-4], "little") + 8
    stretches = plan_row_page(stored, wanted=wanted, start=start, size=10)
    with partial.open("wb") as file:
        for offset, length in [*stretches, ByteRange(len(content) - footer, footer)]:
            file.seek(offset)
            file.write(content[offset : offset + length])
    expected = read_row_page(stored, wanted=wanted, start=start, size=10)
    assert read_row_page(partial, wanted=wanted, start=start, size=10) == expected


def test_a_page_of_a_long_table_needs_few_bytes(tmp_path: Path) -> None:
    path = store(pa.concat_tables([TABLE] * 50), tmp_path / "long.parquet", row_group_size=1000)
    stretches = plan_row_page(path, wanted={}, start=25_000, size=10)
    assert len(stretches) == 1
    assert stretches[0].length < path.stat().st_size / 40


def test_a_page_behind_the_end_is_empty(stored: Path) -> None:
    assert read_row_page(stored, wanted={}, start=2**62, size=5) == RowPage(rows=(), total=ROWS, next_row=None)


def test_a_table_without_rows(tmp_path: Path) -> None:
    path = store(TABLE.slice(0, 0), tmp_path / "empty.parquet")
    assert read_row_page(path, wanted={"step": 1}, start=0, size=5) == RowPage(rows=(), total=0, next_row=None)


def test_cells_that_are_missing_are_never_what_is_wanted(tmp_path: Path) -> None:
    table = pa.table({"column": pa.array(["a", None, "a"]), "row": [0, 1, 2]})
    page = read_row_page(store(table, tmp_path / "x.parquet"), wanted={"column": "a"}, start=0, size=5)
    assert [row["row"] for row in page.rows] == [0, 2]


def test_a_page_of_very_long_cells_ends_early(tmp_path: Path) -> None:
    table = pa.table({"row": range(5), "before": ["x" * (row_pages.MOST_BYTES // 2)] * 4 + ["y" * 10**7]})
    pages = everything(store(table, tmp_path / "long.parquet"), size=100)
    assert [[row["row"] for row in page.rows] for page in pages] == [[0, 1], [2, 3], [4]]


def test_row_groups_that_can_not_fit_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store(TABLE, tmp_path / "table.parquet", row_group_size=125)
    read = list[tuple[int, Any]]()
    batches = row_pages._batches

    def noted(table: pq.ParquetFile, group: int, columns: Any = None) -> Any:
        read.append((group, columns))
        return batches(table, group, columns)

    monkeypatch.setattr(row_pages, "_batches", noted)
    assert read_row_page(path, wanted={"step": 3}, start=0, size=10).total == 250
    assert read == [(4, None)]
