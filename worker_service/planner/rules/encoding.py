"""Proposes how categories become numbers."""

from collections.abc import Iterator, Mapping, Sequence

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, percent, quoted
from worker_service.core.recipe.steps import AnyStep, FillMissing, FrequencyEncode, LabelEncode, OneHot
from worker_service.core.stats.ordinal_scales import recognise_order
from worker_service.planner.rules.column_names import Names

MOST_COLUMNS = 20
"""A category gets a column for each of at most so many levels;"""
MOST_LEVELS = 50
"""one with more levels than this becomes the share of each."""
RARE = 0.01
"""A level that fewer of the rows hold than this shares a column with the other rare ones."""
FEWEST_ROWS = 10
"""Nor is a level rare that holds so many rows."""


def propose_encoding(
    columns: Sequence[ColumnProfile], fills: Mapping[str, FillMissing], names: Names
) -> Iterator[AnyStep]:
    """Encode every category and boolean, with the level that filling its gaps adds."""
    for column in columns:
        if column.type == "boolean":
            yield _encode_boolean(column)
        elif column.type == "category":
            yield _encode_category(column, _counts(column, fills.get(column.name)), names)


def _encode_category(column: ColumnProfile, counts: dict[str, int], names: Names) -> AnyStep:
    order = recognise_order(counts)
    if order is not None:
        return _ordinal(column, order)
    if len(counts) > MOST_LEVELS:
        return _frequency(column, counts)
    total = sum(counts.values())
    least = min(RARE * total, FEWEST_ROWS)
    kept = sorted(counts, key=lambda level: (-counts[level], level))[:MOST_COLUMNS]
    kept = sorted(level for level in kept if counts[level] >= least or len(counts) <= 2)
    if len(kept) + 1 >= len(counts):
        kept = sorted(counts)
    return _one_hot(column, counts, tuple(kept), names)


def _counts(column: ColumnProfile, fill: FillMissing | None) -> dict[str, int]:
    """The rows of each level once its gaps are filled."""
    counts = {level.value: level.count for level in column.top_values}
    if fill is not None and isinstance(fill.value, str):
        counts[fill.value] = counts.get(fill.value, 0) + column.missing
    return counts


def _encode_boolean(column: ColumnProfile) -> LabelEncode:
    return LabelEncode(
        kind="label_encode",
        column=column.name,
        levels=("false", "true"),
        why="A model takes true and false as numbers.",
        confidence=1.0,
        rule="encode_boolean",
    )


def _ordinal(column: ColumnProfile, order: tuple[str, ...]) -> LabelEncode:
    return LabelEncode(
        kind="label_encode",
        column=column.name,
        levels=order,
        why=f"Its values have an order of their own, from {quoted(order[0])} to {quoted(order[-1])}.",
        confidence=0.9,
        rule="encode_ordered",
    )


def _one_hot(column: ColumnProfile, counts: dict[str, int], levels: tuple[str, ...], names: Names) -> OneHot:
    rare = sum(amount for level, amount in counts.items() if level not in levels)
    why = f"With {count(len(levels), 'value')} a column for each invents no order between them."
    if rare:
        share = percent(rare / sum(counts.values()))
        why += f" The {count(len(counts) - len(levels), 'rarer value')} in {share} of the rows share one."
    return OneHot(
        kind="one_hot",
        column=column.name,
        levels=levels,
        names=tuple(names.claim(column.name, level) for level in levels),
        other=names.claim(column.name, "other") if rare else None,
        why=why,
        confidence=0.9,
        rule="encode_few_levels",
    )


def _frequency(column: ColumnProfile, counts: dict[str, int]) -> FrequencyEncode:
    total = sum(counts.values())
    why = f"It has {count(len(counts), 'value')}, more than {MOST_LEVELS}: a column for each would be too many."
    return FrequencyEncode(
        kind="frequency_encode",
        column=column.name,
        levels=tuple(counts),
        shares=tuple(amount / total for amount in counts.values()),
        why=f"{why} How common a value is says something about it, and does not look at what is to be predicted.",
        confidence=0.6,
        rule="encode_many_levels",
    )
