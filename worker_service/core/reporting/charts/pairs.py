"""Charts of two columns, and how strongly these go together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from shared.contracts.charts import AxisData, BoxData, GroupedBoxplotData, ScatterData, StackedBarData
from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.reporting.charts.bins import number_bins
from worker_service.core.reporting.charts.distribution import box_of_values
from worker_service.core.stats.ordinal_scales import recognise_order
from worker_service.core.stats.summary import quantiles
from worker_service.core.table.canonical_text import render
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import TIMESTAMP, Column

MOST_POINTS = 400
MOST_GROUPS = 8
MOST_LABELS = 12
MOST_CLASSES = 6
MOST_GROUP_OUTLIERS = 40
MOST_ROWS = 5_000
"""So many rows, evenly spaced, show how strongly two columns go together."""
FEWEST_ROWS = 20
_FEW_NUMBERS = 10
"""Whole numbers with at most so many different values are compared as levels."""
_FENCE_IQRS = 1.5
_TICKS_PER_SECOND = 1_000_000

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Levels:
    """A column as levels in the order in which people read them."""

    labels: tuple[str, ...]
    codes: Codes
    """The index into `labels` of each cell's level; -1 where it is missing."""
    is_ordered: bool
    """True if the levels have an order of their own."""


def is_measure(facts: ColumnProfile, column: Column) -> bool:
    """Return True for numbers and moments with many values; others are compared as levels."""
    if column.is_timestamp:
        return facts.type == "timestamp"
    is_many = facts.type == "decimal" or (facts.type == "integer" and facts.distinct > _FEW_NUMBERS)
    return column.is_number and is_many


def is_level(facts: ColumnProfile, column: Column) -> bool:
    """Return True for a column whose values are compared as levels."""
    if column.is_integer:
        return facts.type == "integer" and facts.distinct <= _FEW_NUMBERS
    return facts.type in ("boolean", "category") and (column.is_text or column.is_boolean)


def measure(column: Column) -> Floats:
    """Return numbers, or the seconds since 1970 of moments; NaN where missing."""
    if not column.is_timestamp:
        return column.numbers()
    ticks = np.asarray(column.array.cast(TIMESTAMP).view("int64").fill_null(0).to_numpy(zero_copy_only=False))
    return np.where(column.present(), ticks / _TICKS_PER_SECOND, np.nan)


def levels(column: Column) -> Levels:
    """Return a column as levels: numbers ascending, words in their order if they have one, others by frequency."""
    values = column.derive(distinct)
    texts: list[str] = render(values.values).to_pylist()
    scale = recognise_order(texts) if column.is_text else None
    if column.is_text and scale is None:
        order = values.by_frequency()
    elif scale is not None:
        order = np.argsort([scale.index(text) for text in texts], kind="stable")
    else:
        order = np.argsort(Column(values.values).numbers(), kind="stable")
    position = np.empty(len(texts) + 1, np.int64)
    position[order], position[-1] = np.arange(len(texts)), -1
    return Levels(
        tuple(texts[index] for index in order), position[values.codes], not column.is_text or scale is not None
    )


def scatter(x: Column, y: Column) -> ScatterData | None:
    """Return the points of two columns of numbers or moments; None where too few rows have both."""
    both = np.flatnonzero(x.present() & y.present())
    if len(both) < FEWEST_ROWS:
        return None
    xs, ys = measure(x)[both], measure(y)[both]
    chosen = _evenly(len(both), MOST_POINTS)
    axes = (_axis(x, xs), _axis(y, ys))
    if None in axes:
        return None
    return ScatterData(
        x=tuple(xs[chosen].tolist()),
        y=tuple(ys[chosen].tolist()),
        x_axis=axes[0],
        y_axis=axes[1],
        rows=len(both),
        strength=round(rank_strength(xs, ys), 4),
    )


def _axis(column: Column, values: Floats) -> AxisData | None:
    """Return the axis of values; None where neither a linear nor a logarithmic one shows them."""
    if column.is_timestamp:
        return AxisData(kind="time")
    bins = number_bins(np.sort(values), float(values.min()), float(values.max()))
    return None if bins.scale == "symlog" else AxisData(whole=column.is_integer, scale=bins.scale)


def grouped_boxplot(values: Column, groups: Column) -> GroupedBoxplotData | None:
    """Return a box of the values for each of the most frequent levels; None where fewer than two have values."""
    known = np.flatnonzero(values.present() & groups.present())
    if len(known) < FEWEST_ROWS:
        return None
    level, numbers = groups.derive(levels), measure(values)[known]
    codes = level.codes[known]
    counts = np.bincount(codes, minlength=len(level.labels))
    frequent = np.sort(np.argsort(-counts, kind="stable")[:MOST_GROUPS])
    frequent = frequent[counts[frequent] > 0]
    boxes = {int(code): _group_box(np.sort(numbers[codes == code])) for code in frequent}
    if len(boxes) < 2:
        return None
    order = list(boxes) if level.is_ordered else sorted(boxes, key=lambda code: -boxes[code].median)
    return GroupedBoxplotData(
        labels=tuple(level.labels[code] for code in order),
        boxes=tuple(boxes[code] for code in order),
        counts=tuple(int(counts[code]) for code in order),
        other=int(len(known) - counts[frequent].sum()),
        kind="time" if values.is_timestamp else "number",
        whole=values.is_integer,
        strength=round(group_strength(numbers, codes), 4),
    )


