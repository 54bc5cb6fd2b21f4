"""Chart data as the worker writes it, with ordinary and extreme values and names."""

import time
from collections.abc import Mapping
from typing import Any

NASTY_NAMES = (
    "x" * 500,
    "line\nbreak",
    "$x^2$ and $\\frac{a}{b$",
    "\U0001f642 emoji \U0001f389",
    "日本語の列名テスト",
    '<script>alert(1)</script> & "quotes" ]]>',
    "",
    "   ",
    "W" * 60,
    "a\x0bb\x00c\ufffe\u202e",
    "مرحبا بالعالم",
    "e" + "\u0301" * 200,
)


def chart(kind: str, data: dict[str, Any], *, name: str = "price") -> dict[str, Any]:
    return {"graph_id": f"{kind}-1", "kind": kind, "title": f"About {name}", "columns": [name], "data": data}


def histogram(*, bins: int = 12, low: float = 0, high: float = 100, axis: str = "number", name: str = "p") -> Any:
    edges = [low + (high / bins - low / bins) * number for number in range(bins + 1)]
    before = [(number * 7919) % 4000 for number in range(bins)]
    return chart("histogram", {"edges": edges, "before": before, "after": before[::-1], "axis": axis}, name=name)


def box(*, size: float = 1.0, outliers: list[float] | None = None) -> dict[str, Any]:
    return {
        "whisker_low": 1 * size,
        "q1": 2 * size,
        "median": 3 * size,
        "q3": 4 * size,
        "whisker_high": 6 * size,
        "outliers": [9 * size, 11 * size] if outliers is None else outliers,
        "outlier_count": 1234,
    }


def boxplot(*, size: float = 1.0, outliers: list[float] | None = None, name: str = "p") -> Any:
    after = {**box(size=size, outliers=[]), "outlier_count": 0}
    return chart("boxplot", {"before": box(size=size, outliers=outliers), "after": after}, name=name)


def countplot(labels: tuple[str, ...] = ("yes", "no"), *, other: int = 0, name: str = "p") -> Any:
    before = [1000 - number for number in range(len(labels))]
    data = {
        "labels": list(labels),
        "before": before,
        "after": before[::-1],
        "other_before": other,
        "other_after": other,
        "distinct": len(labels) + other,
    }
    return chart("countplot", data, name=name)


def correlation(names: tuple[str, ...]) -> Any:
    size = len(names)
    matrix = [[1.0 if row == column else -0.25 for column in range(size)] for row in range(size)]
    if size > 1:
        matrix[0][1] = matrix[1][0] = None  # type: ignore[call-overload]
    return chart("correlation", {"columns": list(names), "matrix": matrix, "sampled_rows": 20_000})


def missingness(names: tuple[str, ...], *, rows: int = 1000) -> Any:
    before = [number * rows // max(len(names), 1) for number in range(len(names))]
    data = {"columns": list(names), "before": before, "after": [value // 2 for value in before], "rows": rows}
    return chart("missingness", data)


def unchanged(of: dict[str, Any]) -> dict[str, Any]:
    return {**of, "data": {**of["data"], "after": of["data"]["before"]}}


def draw_forever(chart: Mapping[str, Any], *, format: str) -> bytes:
    time.sleep(3600)
    return b""


_FLAT = {"whisker_low": 3, "q1": 3, "median": 3, "q3": 3, "whisker_high": 3, "outliers": [], "outlier_count": 0}

CHARTS = {
    "histogram": histogram(),
    "histogram of one table": unchanged(histogram()),
    "histogram of times": histogram(low=1.6e9, high=1.7e9, axis="time"),
    "histogram of hours": histogram(low=1.7e9, high=1.7e9 + 7200, axis="time"),
    "histogram before Christ": histogram(low=-6.3e11, high=3e11, axis="time"),
    "histogram of one time": histogram(bins=1, low=1.6e9, high=1.6e9, axis="time"),
    "histogram of giants": histogram(low=-8e307, high=8e307),
    "histogram of dwarfs": histogram(low=1e-310, high=9e-310),
    "histogram of one bin": histogram(bins=1, low=5, high=5),
    "histogram of neighbours": histogram(low=1e15, high=1e15 + 0.5),
    "histogram of nothing": chart("histogram", {"edges": [], "before": [], "after": [], "axis": "number"}),
    "histogram of zeros": chart("histogram", {"edges": [0, 1], "before": [0], "after": [0], "axis": "number"}),
    "boxplot": boxplot(),
    "boxplot of one table": unchanged(boxplot()),
    "boxplot with far outliers": boxplot(outliers=[1e6, -5e4]),
    "boxplot of giants": boxplot(size=1e307),
    "boxplot of dwarfs": boxplot(size=1e-310),
    "boxplot of one value": chart("boxplot", {"before": _FLAT, "after": _FLAT}),
    "boxplot of nothing": chart("boxplot", {"before": None, "after": None}),
    "boxplot emptied": chart("boxplot", {"before": box(), "after": None}),
    "countplot": countplot(),
    "countplot of one": countplot(("only",)),
    "countplot of many": countplot(tuple(f"value {number}" for number in range(20)), other=9000),
    "countplot of nasty names": countplot(NASTY_NAMES, other=1),
    "countplot of nothing": countplot(()),
    "correlation": correlation(("a", "b", "c")),
    "correlation of one": correlation(("a",)),
    "correlation of many": correlation(tuple(f"measure {number}" for number in range(40))),
    "correlation of nasty names": correlation(NASTY_NAMES),
    "correlation of nothing": correlation(()),
    "missingness": missingness(("a", "b", "c")),
    "missingness of many": missingness(tuple(f"column {number}" for number in range(100))),
    "missingness of nasty names": missingness(NASTY_NAMES),
    "missingness of nothing": missingness(()),
    "missingness of no rows": missingness(("a", "b"), rows=0),
    "missingness of one": missingness(("a",)),
}
