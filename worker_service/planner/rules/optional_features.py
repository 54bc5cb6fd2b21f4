"""Rules for features that help many models and harm some: where a target is known, evidence decides about them."""

from collections.abc import Iterator, Sequence

from worker_service.core.columns.column_profile import MOST_WHOLE_NUMBERS, ColumnProfile
from worker_service.core.humanize import count, number, quoted
from worker_service.core.recipe.steps import OneHot, PowerTransform, TextComponents
from worker_service.planner.rules.column_names import Names

FEWEST_LEVELS, MOST_LEVELS = 3, MOST_WHOLE_NUMBERS
FEWEST_CELLS = 10
"""A number gets an indicator of its own if so many rows have it,"""
LEAST_COVERED = 0.8
"""in a column where such numbers are in at least this share of the rows."""
SKEWED = 0.75
FEWEST_VALUES = 10
"""A column of fewer different values has no shape to make more symmetric."""
MOST_POWERS = 20
MANY_LEVELS = 20
"""The names of a category with more levels may say something about rare ones."""
MOST_COMPONENTS = 10
ROWS_PER_COMPONENT = 100
FEWEST_COMPONENTS = 2
MOST_TEXT_COLUMNS = 3
MOST_TEXTS = 10_000
"""More different texts take too long to be looked at one by one."""


def propose_integer_levels(columns: Sequence[ColumnProfile], names: Names) -> Iterator[OneHot]:
    """Propose indicators beside each column of few whole numbers, which may be codes or the hours of a day."""
    for column in columns:
        counts = {level.value: level.count for level in column.top_values}
        levels = tuple(value for value, cells in counts.items() if cells >= FEWEST_CELLS)
        is_fitting = column.type == "integer" and FEWEST_LEVELS <= column.distinct <= MOST_LEVELS
        covered = sum(counts[level] for level in levels)
        if not is_fitting or len(levels) < FEWEST_LEVELS or covered < LEAST_COVERED * sum(counts.values()):
            continue
        ordered = tuple(sorted(levels, key=float))
        yield OneHot(
            kind="one_hot",
            column=column.name,
            levels=ordered,
            names=tuple(names.claim(column.name, level) for level in ordered),
            keep=True,
            why=f"It has only {count(column.distinct, 'different number')}, which may be codes or run through a cycle.",
            confidence=0.6,
            rule="integer_levels",
        )


def propose_powers(columns: Sequence[ColumnProfile], names: Names) -> Iterator[PowerTransform]:
    """Propose a more symmetric copy of each skewed column, the most skewed first."""
    skewed = [column for column in columns if abs(_skew(column)) > SKEWED and column.distinct > FEWEST_VALUES]
    for column in sorted(skewed, key=lambda column: -abs(_skew(column)))[:MOST_POWERS]:
        yield PowerTransform(
            kind="power_transform",
            column=column.name,
            name=names.claim(column.name, "power"),
            why=f"{quoted(column.name)} is skewed (skew {number(round(_skew(column), 2))}), so that in a straight line "
            "differences between small values hardly count.",
            confidence=0.6,
            rule="power_of_skewed",
        )


def _skew(column: ColumnProfile) -> float:
    if column.type not in ("integer", "decimal") or column.numbers is None:
        return 0.0
    return column.numbers.skew or 0.0


def propose_text_components(columns: Sequence[ColumnProfile], rows: int, names: Names) -> Iterator[TextComponents]:
    """Propose components of the texts of each column that holds free text or many levels."""
    components = min(MOST_COMPONENTS, rows // ROWS_PER_COMPONENT)
    if components < FEWEST_COMPONENTS:
        return
    for column in [column for column in columns if _is_wordy(column)][:MOST_TEXT_COLUMNS]:
        yield TextComponents(
            kind="text_components",
            column=column.name,
            names=tuple(names.claim(column.name, "text", str(index)) for index in range(1, components + 1)),
            why=f"Its {count(column.distinct, 'value')} are too many for a column each, but many share parts of words.",
            confidence=0.6,
            rule="text_components",
        )


def _is_wordy(column: ColumnProfile) -> bool:
    is_text = column.storage == "text" and column.personal_data is None and column.duplicate_of is None
    if not is_text or column.amounts is not None or column.distinct > MOST_TEXTS:
        return False
    return column.type == "text" or (column.type == "category" and column.distinct > MANY_LEVELS)
