"""Rules for texts that hold numbers or several values."""

from collections.abc import Iterator, Sequence

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.columns.composed_values import Composition
from worker_service.core.humanize import count, quoted
from worker_service.core.parsing.text_numbers import PART_NAMES
from worker_service.core.recipe.steps import MultiHot, OneHot, SplitText, TextNumbers
from worker_service.core.stats.ordinal_scales import recognise_order
from worker_service.planner.rules.column_names import Names
from worker_service.planner.rules.encoding import MAX_ONE_HOT_LEVELS

MOST_PARTS = 60
"""The most frequent values get a column each."""
FEWEST_LEVELS = 3
FEWEST_ROWS = 10
"""A value in fewer rows gets none."""
_SHAPES = {
    "amount": "Each cell holds a number with a bound or a word",
    "range": "Each cell holds the ends of a range",
    "size": "Each cell holds the numbers of a size",
    "pair": "Each cell holds two numbers",
}


def propose_text_numbers(columns: Sequence[ColumnProfile], names: Names) -> Iterator[TextNumbers]:
    """Propose columns of the numbers that stand within texts."""
    for column in columns:
        is_ordered = recognise_order([level.value for level in column.top_values]) is not None
        # Two values get one column of 0 and 1, which says as much.
        if column.number_shape is None or is_ordered or column.distinct < FEWEST_LEVELS:
            continue
        parts = PART_NAMES[column.number_shape][: column.number_count]
        yield TextNumbers(
            kind="text_numbers",
            column=column.name,
            shape=column.number_shape,
            names=tuple(names.claim(column.name, part) for part in parts),
            why=f"{_SHAPES[column.number_shape]}, which a model takes as numbers.",
            confidence=0.8,
            rule="text_numbers",
        )


def propose_multi_hot(columns: Sequence[ColumnProfile], names: Names) -> Iterator[MultiHot]:
    """Propose a column of 0 and 1 for each of the values that stand together in cells."""
    for column in columns:
        parts = column.parts
        if parts is None:
            continue
        levels = tuple(part.value for part in parts.counts[:MOST_PARTS] if part.count >= FEWEST_ROWS)
        if len(levels) < 2:
            continue
        yield MultiHot(
            kind="multi_hot",
            column=column.name,
            separator=parts.separator,
            levels=levels,
            names=tuple(names.claim(column.name, level) for level in levels),
            keep=column.type != "category",
            why=f"Its cells hold {count(len(parts.counts), 'value')} in many combinations, parted by "
            f"{quoted(parts.separator)}; a column for each tells which a cell has.",
            confidence=0.9,
            rule="multi_hot",
        )


def propose_split_texts(columns: Sequence[ColumnProfile], names: Names) -> Iterator[SplitText | OneHot]:
    """Propose the parts of composed values where these are too many for a column each."""
    for column in columns:
        composition = column.composition
        if composition is None or (column.type == "category" and column.distinct <= MAX_ONE_HOT_LEVELS):
            continue
        parts = composition.parts
        split = SplitText(
            kind="split_text",
            column=column.name,
            separator=composition.separator,
            width=composition.width,
            positions=tuple(part.position for part in parts),
            is_number=tuple(part.is_number for part in parts),
            names=tuple(names.claim(column.name, "part", str(part.position + 1)) for part in parts),
            why=_why_split(column, composition),
            confidence=0.8,
            rule="split_text",
        )
        yield split
        for part, name in zip(parts, split.names, strict=True):
            if not part.is_number:
                levels = tuple(level.value for level in part.counts)
                frequent = count(len(levels), "frequent value")
                yield OneHot(
                    kind="one_hot",
                    column=name,
                    levels=levels,
                    names=tuple(names.claim(name, level) for level in levels),
                    why=f"A column for each of its {frequent} invents no order between them.",
                    confidence=0.9,
                    rule="encode_parts",
                )


def _why_split(column: ColumnProfile, composition: Composition) -> str:
    parted = f"parted by {quoted(composition.separator)}" if composition.separator else "where letters meet digits"
    return (
        f"Its {count(column.distinct, 'value')} are made of {composition.width} parts, {parted}; what rows have in "
        "common shows in the parts."
    )
