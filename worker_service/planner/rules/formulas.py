"""Rule for sums and products: a number that alone can be the wrong one of its row is corrected."""

from collections.abc import Iterator, Sequence

from worker_service.core.humanize import count, percent, plural_verb
from worker_service.core.recipe.steps import AnyStep, RepairByFormula
from worker_service.core.relations.formulas import FormulaFacts
from worker_service.planner.context import PlanContext
from worker_service.planner.rules.measured_confidence import MEASURED


def propose_formula_repairs(context: PlanContext) -> Iterator[AnyStep]:
    """Propose to correct what breaks formulas, those that share columns together."""
    facts = context.profile.by_name()
    for group in _connected(context.profile.formulas):
        broken = max(fact.broken for fact in group)
        if not broken:
            continue
        formulas = tuple(fact.formula for fact in group)
        names = dict.fromkeys(name for formula in formulas for name in formula.columns)
        numbers = [facts[name].numbers for name in names]
        rows = max(fact.rows for fact in group)
        why = (
            f"{percent(1 - broken / rows)} of {count(rows, 'row')} agree with that. Of the {count(broken, 'row')} that "
            f"{plural_verb(broken, 'breaks', 'break')} it, those change of which a single number, mistyped or "
            "contradicted twice, explains it."
        )
        yield RepairByFormula(
            kind="repair_by_formula",
            formulas=formulas,
            decimals=tuple(summary.decimals or 0 if summary is not None else 0 for summary in numbers),
            why=why,
            confidence=MEASURED["formula"],
            rule="formula",
        )


def _connected(facts: Sequence[FormulaFacts]) -> list[list[FormulaFacts]]:
    """Return the formulas in groups that share columns."""
    groups: list[list[FormulaFacts]] = []
    for fact in facts:
        touching = [
            group for group in groups if any(set(fact.formula.columns) & set(of.formula.columns) for of in group)
        ]
        merged = [fact for group in touching for fact in group] + [fact]
        groups = [group for group in groups if group not in touching] + [merged]
    return groups
