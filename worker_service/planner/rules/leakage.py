"""Rule for leaks: columns that give the target away are flagged."""

from worker_service.core.humanize import count, percent, quoted
from worker_service.core.recipe.steps import Flag
from worker_service.core.relations.leakage import Leak
from worker_service.planner.context import PlanContext


def propose_leaks(context: PlanContext) -> list[Flag]:
    """Flag each leak; a person must decide, because a column may be known when a prediction is made."""
    target = context.target.column
    return [] if target is None else [_flag(leak, target) for leak in context.profile.leaks]


def _flag(leak: Leak, target: str) -> Flag:
    score = f"explains {percent(leak.score)} of {quoted(target)} on {count(leak.rows, 'sampled row')}"
    if leak.kind == "predicts":
        why = f"{quoted(leak.column)} alone {score}: it may give the target away."
    else:
        why = f"The name {quoted(leak.column)} sounds like something known only afterwards, and it {score}."
    return Flag(
        kind="flag",
        phase="features",
        column=leak.column,
        why=f"{why} If it is not known when a prediction is made, leave it out: it would be a leak.",
        confidence=0.9 if leak.kind == "predicts" else 0.6,
        rule="leak",
    )
