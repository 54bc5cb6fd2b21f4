"""Byte ranges of a stored Parquet file, fetched without the rest."""

from pathlib import Path

import pyarrow as pa
import pytest

from report_service import byte_ranges
from report_service.byte_ranges import ByteRange, PartialCopy
from report_service.row_pages import plan_row_page, read_row_page
from shared.storage import ObjectStore
from tests.integration.reports import parquet

ROWS = 5000


@pytest.mark.parametrize(
    "metadata", ["", "x" * 300_000], ids=["short footer", "footer longer than what is tried first"]
)
@pytest.mark.parametrize("start", [0, 4000])
async def test_a_page_of_a_part_is_that_of_the_whole(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metadata: str, start: int
) -> None:
    monkeypatch.setattr(byte_ranges, "TAIL_BYTES", 4096)
    table = pa.table({"row": range(ROWS), "before": [f"cell {row}" for row in range(ROWS)]})
    content = parquet(table.replace_schema_metadata({"metadata": metadata}))
    await store.put_bytes("rows.parquet", content)
    copy = PartialCopy(store, "rows.parquet", tmp_path / "part.parquet")
    await copy.fetch_footer()
    await copy.fetch(plan_row_page(copy.path, row_filter={}, start=start, size=3))
    assert copy.path.stat().st_size == len(content)
    page = read_row_page(copy.path, row_filter={}, start=start, size=3)
    assert [row["row"] for row in page.rows] == [start, start + 1, start + 2]
    assert page.total == ROWS


async def test_what_is_not_fetched_takes_no_room(store: ObjectStore, tmp_path: Path) -> None:
    content = bytes(range(1, 256)) * 40_000
    await store.put_bytes("long", content)
    copy = PartialCopy(store, "long", tmp_path / "part")
    await copy.fetch_footer()
    await copy.fetch([ByteRange(1000, 500)])
    status = copy.path.stat()
    assert status.st_size == len(content)
    assert status.st_blocks * 512 < len(content) / 10
    assert copy.path.read_bytes()[1000:1500] == content[1000:1500]
