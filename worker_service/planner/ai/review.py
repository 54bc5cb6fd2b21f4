"""Review of a language model's proposals: supported ones are carried out, the others become suggestions.

`review_facts` reviews the proposals about columns, which may change the profile. `review_steps` then reviews those
about the steps that the rules propose for that profile. One function reviews each kind of proposal.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from worker_service.core.columns.column_profile import ColumnProfile
from worker_service.core.humanize import listing, quoted
from worker_service.core.profile import Profile
from worker_service.core.recipe.steps import AnyStep, Flag, MaskSentinel, ReadColumn
from worker_service.core.table.frame import Frame
from worker_service.planner.ai.accepted import AcceptedAdvice
from worker_service.planner.ai.advice import Advice
from worker_service.planner.ai.checks import format_bound, quote_reason
from worker_service.planner.ai.fact_reviews import (
    FactReview,
    review_codes,
    review_merge,
    review_target,
    review_type,
    review_units,
)
from worker_service.planner.ai.prompt import Ids
from worker_service.planner.ai.step_reviews import (
    StepReview,
    review_bounds,
    review_fill,
    review_order,
    review_ratio,
)

_PREDICT = "predict it"
Judge = Callable[[ColumnProfile], str | None]
"""Accepts a proposal about a column and returns None, or returns why it is refused."""


@dataclass(frozen=True)
class _Proposal:
    """One proposal that is not yet reviewed."""

    column_id: str
    what: str
    """The proposal in a few words."""
    why: str
    judge: Judge


def review_facts(advice: Advice, facts: Profile, frame: Frame, *, author: str) -> AcceptedAdvice:
    """Return the proposals about columns that the data support, with the others as suggestions.

    Args:
        advice: everything that the model proposes.
        facts: the profile of the rules alone.
        frame: the decoded table.
        author: the name of the model in the log.
    """
    review = FactReview(facts=facts, frame=frame, author=author, accepted=AcceptedAdvice())
    for proposal in _fact_proposals(advice, review):
        _decide(proposal, facts, review.accepted, author=author)
    return review.accepted


def review_steps(
    advice: Advice, accepted: AcceptedAdvice, facts: Profile, frame: Frame, steps: list[AnyStep], *, author: str
) -> list[AnyStep]:
    """Return the steps of the rules, changed by the proposals about steps that the data support.

    Args:
        advice: everything that the model proposes.
        accepted: the result of `review_facts`; refused proposals are added to its suggestions.
        facts: the profile with the accepted advice.
        frame: the decoded table.
        steps: what the rules propose for this profile.
        author: the name of the model in the log.
    """
    review = StepReview(
        facts=facts, frame=frame, author=author, steps=[_with_sentence(step, accepted) for step in steps]
    )
    for proposal in _step_proposals(advice, review):
        _decide(proposal, facts, accepted, author=author)
    return review.steps


def _fact_proposals(advice: Advice, review: FactReview) -> Iterator[_Proposal]:
    if advice.target is not None:
        yield _Proposal(
            advice.target.column, _PREDICT, advice.target.why, partial(review_target, review, advice.target)
        )
    for correction in advice.types:
        what = f"read it as {correction.type}"
        yield _Proposal(correction.column, what, correction.why, partial(review_type, review, correction))
    for codes in advice.missing_codes:
        what = f"take {listing(quoted(value[:40]) for value in codes.values[:4])} for missing"
        yield _Proposal(codes.column, what, codes.why, partial(review_codes, review, codes))
    for merge in advice.merges:
        what = f"merge {listing(quoted(level[:40]) for level in merge.levels[:4])} into {quoted(merge.into[:40])}"
        yield _Proposal(merge.column, what, merge.why, partial(review_merge, review, merge))
    for conversion in advice.units:
        what = f"convert {listing(quoted(unit.unit) for unit in conversion.units[:4])} into one unit"
        yield _Proposal(conversion.column, what, conversion.why, partial(review_units, review, conversion))


def _step_proposals(advice: Advice, review: StepReview) -> Iterator[_Proposal]:
    for fill in advice.fills:
        yield _Proposal(fill.column, f"fill it with the {fill.method}", fill.why, partial(review_fill, review, fill))
    for bounds in advice.bounds:
        possible = f"{format_bound(bounds.lower, 'no end')} to {format_bound(bounds.upper, 'no end')}"
        what = f"take values outside of {possible} for impossible"
        yield _Proposal(bounds.column, what, bounds.why, partial(review_bounds, review, bounds))
    for order in advice.orders:
        what = f"order its levels as {listing(quoted(level[:40]) for level in order.order[:6])}"
        yield _Proposal(order.column, what, order.why, partial(review_order, review, order))
    for ratio in advice.ratios:
        what = "divide it by another column"
        yield _Proposal(ratio.numerator, what, ratio.why, partial(review_ratio, review, ratio))


def _decide(proposal: _Proposal, facts: Profile, accepted: AcceptedAdvice, *, author: str) -> None:
    """Review a proposal; if it is refused, add it to the suggestions."""
    name = Ids.of(facts).names.get(proposal.column_id)
    column = None if name is None else facts.by_name().get(name)
    if column is None:
        refusal: str | None = "there is no such column"
    elif column.name == facts.target.column and proposal.what != _PREDICT:
        refusal = "it is the target, which is never changed"
    else:
        refusal = proposal.judge(column)
    if refusal is None:
        return
    subject = "a column that is not there" if column is None else quoted(column.name)
    suggestion = f"{author} suggests for {subject}: {proposal.what}. {quote_reason(proposal.why)}"
    accepted.suggestions.append(
        Flag(
            kind="flag",
            phase="cleaning",
            column=None if column is None else column.name,
            why=f"{suggestion} It was not done, because {refusal}.",
            confidence=0.3,
            rule="gemini_suggestion",
        )
    )


def _with_sentence(step: AnyStep, accepted: AcceptedAdvice) -> AnyStep:
    """Return the step with the model's sentence if it follows from accepted advice, else unchanged."""
    follows_from = {
        "codes": isinstance(step, MaskSentinel) or (isinstance(step, ReadColumn) and step.read_as.kind == "text"),
        "type": isinstance(step, ReadColumn),
        "synonyms": step.kind == "merge_levels",
    }
    column = getattr(step, "column", None)
    keys = [(kind, column) for kind, follows in follows_from.items() if follows]
    sentences = [accepted.sentences[key] for key in keys if key in accepted.sentences]
    if not sentences:
        return step
    return step.model_copy(update={"why": " ".join(sentences), "rule": "gemini", "confidence": 0.75})
