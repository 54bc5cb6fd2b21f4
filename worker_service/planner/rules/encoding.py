"""Rules for encoding categories and booleans as numbers."""

from collections.abc import Iterator, Mapping, Sequence

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, percent, quoted
from worker_service.core.recipe.steps import AnyStep, FillMissing, FrequencyEncode, LabelEncode, OneHot
from worker_service.core.stats.ordinal_scales import recognise_order
from worker_service.planner.rules.column_names import Names

MAX_ONE_HOT_COLUMNS = 60
"""The most frequent levels get a column each; the others share one."""
MAX_ONE_HOT_LEVELS = 50
"""A category with more levels than this is encoded by their frequencies too."""
RARE_SHARE = 0.01
"""A level with a smaller share of the rows is rare and shares a column with the other rare ones,"""
RARE_ROWS = 10
"""unless it has at least this many rows."""


def propose_encoding(
    columns: Sequence[ColumnProfile], fills: Mapping[str, FillMissing], names: Names
) -> Iterator[AnyStep]:
    """Propose an encoding of every category and boolean, including levels that filling missing cells adds."""
    for column in columns:
        if column.type == "boolean":
            yield _encode_boolean(column)
        elif column.type == "category" and column.amounts is None:
            yield from _encode_category(column, _counts(column, fills.get(column.name)), names)


def _encode_category(column: ColumnProfile, counts: dict[str, int], names: Names) -> Iterator[AnyStep]:
    order = recognise_order(counts)
    if order is not None:
        yield _ordinal(column, order)
        return
    total = sum(counts.values())
    min_rows = min(RARE_SHARE * total, RARE_ROWS)
    most_frequent = sorted(counts, key=lambda level: (-counts[level], level))[:MAX_ONE_HOT_COLUMNS]
    levels = sorted(level for level in most_frequent if counts[level] >= min_rows or len(counts) <= 2)
    if len(counts) > MAX_ONE_HOT_LEVELS:
        if levels:
            yield _one_hot(column, counts, tuple(levels), names, keep=True)
        yield _frequency(column, counts)
        return
    if len(counts) == 2:
        # The column of the other level would say the opposite.
        levels = [min(counts, key=lambda level: (counts[level], level))]
    elif len(levels) + 1 >= len(counts):
        levels = sorted(counts)
    yield _one_hot(column, counts, tuple(levels), names)


def _counts(column: ColumnProfile, fill: FillMissing | None) -> dict[str, int]:
    """Return the rows of each level after missing cells are filled."""
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


def _one_hot(
    column: ColumnProfile, counts: dict[str, int], levels: tuple[str, ...], names: Names, *, keep: bool = False
) -> OneHot:
    rare = 0 if keep or len(counts) == 2 else sum(rows for level, rows in counts.items() if level not in levels)
    why = "A column for each value invents no order between them"
    if keep:
        why = f"A column for each of its {len(levels)} most frequent values lets a model tell these apart"
    elif len(counts) == 2:
        why = "One column tells two values apart; another would say the opposite"
    elif rare:
        share = percent(rare / sum(counts.values()))
        why += f"; {count(len(counts) - len(levels), 'rarer value')}, in {share} of the rows, share one"
    return OneHot(
        kind="one_hot",
        column=column.name,
        levels=levels,
        names=tuple(names.claim(column.name, level) for level in levels),
        other=names.claim(column.name, "other") if rare else None,
        keep=keep,
        why=f"{why}.",
        confidence=0.9,
        rule="encode_few_levels",
    )


def _frequency(column: ColumnProfile, counts: dict[str, int]) -> FrequencyEncode:
    total = sum(counts.values())
    why = f"It has {count(len(counts), 'value')}, more than {MAX_ONE_HOT_LEVELS}, too many for a column each"
    return FrequencyEncode(
        kind="frequency_encode",
        column=column.name,
        levels=tuple(counts),
        shares=tuple(rows / total for rows in counts.values()),
        why=f"{why}; how common a value is can't give away what is to be predicted.",
        confidence=0.6,
        rule="encode_many_levels",
    )
