"""Rule for sentinels: numbers that stand for missing."""

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import count, listing, number, plural_verb, quoted
from worker_service.core.recipe.steps import AnyStep, Flag, MaskSentinel
from worker_service.planner.context import PlanContext
from worker_service.planner.rules.measured_confidence import MEASURED


def propose_sentinels(context: PlanContext) -> list[AnyStep]:
    """Propose to mask the sentinels of every column; those of the target and possible ones are flagged."""
    profile, target = context.profile, context.target
    with_sentinels = [column for column in profile.columns if column.sentinels]
    masks = [
        _flag(column) if column.name == target.column else _mask(column, profile.rows) for column in with_sentinels
    ]
    return [*masks, *(_flag_possible(column) for column in profile.columns if column.apart and column.is_quantity)]


def _flag_possible(column: ColumnProfile) -> Flag:
    codes = listing(f"{number(code.value)} ({count(code.count, 'cell')})" for code in column.apart)
    why = (
        f"{quoted(column.name)} holds {codes}, far from all other values. It may be a code for something, such as a "
        "missing value, so it was neither capped nor taken for missing."
    )
    return Flag(kind="flag", phase="cleaning", column=column.name, why=why, confidence=0.6, rule="stands_apart")


def _mask(column: ColumnProfile, rows: int) -> MaskSentinel:
    return MaskSentinel(
        kind="mask_sentinel",
        column=column.name,
        values=tuple(sentinel.value for sentinel in column.sentinels),
        why=_explain(column, rows),
        confidence=MEASURED["sentinel"],
        rule="sentinel",
    )


def _explain(column: ColumnProfile, rows: int) -> str:
    low, high = (0 if column.numbers is None else bound or 0 for bound in _bounds(column))
    others = rows - column.missing
    lie, between = plural_verb(others, "lies", "lie"), f"between {number(low)} and {number(high)}"
    stand = f"{_values(column)} {plural_verb(len(column.sentinels), 'is', 'are')} often written for “not known”"
    return f"The other {count(others, 'known value')} {lie} {between}, far away, and {stand}."


def _bounds(column: ColumnProfile) -> tuple[float | None, float | None]:
    return (None, None) if column.numbers is None else (column.numbers.minimum, column.numbers.maximum)


def _flag(column: ColumnProfile) -> Flag:
    cells = sum(sentinel.count for sentinel in column.sentinels)
    stay = plural_verb(cells, "stays", "stay")
    says = plural_verb(cells, "says", "say")
    why = (
        f"{quoted(column.name)} is the target: its {count(cells, 'cell')} that {says} {_values(column)} {stay}, "
        "though that probably means missing; leave out those rows before training."
    )
    return Flag(kind="flag", phase="cleaning", column=column.name, why=why, confidence=0.8, rule="target_sentinel")


def _values(column: ColumnProfile) -> str:
    return listing(number(sentinel.value) for sentinel in column.sentinels)
