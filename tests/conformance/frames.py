"""Tables of edge cases, each with at least the columns `a` and `b` where it has two."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa

DAY, FIRST, LAST = datetime(2024, 1, 5), datetime(1, 1, 1), datetime(9999, 12, 31)
LONG_NAME = "n" * 500
FUNNY_NAMES = ("km/h", "line\nbreak", "😀", LONG_NAME, " spaced ", "a_x", "a.1", "__proto__")


def text(**columns: Sequence[str | None]) -> pa.Table:
    """Return a table of text, as decoding a CSV file does."""
    return pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})


EDGE_CASES: dict[str, pa.Table] = {
    "no rows": text(a=[], b=[]),
    "one row": text(a=["1"], b=["x"]),
    "one column": text(a=["1", "2", "3", None]),
    "all null": text(a=[None] * 5, b=[None] * 5),
    "all empty": text(a=["", " ", "N/A", "null", "-"], b=[""] * 5),
    "constant": text(a=["7"] * 6, b=["same"] * 6),
    "names that encoding would make": text(
        a=["x", "y", "x"], a_x=["1", "2", "3"], a_y=["0", "0", "1"], b=["1", "2", "3"]
    ),
    "mixed": text(a=["1", "two", "3.5", "", None, "2024-01-01"], b=["true", "1", "no", "?", "NaN", "inf"]),
    "infinite text": text(a=["inf", "-inf", "1e308", "-0", "1e400", "0"], b=["Infinity", "nan", "1", "2", "3", "4"]),
    "infinite numbers": pa.table(
        {"a": [1.0, float("inf"), float("-inf"), None, float("nan")], "b": [1, 2, 3, None, 5]}
    ),
    "huge numbers": pa.table({"a": [1e308, -1e308, 1e308, -0.0, 5e-324], "b": [2**62, -(2**62), 0, 1, None]}),
    "beyond int64": text(a=["9223372036854775808", "1", "2"], b=["99999999999999999999999999", "-1", "0"]),
    "zoned dates": text(a=["2024-01-05T10:00:00Z", "2024-01-05T10:00:00+05:30", None], b=["1", "2", "3"]),
    "typed dates": pa.table(
        {
            "a": pa.array([DAY.replace(tzinfo=UTC), None, FIRST.replace(tzinfo=UTC)], pa.timestamp("us", "UTC")),
            "b": pa.array([DAY.replace(hour=1, microsecond=4), None, LAST], pa.timestamp("us")),
        }
    ),
    "edges of the calendar": text(
        a=["0000-01-01", "9999-12-31", "0001-01-01"], b=["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "x"]
    ),
    "neighbours": text(a=["9007199254740990", "9007199254740989"], b=["12345678901.5", "0.5"]),
    "amounts": text(a=["3.582,97 €", "(9,32 €)", "1.234", None], b=["33%", "12 %", "−5%", "n/a"]),
    "marks that contradict": text(a=["1.234,50", "1,234.50"], b=["5 EUR", "7 USD"]),
    "spaces that are none": text(a=["\u00a05", ".5", "5\u2009"], b=["1\u00a0000", "2", "3"]),
    "long cells": text(a=["x" * 5000, "y" * 5000, None, "z"], b=["1", "2", "3", "4"]),
    "control characters": text(a=["\x00", "a\tb", "a\r\nb", "\u202e", "👩‍👩‍👧"], b=["\ufeff1", "2", "3", "4", "5"]),
    "booleans with gaps": pa.table({"a": [True, None, False, None], "b": pa.array(["yes", None, "no", ""])}),
    "leading zeros": text(a=["00501", "07030", "90210", None], b=["0", "0.5", "00", "1"]),
    "one value, then nothing": text(a=["1", *[None] * 30], b=["x", *[None] * 30]),
    "funny names": pa.table({name: pa.array(["1", "2", None]) for name in ("a", "b", *FUNNY_NAMES)}),
    "time series": text(
        a=[f"2024-01-{day:02d}" for day in range(1, 29)], b=[str(day) if day % 3 else None for day in range(28)]
    ),
    "sentinels": text(
        a=[str(value) for value in [*range(20, 60), *[999] * 5, *[-1] * 5]],
        b=[str(value / 4) for value in [*range(40), *[-3996] * 10]],
    ),
    "spellings": text(
        a=["Berlin", " berlin", "BERLIN", "Berlni", "Hamburg"] + ["Berlin", "Hamburg"] * 100,
        b=["e-mail", "e mail", None, "A+", "A-"] * 41,
    ),
    "outliers": text(a=[str(value) for value in [*range(100, 140), 9999]], b=["1"] * 40 + ["1000"]),
}

MAY_BE_SKIPPED = (
    "treat_outliers",
    "scale",
    "fill_missing",
    "fill_by_level",
    "was_missing",
    "time_difference",
    "power_transform",
    "text_components",
    "ratio",
)
"""Kinds of steps that may find nothing to do where they are applied."""
