"""Columns that hold answers of persons: items of a battery of questions, and words of rating scales."""

from collections.abc import Sequence
from typing import Protocol

from worker_service.core.columns.name_hints import is_question_name
from worker_service.core.stats.summary import ValueCount

FEWEST_ITEMS = 4
"""So many columns with the same answers are a battery."""
MOST_ANSWERS = 11
_SCALE = """
agree disagree satisfied dissatisfied likely unlikely never rarely seldom sometimes often always favor favour oppose
approve disapprove important unimportant excellent fair poor trust distrust
"""
_SCALE_WORDS = frozenset(_SCALE.split())


class Described(Protocol):
    """The facts about a column that are read here."""

    @property
    def name(self) -> str:
        """The column's name."""
        ...

    @property
    def type(self) -> str:
        """The type of the column."""
        ...

    @property
    def distinct(self) -> int:
        """The number of different values."""
        ...

    @property
    def top_values(self) -> tuple[ValueCount, ...]:
        """The most frequent values: all of a category's or a boolean's."""
        ...


def find_batteries(columns: Sequence[Described]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of columns that have the same few answers, by name."""
    groups: dict[frozenset[str], list[str]] = {}
    for column in columns:
        if 2 <= column.distinct <= MOST_ANSWERS and column.type in ("category", "boolean"):
            groups.setdefault(frozenset(value.value for value in column.top_values), []).append(column.name)
    return tuple(tuple(names) for names in groups.values() if len(names) >= FEWEST_ITEMS)


def is_answer(column: Described) -> bool:
    """Return True if the name of a column is a question, or if most of its few values are words of a rating scale."""
    if is_question_name(column.name):
        return True
    if column.type != "category" or column.distinct > MOST_ANSWERS:
        return False
    scale = [value for value in column.top_values if not _SCALE_WORDS.isdisjoint(value.value.lower().split())]
    return 2 * len(scale) > len(column.top_values)
