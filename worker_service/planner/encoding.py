"""Proposes how categories become numbers."""

from collections.abc import Iterator, Mapping, Sequence

from worker_service.core.profile import ColumnProfile
from worker_service.core.steps import AnyStep, FillMissing, LabelEncode, OneHot
from worker_service.core.wording import count
from worker_service.planner.names import Names

MOST_COLUMNS = 10
"""A category with at most so many levels gets a column for each."""


def propose_encoding(
    columns: Sequence[ColumnProfile], fills: Mapping[str, FillMissing], names: Names
) -> Iterator[AnyStep]:
    """Encode every category and boolean, with the level that filling its gaps adds."""
    for column in columns:
        if column.type == "boolean":
            yield _encode_boolean(column)
        elif column.type == "category":
            levels = _levels(column, fills.get(column.name))
            yield _one_hot(column, levels, names) if len(levels) <= MOST_COLUMNS else _label_encode(column, levels)


def _levels(column: ColumnProfile, fill: FillMissing | None) -> tuple[str, ...]:
    known = [level.value for level in column.top_values]
    added = [fill.value] if fill is not None and isinstance(fill.value, str) and fill.value not in known else []
    return tuple(sorted([*known, *added]))


def _encode_boolean(column: ColumnProfile) -> LabelEncode:
    return LabelEncode(
        kind="label_encode",
        column=column.name,
        levels=("false", "true"),
        why="A model takes true and false as numbers.",
        confidence=1.0,
        source="encode_boolean",
    )


def _one_hot(column: ColumnProfile, levels: tuple[str, ...], names: Names) -> OneHot:
    return OneHot(
        kind="one_hot",
        column=column.name,
        levels=levels,
        names=tuple(names.claim(column.name, level) for level in levels),
        why=f"With {count(len(levels), 'value')} a column for each invents no order between them.",
        confidence=0.9,
        source="encode_few_levels",
    )


def _label_encode(column: ColumnProfile, levels: tuple[str, ...]) -> LabelEncode:
    why = f"It has {count(len(levels), 'value')}, more than {MOST_COLUMNS}: a column for each would be too many."
    return LabelEncode(
        kind="label_encode",
        column=column.name,
        levels=levels,
        why=why,
        confidence=0.6,
        source="encode_many_levels",
    )
