"""Rule for dependencies between columns: what the other columns agree on is corrected, the rest is flagged."""

from collections.abc import Iterator

from worker_service.core.humanize import count, listing, percent, plural_verb, quoted
from worker_service.core.recipe.steps import AnyStep, Flag, RepairByDependency
from worker_service.core.recipe.steps.repair_by_dependency import Repair
from worker_service.core.relations.corrections import FEWEST_VOTES
from worker_service.core.relations.dependencies import Dependency, Violation
from worker_service.core.relations.determinants import SAMPLE_ROWS
from worker_service.core.relations.moment_order import MomentOrder
from worker_service.core.relations.swapped_values import Swap
from worker_service.planner.context import PlanContext
from worker_service.planner.rules.measured_confidence import MEASURED

MIN_AGREEMENT = 0.97
"""The least agreement of a dependency whose violations are flagged."""
MAX_FLAGS = 10


def propose_repairs(context: PlanContext) -> list[AnyStep]:
    """Propose to correct what the other columns agree on and flag other contradictions, except in the target."""
    profile, target = context.profile, context.target.column
    rules = [rule for rule in profile.dependencies if target not in (rule.determinant, rule.dependent)]
    repairs = [_repair(rule, profile.rows) for rule in rules if rule.corrections]
    swaps = [_flag_swap(swap) for swap in profile.swaps[:MAX_FLAGS]]
    orders = [_flag_order(order) for order in profile.moment_orders[:MAX_FLAGS]]
    return [*repairs, *list(_flags(rules))[:MAX_FLAGS], *swaps, *orders]


def _repair(rule: Dependency, rows: int) -> RepairByDependency:
    sample = f" of a sample of {SAMPLE_ROWS:,}" if rows > SAMPLE_ROWS else ""
    why = (
        f"{percent(rule.agreement)} of {count(rule.rows, 'row')}{sample} have the usual value beside their "
        f"{quoted(rule.determinant)}. Each of these is a misspelling of it, a value that occurs nowhere else, or "
        f"outvoted by {FEWEST_VOTES} columns, and no other column speaks for it."
    )
    return RepairByDependency(
        kind="repair_by_dependency",
        column=rule.dependent,
        determinant=rule.determinant,
        repairs=tuple(
            Repair(given=correction.given, before=correction.before, after=correction.after)
            for correction in rule.corrections
        ),
        why=why,
        confidence=MEASURED["dependency"],
        rule="dependency",
    )


def _flags(rules: list[Dependency]) -> Iterator[Flag]:
    for rule in rules:
        if rule.agreement >= MIN_AGREEMENT and rule.uncorrected:
            yield _flag(rule, rule.uncorrected)


def _flag(rule: Dependency, rows: int) -> Flag:
    examples = listing(_describe(example) for example in rule.examples)
    such_as = "" if rows == len(rule.examples) else "such as "
    why = (
        f"{_agreement(rule)} {count(rows, 'row')} {plural_verb(rows, 'contradicts', 'contradict')} that and "
        f"{plural_verb(rows, 'was', 'were')} left as {plural_verb(rows, 'it is', 'they are')}: {such_as}{examples}."
    )
    return Flag(
        kind="flag", phase="cleaning", column=rule.dependent, why=why, confidence=0.8, rule="dependency_violation"
    )


def _flag_swap(swap: Swap) -> Flag:
    such_as = "" if swap.rows == len(swap.examples) else "such as "
    rows = listing(f"row {row:,}" for row in swap.examples)
    why = (
        f"{quoted(swap.first)} and {quoted(swap.second)} seem to be swapped in {count(swap.rows, 'row')} "
        f"({such_as}{rows}): each value belongs to the other column. "
        f"{plural_verb(swap.rows, 'It was', 'They were')} left as {plural_verb(swap.rows, 'it is', 'they are')}."
    )
    return Flag(kind="flag", phase="cleaning", column=swap.first, why=why, confidence=0.8, rule="swapped_values")


def _flag_order(order: MomentOrder) -> Flag:
    such_as = "" if order.broken == len(order.examples) else "such as "
    rows = listing(f"row {row:,}" for row in order.examples)
    why = (
        f"{quoted(order.later)} is before {quoted(order.earlier)} in {count(order.broken, 'row')} ({such_as}{rows}) "
        f"and after it in nearly all of {count(order.rows, 'row')}. Either may be wrong, so both were left as they are."
    )
    return Flag(kind="flag", phase="cleaning", column=order.later, why=why, confidence=0.8, rule="moment_order")


def _agreement(rule: Dependency) -> str:
    return (
        f"{quoted(rule.determinant)} says what {quoted(rule.dependent)} is: {percent(rule.agreement)} of "
        f"{count(rule.rows, 'row')} have the usual value beside theirs."
    )


def _describe(example: Violation) -> str:
    return (
        f"row {example.row:,} ({quoted(example.given)} with {quoted(example.actual)}, usually {quoted(example.usual)})"
    )