def _group_box(values: Floats) -> BoxData:
    q1, q3 = quantiles(values, (0.25, 0.75))
    width = _FENCE_IQRS * (q3 - q1)
    return box_of_values(values, q1 - width, q3 + width, most_outliers=MOST_GROUP_OUTLIERS)


def stacked_bar(labels: Column, classes: Column) -> StackedBarData | None:
    """Return how often the levels of two columns occur together; None where too few rows have both."""
    both = np.flatnonzero(labels.present() & classes.present())
    if len(both) < FEWEST_ROWS:
        return None
    rows, columns = labels.derive(levels), classes.derive(levels)
    codes, class_codes = rows.codes[both], columns.codes[both]
    table = _contingency(codes, class_codes)
    shown = np.sort(np.argsort(-table.sum(axis=1), kind="stable")[:MOST_LABELS])
    kept = np.sort(np.argsort(-table.sum(axis=0), kind="stable")[:MOST_CLASSES])
    if not rows.is_ordered:
        part = table[shown][:, kept[0]] / np.maximum(table[shown][:, kept].sum(axis=1), 1)
        shown = shown[np.argsort(-part, kind="stable")]
    counts = table[np.ix_(shown, kept)]
    return StackedBarData(
        labels=tuple(rows.labels[code] for code in shown),
        classes=tuple(columns.labels[code] for code in kept),
        counts=tuple(tuple(row) for row in counts.tolist()),
        other=int(len(both) - counts.sum()),
        strength=round(level_strength(codes, class_codes), 4),
    )


def strength(facts: Sequence[ColumnProfile], columns: Sequence[Column]) -> float:
    """Return how strongly two columns go together, from 0 to 1, without what chance makes of it."""
    both = np.flatnonzero(columns[0].present() & columns[1].present())
    if len(both) < FEWEST_ROWS:
        return 0.0
    rows = both[_evenly(len(both), MOST_ROWS)]
    measures = [is_measure(each, column) for each, column in zip(facts, columns, strict=True)]
    if all(measures):
        return rank_strength(measure(columns[0])[rows], measure(columns[1])[rows])
    if not any(measures):
        first, second = (column.derive(levels).codes[rows] for column in columns)
        return level_strength(first, second)
    numbers, groups = (columns[0], columns[1]) if measures[0] else (columns[1], columns[0])
    return group_strength(measure(numbers)[rows], groups.derive(levels).codes[rows])


def rank_strength(x: Floats, y: Floats) -> float:
    """Return the square of Spearman's coefficient, without what chance makes of it."""
    with np.errstate(all="ignore"):
        r = float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])
    return _adjusted(r * r, len(x), 1) if np.isfinite(r) else 0.0


def group_strength(values: Floats, codes: Codes) -> float:
    """Return the share of the variance of the ranks between groups, without what chance makes of it.

    Source:
        Kruskal & Wallis (1952); the share, epsilon squared, by Kelley (1935). An unbiased correlation ratio measure.
    """
    ranks = rankdata(values)
    sizes = np.bincount(codes)
    sums = np.bincount(codes, weights=ranks - ranks.mean())
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if not total:
        return 0.0
    between = float((sums[sizes > 0] ** 2 / sizes[sizes > 0]).sum())
    return _adjusted(between / total, len(values), int((sizes > 0).sum()) - 1)


def level_strength(first: Codes, second: Codes) -> float:
    """Return Cramér's V squared, without what chance makes of it.

    Source:
        Bergsma (2013). A bias-correction for Cramér's V and Tschuprow's T.
    """
    table = _contingency(first, second)
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0].astype(np.float64)
    rows, columns = table.shape
    total = float(table.sum())
    if min(rows, columns) < 2:
        return 0.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / total
    phi = float(((table - expected) ** 2 / expected).sum()) / total
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (total - 1))
    smaller = min(side - (side - 1) ** 2 / (total - 1) for side in (rows, columns)) - 1
    return min(1.0, phi / smaller) if smaller > 0 else 0.0


def _contingency(first: Codes, second: Codes) -> npt.NDArray[np.int64]:
    width = int(second.max(initial=0)) + 1
    counts = np.bincount(first * width + second, minlength=(int(first.max(initial=0)) + 1) * width)
    return counts.reshape(-1, width)


def _adjusted(share: float, rows: int, parameters: int) -> float:
    """Return an explained share without the part that so many parameters explain by chance."""
    if rows - parameters - 1 <= 0:
        return 0.0
    return max(0.0, 1 - (1 - share) * (rows - 1) / (rows - parameters - 1))


def _evenly(size: int, most: int) -> npt.NDArray[np.int64]:
    """Return at most so many indices, evenly spaced over a size."""
    return np.linspace(0, size - 1, min(size, most)).astype(np.int64)
