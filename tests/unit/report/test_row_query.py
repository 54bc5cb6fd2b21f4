"""Rows of a table as values, compared with what pandas makes of the same query."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from report_service import row_query
from report_service.row_query import QueriedRows, RowQuery, query_rows
from shared.contracts.row_values import MAX_CELL_CHARACTERS
from shared.errors import InvalidInput

ROWS = 1_000


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    random = np.random.default_rng(3)
    price = np.round(random.gamma(2, 20, ROWS), 2)
    price[random.choice(ROWS, 40, replace=False)] = np.nan
    return pd.DataFrame(
        {
            "city": random.choice(np.array(["Berlin", "Oslo", "New York", None], dtype=object), ROWS),
            "price": price,
            "count": random.integers(0, 9, ROWS),
            "sold": random.random(ROWS) < 0.5,
            "when": pd.Timestamp(2024, 1, 1) + pd.to_timedelta(random.integers(0, 400, ROWS), "D"),
            "a:b": np.arange(ROWS),
        }
    )


@pytest.fixture(scope="module", params=["table.parquet", "table.arrow"])
def source(frame: pd.DataFrame, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("rows") / request.param
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=64, use_dictionary=["city"])
    else:
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=100)
    return path


def rows(source: Path, **query: Any) -> QueriedRows:
    return query_rows(source, RowQuery(**{"offset": 0, "limit": 1000, **query}))


def numbers(result: QueriedRows) -> list[Any]:
    return [row[result.names.index("a:b")] for row in result.rows]


def test_a_page(source: Path, frame: pd.DataFrame) -> None:
    page = rows(source, offset=130, limit=3)
    assert page.names == tuple(frame) and page.total == ROWS
    assert page.types[1:4] == ("double", "int64", "bool")
    city, price, count, sold, when, number = page.rows[1]
    expected = frame.iloc[131]
    assert (city or None, count, sold, number) == (expected.city, expected["count"], expected.sold, 131)
    assert price is None if pd.isna(expected.price) else price == expected.price
    assert datetime.fromisoformat(str(when)) == expected.when
    assert rows(source, offset=ROWS).rows == ()


@pytest.mark.parametrize(
    ("conditions", "mask"),
    [
        (["price:ge:30"], lambda frame: frame.price >= 30),
        (["price:lt:30", "count:gt:3"], lambda frame: (frame.price < 30) & (frame["count"] > 3)),
        (["count:eq:2.5"], lambda frame: frame["count"] == 2.5),
        (["count:le:2.5"], lambda frame: frame["count"] <= 2.5),
        (["city:eq:New York"], lambda frame: frame.city == "New York"),
        (["city:ne:Oslo"], lambda frame: frame.city.notna() & (frame.city != "Oslo")),
        (["city:contains:YO"], lambda frame: frame.city == "New York"),
        (["city:missing"], lambda frame: frame.city.isna()),
        (["price:known", "city:known"], lambda frame: frame.price.notna() & frame.city.notna()),
        (["sold:eq:true"], lambda frame: frame.sold),
        (["when:ge:2024-06-01"], lambda frame: frame.when >= "2024-06-01"),
        (["when:lt:2024-06-01T12:00:00"], lambda frame: frame.when < "2024-06-01T12:00"),
        (["a:b:ge:990"], lambda frame: frame["a:b"] >= 990),
        (["city:eq:"], lambda frame: frame.city == ""),
    ],
)
def test_filters(source: Path, frame: pd.DataFrame, conditions: list[str], mask: Any) -> None:
    expected = frame.index[mask(frame)].tolist()
    result = rows(source, filter=tuple(conditions))
    assert (numbers(result), result.total) == (expected, len(expected))


@pytest.mark.parametrize(
    ("sort", "by", "ascending"),
    [
        (["price"], ["price"], [True]),
        (["-price"], ["price"], [False]),
        (["city", "-count"], ["city", "count"], [True, False]),
        (["-when", "a:b"], ["when", "a:b"], [False, True]),
    ],
)
def test_orders(source: Path, frame: pd.DataFrame, sort: list[str], by: list[str], ascending: list[bool]) -> None:
    expected = frame.sort_values(by, ascending=ascending, kind="stable", na_position="last").index.tolist()
    assert numbers(rows(source, sort=tuple(sort))) == expected
    page = rows(source, sort=tuple(sort), offset=700, limit=50, columns=("a:b", "city"))
    assert page.names == ("a:b", "city") and numbers(page) == expected[700:750]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"columns": ("nowhere",)}, "columns"),
        ({"sort": ("-nowhere",)}, "sort"),
        ({"filter": ("nowhere:eq:1",)}, "filter"),
        ({"filter": ("price",)}, "filter"),
        ({"filter": ("price:like:1",)}, "filter"),
        ({"filter": ("price:eq",)}, "filter"),
        ({"filter": ("price:eq:many",)}, "filter"),
        ({"filter": ("count:eq:nan()",)}, "filter"),
        ({"filter": ("when:ge:yesterday",)}, "filter"),
        ({"filter": ("sold:eq:perhaps",)}, "filter"),
    ],
)
def test_what_does_not_fit(source: Path, query: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        rows(source, **query)
    assert [problem.field for problem in error.value.fields] == [field]


@pytest.mark.parametrize(
    ("condition", "form"),
    [
        ("price:gt:1,5", "is no number: write it as 1234.5"),
        ("count:eq:two", "is no number: write it as 1234.5"),
        ("when:lt:13.02.2024", "is no date: write it as 2024-03-09 or 2024-03-09 14:30"),
        ("sold:eq:perhaps", "is neither true nor false"),
    ],
)
def test_a_value_of_another_form_is_told_how_to_be_written(source: Path, condition: str, form: str) -> None:
    with pytest.raises(InvalidInput, match=form):
        rows(source, filter=(condition,))


def test_people_ask_for_yes_and_no(source: Path, frame: pd.DataFrame) -> None:
    assert rows(source, filter=("sold:eq:Yes",)).total == rows(source, filter=("sold:eq:true",)).total
    assert rows(source, filter=("sold:eq:0",)).total == int((~frame["sold"]).sum())


def test_pages_end_where_a_message_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table({"text": ["x" * 200_000] * 100, "number": [2**60] * 100}), path)
    page = rows(path)
    assert page.total == 100 and 1 < len(page.rows) < 100
    assert len(str(page.rows[0][0])) < MAX_CELL_CHARACTERS + 30 and page.rows[0][1] == str(2**60)
    monkeypatch.setattr(row_query, "MAX_CELLS", 10)
    assert len(rows(path, columns=("number",)).rows) == 10


def test_names_with_operators_in_them(tmp_path: Path) -> None:
    table = pa.table({"a": [None, "x", "y"], "a:missing": ["x", "x", None], "*": ["1", "2", "2"]})
    pq.write_table(table, tmp_path / "odd.parquet")

    def total(*filter: str) -> int:
        return rows(tmp_path / "odd.parquet", filter=filter).total

    assert total("a:missing:eq:x") == 2 and total("a:missing") == 1
    assert total("a:missing:missing") == 1 and total("a:missing:known") == 2
    assert total("*:eq:2") == 2
    with pytest.raises(InvalidInput, match="takes no value"):
        total("a:known:x")


def test_whole_numbers_beyond_exactness_are_compared_with_decimals(tmp_path: Path) -> None:
    pq.write_table(pa.table({"k": [1, 2**53 + 1, 2**62]}), tmp_path / "large.parquet")
    assert rows(tmp_path / "large.parquet", filter=("k:gt:1.5",)).total == 2
    assert rows(tmp_path / "large.parquet", filter=("k:lt:nan",)).total == 0
    assert rows(tmp_path / "large.parquet", filter=("k:lt:1e999",)).total == 3
