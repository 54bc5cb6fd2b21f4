"""Frames keep their values and remember what was derived from them."""

from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest

from worker_service.core.table.canonical_text import render
from worker_service.core.table.frame import Column, Frame


def test_decoded_types_settle() -> None:
    table = pa.table(
        {
            "small": pa.array([1, None], pa.int8()),
            "huge": pa.array([2**64 - 1, 0], pa.uint64()),
            "single": pa.array([0.5, float("nan")], pa.float32()),
            "day": pa.array([date(2024, 1, 5), None]),
            "word": pa.array(["a", "b"]).dictionary_encode(),
            "nothing": pa.nulls(2),
        }
    )
    frame = Frame.from_table(table)
    assert [str(column.type) for column in frame.columns.values()] == [
        "int64",
        "string",
        "double",
        "timestamp[us]",
        "string",
        "string",
    ]
    assert frame["single"].array.to_pylist() == [0.5, None]


def test_nested_values_are_refused() -> None:
    with pytest.raises(TypeError, match="flattened"):
        Frame.from_table(pa.table({"a": [[1], [2]]}))


def test_columns_that_stay_keep_their_memo() -> None:
    calls = []

    def count(column: Column, step: int) -> int:
        calls.append(step)
        return len(column) * step

    frame = Frame.from_table(pa.table({"a": [1, 2], "b": [3, 4]}))
    assert frame["a"].derive(count, 2) == frame["a"].derive(count, 2) == 4
    changed = frame.with_columns({"b": Column(pa.array([5, 6]))}).without_columns(["b"])
    assert changed["a"].derive(count, 2) == 4
    assert calls == [2]
    assert frame["a"].derive(count, 3) == 6


def test_rows_know_where_they_came_from() -> None:
    frame = Frame.from_table(pa.table({"a": ["x", "y", "z"]}))
    kept = frame.keep_rows(np.array([True, False, True])).keep_rows(np.array([False, True]))
    assert kept.row_numbers.tolist() == [2]
    assert kept["a"].array.to_pylist() == ["z"]
    assert frame.shape == (3, 1)
    assert frame.keep_rows(np.ones(3, dtype=bool)) is frame


def test_numbers_have_nan_where_nothing_is() -> None:
    assert np.isnan(Column(pa.array([True, None])).numbers()[1])
    assert Column(pa.array([1, None])).numbers()[0] == 1.0


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1.0, 0.1, 1e20, -0.0]), ["1", "0.1", "1e+20", "-0"]),
        (pa.array([12345678901.5, -1e10, 999999999999999.0, None]), ["12345678901.5", "-10000000000", "9" * 15, None]),
        (pa.array([123456789012345.6, 1e15, 0.0001, 0.5]), ["123456789012345.6", "1e+15", "0.0001", "0.5"]),
        (pa.array([True, None]), ["true", None]),
        (pa.array([0, 86_400_000_000, 1, None]).cast(pa.timestamp("us")), None),
    ],
)
def test_canonical_text(array: pa.Array, expected: list[str | None] | None) -> None:
    dates = ["1970-01-01", "1970-01-02", "1970-01-01 00:00:00.000001", None]
    assert render(array).to_pylist() == (expected or dates)


def test_canonical_text_of_a_cell_does_not_depend_on_its_neighbours() -> None:
    timestamps = pa.array([0, 1, 86_400_000_000, 3_600_000_000]).cast(pa.timestamp("us"))
    alone = [render(timestamps.slice(row, 1))[0].as_py() for row in range(4)]
    assert render(timestamps).to_pylist() == alone


def test_moments_outside_of_the_calendar_are_text() -> None:
    far = pa.array([4 * 10**17, 0, None], pa.timestamp("us"))
    near = pa.array([datetime(1, 1, 1), datetime(9999, 12, 31), None], pa.timestamp("us"))
    frame = Frame.from_table(pa.table({"far": far, "near": near, "day": pa.array([date(1, 1, 1), None, None])}))
    assert frame["far"].array.to_pylist() == ["14645-06-30 15:06:40.000000", "1970-01-01 00:00:00.000000", None]
    assert frame["near"].is_timestamp and frame["day"].is_timestamp
