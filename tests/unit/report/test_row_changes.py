"""The changes beside rows of a table, compared with the whole ledger of a real preparation."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from report_service.row_query import QueriedRows, RowQuery, query_rows
from shared.errors import InvalidInput
from tests.bench.preparation import Preparation, prepare_csv

CSV = b"id,city,amount,note\n" + b"".join(
    b"%03d,%s,%s,%s\n" % (row, city, amount, note)
    for row, (city, amount, note) in enumerate(
        [(b"Berlin", b"12", b"good"), (b" berlin", b"n/a", b"bad"), (b"Oslo", b"1,200.50", b""), (b"Oslo", b"17", b"-")]
        * 30
        + [(b"Berlin", b"12", b"good")],
        start=1,
    )
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("changes")


@pytest.fixture(scope="module")
def preparation(folder: Path) -> Preparation:
    preparation = prepare_csv(CSV + CSV.splitlines(keepends=True)[-1], folder)
    pq.write_table(preparation.cleaned, folder / "cleaned.parquet")
    pq.write_table(preparation.changes, folder / "changes.parquet")
    return preparation


@pytest.fixture(scope="module")
def ledger(preparation: Preparation) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = preparation.changes.to_pylist()
    assert {change["kind"] for change in changes} >= {"restyled", "removed"}
    return changes


@pytest.fixture(params=["cleaned.parquet", "table.arrow"])
def source(request: pytest.FixtureRequest, folder: Path, preparation: Preparation) -> Path:
    return folder / str(request.param)


def rows(source: Path, **query: Any) -> QueriedRows:
    query = {"offset": 0, "limit": 1000, "changes": True, **query}
    return query_rows(source, RowQuery(**query), source.parent / "changes.parquet")


def test_a_page_has_the_ledger_of_its_cells(source: Path, ledger: list[dict[str, Any]]) -> None:
    page = rows(source, offset=40, limit=30, columns=("amount", "city"), sort=("-id",))
    order = sorted(rows(source).row_numbers, key=lambda number: (-_id_of(number), number))
    assert list(page.row_numbers) == order[40:70]
    expected = [
        change for change in ledger if change["row"] in page.row_numbers and change["column"] in ("amount", "city")
    ]
    assert expected and list(page.changes) == expected


def test_the_next_change_is_the_first_row_behind_the_page(source: Path, ledger: list[dict[str, Any]]) -> None:
    changed = {change["row"] for change in ledger if change["column"] == "amount"}
    numbers = rows(source).row_numbers
    for offset in (0, 1, 2, 57, len(numbers) - 1, len(numbers)):
        page = rows(source, offset=offset, limit=1, columns=("amount",))
        behind = [index for index in range(offset + 1, len(numbers)) if numbers[index] in changed]
        assert page.next_change == (behind[0] if behind else None)


@pytest.mark.parametrize("condition", ["*:changed", "amount:changed", "*:changed:read_text", "city:changed:2"])
def test_rows_are_found_by_what_was_changed(source: Path, ledger: list[dict[str, Any]], condition: str) -> None:
    column, _, origin = condition.replace(":changed", "").partition(":")
    matching = {
        change["row"]
        for change in ledger
        if column in ("*", change["column"]) and origin in ("", str(change["step"]), change["rule"])
    }
    page = rows(source, filter=(condition,), changes=False)
    expected = [_id_of(number) for number in rows(source).row_numbers if number in matching]
    assert [int(str(row[0])) for row in page.rows] == expected and page.row_numbers == () and page.changes == ()
    assert page.total == len(expected)
    both = rows(source, filter=(condition, "city:eq:Oslo"))
    assert both.total <= page.total


def test_rows_that_are_gone_are_in_the_raw_table_alone(folder: Path, ledger: list[dict[str, Any]]) -> None:
    removed = {change["row"] for change in ledger if change["kind"] == "removed"}
    page = rows(folder / "table.arrow", filter=("*:changed",))
    assert removed and removed <= set(page.row_numbers)
    assert not removed & set(rows(folder / "cleaned.parquet").row_numbers)


def test_a_step_that_no_recipe_has_changed_nothing(source: Path) -> None:
    for origin in ("9" * 5000, "²", "٣", "-1", "0"):
        assert rows(source, filter=(f"*:changed:{origin}",)).total == 0


def test_long_texts_are_cut(folder: Path) -> None:
    long = folder / "long.parquet"
    table = pq.read_table(folder / "changes.parquet")
    before = pa.array(["x" * 5000] * len(table), pa.string())
    pq.write_table(table.set_column(table.schema.get_field_index("before"), "before", before), long)
    page = query_rows(folder / "cleaned.parquet", RowQuery(offset=0, limit=9, changes=True), long)
    assert page.changes and {len(change["before"]) for change in page.changes} == {1000}


def test_what_does_not_fit_is_refused(source: Path, folder: Path) -> None:
    with pytest.raises(InvalidInput, match="does not have"):
        rows(source, filter=("nothing:changed",))
    old = folder / "old.parquet"
    pq.write_table(pq.read_table(folder / "changes.parquet").replace_schema_metadata({}), old)
    if source.suffix == ".parquet":
        with pytest.raises(InvalidInput, match="prepare the dataset again"):
            query_rows(source, RowQuery(offset=0, limit=1, changes=True), old)


def _id_of(number: int) -> int:
    """Return the id in a row of the file, whose last row repeats the one before."""
    return min(number, 121)
