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


def scatter(*, size: float = 1.0, x_axis: Any = None, y_axis: Any = None, names: tuple[str, str] = ("a", "b")) -> Any:
    x = [size * (1 + number) for number in range(50)]
    y = [size * (1 + number**2 % 37) for number in range(50)]
    data = {"x": x, "y": y, "x_axis": x_axis or {}, "y_axis": y_axis or {}, "rows": 5000, "strength": 0.31}
    return {**chart("scatter", data), "columns": list(names)}


def grouped_boxplot(
    labels: tuple[str, ...] = ("no", "yes"),
    *,
    size: float = 1.0,
    kind: str = "number",
    outliers: list[float] | None = None,
) -> Any:
    boxes = [box(size=size * (1 + number), outliers=outliers) for number in range(len(labels))]
    data = {"labels": list(labels), "boxes": boxes, "counts": [100] * len(labels), "kind": kind}
    return {**chart("grouped_boxplot", {**data, "other": 7, "strength": 0.02}), "columns": ["a", "b"]}


def stacked_bar(labels: tuple[str, ...] = ("no", "yes"), classes: tuple[str, ...] = ("red", "blue")) -> Any:
    counts = [[1 + row * column for column in range(len(classes))] for row in range(len(labels))]
    data = {"labels": list(labels), "classes": list(classes), "counts": counts, "other": 3, "strength": 0.9}
    return {**chart("stacked_bar", data), "columns": ["a", "b"]}


def timeline(*, start: float = 1.6e9, span: float = 86_400, size: float = 1.0, counts: list[int] | None = None) -> Any:
    edges = [start + span * number for number in range(13)]
    lines = {
        name: [size * (number + shift) for number in range(12)] for shift, name in enumerate(("q1", "median", "q3"))
    }
    data = {
        "edges": edges,
        "counts": counts or [0, *[5] * 11],
        **{name: [None, *line[1:]] for name, line in lines.items()},
    }
    return {**chart("timeline", data), "columns": ["a", "b"]}


def missing_patterns(names: tuple[str, ...]) -> Any:
    patterns = [[index, (index + 1) % len(names)] for index in range(len(names))][:20]
    counts = [500 - index for index in range(len(patterns))]
    data = {"columns": list(names), "patterns": patterns, "counts": counts, "complete": 1000, "other": 2}
    return chart("missing_patterns", data)


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
    "scatter": scatter(),
    "scatter of times": scatter(size=1e8, x_axis={"kind": "time"}, y_axis={"kind": "time"}),
    "scatter on powers": scatter(size=1e5, x_axis={"scale": "log"}, y_axis={"scale": "log"}),
    "scatter of giants": scatter(size=1e300),
    "scatter of one place": scatter(size=0),
    "scatter of one moment": scatter(size=0, x_axis={"kind": "time"}, y_axis={"kind": "time"}),
    "grouped boxplot of one value": grouped_boxplot(size=0),
    "grouped boxplot of one moment": grouped_boxplot(size=0, kind="time"),
    "grouped boxplot with far outliers": grouped_boxplot(outliers=[1e14]),
    "timeline of one value": timeline(size=0),
    "timeline with gaps": timeline(counts=[3, 3, 0, 0, 4, 0, 0, 0, 0, 5, 5, 0]),
    "scatter of nasty names": scatter(names=(NASTY_NAMES[0], NASTY_NAMES[5])),
    "grouped boxplot": grouped_boxplot(),
    "grouped boxplot of times": grouped_boxplot(size=1e8, kind="time"),
    "grouped boxplot of nasty names": grouped_boxplot(NASTY_NAMES[:8]),
    "stacked bar": stacked_bar(),
    "stacked bar of nasty names": stacked_bar(NASTY_NAMES, NASTY_NAMES[:6]),
    "timeline": timeline(),
    "timeline of giants": timeline(size=1e300),
    "timeline before Christ": timeline(start=-6.3e11, span=1e9),
    "missing patterns": missing_patterns(("a", "b", "c")),
    "missing patterns of nasty names": missing_patterns(NASTY_NAMES),
    "missing patterns of many": missing_patterns(tuple(f"column {number}" for number in range(30))),
}
