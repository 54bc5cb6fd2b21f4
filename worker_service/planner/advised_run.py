"""Preparation with the advice of a language model, which falls back to the rules if the advice does not fit."""

import re
from collections.abc import Sequence
from typing import Any

from worker_service.core.humanize import count, listing, plural_verb, quoted
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import Outcome
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import Flag
from worker_service.core.reporting.report import write_report
from worker_service.planner.ai.accepted import accepted_target, reprofile
from worker_service.planner.ai.advisor import AdviceResult, CallRecord
from worker_service.planner.ai.review import review_facts, review_steps
from worker_service.planner.context import PlanContext
from worker_service.planner.privacy import PrivateTable
from worker_service.planner.propose import compose, propose, propose_steps

AUTHOR = "Gemini"


def prepare_with_advice(facts: Profile, table: PrivateTable, advice_result: AdviceResult) -> tuple[Profile, Outcome]:
    """Return the profile and the outcome of a recipe that includes the accepted advice.

    If a step from the advice can't be applied to the table, all of the advice is dropped and the rules decide alone.

    Args:
        facts: the profile that the rules use.
        table: the decoded table with what the uploader chose.
        advice_result: what the model advised and what its calls cost.
    """
    notes = call_notes(advice_result)
    if advice_result.advice is None:
        return facts, table.apply(propose(facts, table.options, notes=notes, hidden=table.steps))
    accepted = review_facts(advice_result.advice, facts, table.frame, author=AUTHOR)
    advised_facts = reprofile(table, accepted) if accepted.changes_facts else facts
    target = accepted_target(advised_facts, accepted)
    context = PlanContext.of(advised_facts, table.options, target=target, hidden=table.steps)
    proposed = propose_steps(context)
    steps = review_steps(advice_result.advice, accepted, advised_facts, table.frame, proposed, author=AUTHOR)
    recipe = compose(context, [*notes, *steps, *accepted.suggestions])
    outcome = table.apply(recipe)
    failed = [result for result in outcome.results if result.rule == "gemini" and result.state == "skipped"]
    if not failed:
        return advised_facts, outcome
    names = listing(quoted(name) for name in dict.fromkeys(result.columns[0] for result in failed if result.columns))
    note = _note(f"The advice of {AUTHOR} did not fit the table ({names}), so the rules decided alone.")
    return facts, table.apply(propose(facts, table.options, notes=[*notes, note], hidden=table.steps))


def ai_summary(advice_result: AdviceResult, outcome: Outcome) -> dict[str, Any]:
    """Return the part that AI had in a run, for the run's row: if it was used, a sentence, and its calls."""
    applied = sum(result.rule == "gemini" and result.state == "applied" for result in outcome.results)
    suggested = sum(result.rule == "gemini_suggestion" for result in outcome.results)
    follow = plural_verb(applied, "follows", "follow")
    summary = f"{AUTHOR} was asked {_times(len(advice_result.calls))}; {count(applied, 'step')} {follow} its advice"
    note = advice_result.why or f"{summary}, {count(suggested, 'proposal')} stayed a suggestion"
    return {
        "used": advice_result.used,
        "note": f"{note}.",
        "calls": [call.model_dump(mode="json") for call in advice_result.calls],
    }


def _times(calls: int) -> str:
    return {1: "once", 2: "twice"}.get(calls, f"{calls} times")


def compose_report(facts: Profile, recipe: Recipe, outcome: Outcome, advice_result: AdviceResult) -> dict[str, Any]:
    """Return the three texts of a deep run's report: the model's, if it wrote any, and the measured evidence."""
    evidence = write_report(facts, recipe, outcome)
    cost = "\n".join(f"- {note.why}" for note in call_notes(advice_result))
    texts = {**evidence.model_dump(), "mode": advice_result.mode, "author": "template"}
    texts["reasoning"] = f"{texts['reasoning']}\n\n## AI\n\n{cost}"
    if advice_result.report is None:
        return texts
    narrative = advice_result.report
    numbered = "\n".join(f"{number}. {_plain(line)}" for number, line in enumerate(narrative.recommendations, start=1))
    return {
        **texts,
        "reasoning": f"## In the words of {AUTHOR}\n\n{_plain(narrative.reasoning)}\n\n{texts['reasoning']}",
        "summary": f"## In the words of {AUTHOR}\n\n{_plain(narrative.summary)}\n\n{texts['summary']}",
        "recommendations": f"## {AUTHOR} recommends\n\n{numbered}\n\n{texts['recommendations']}",
        "author": advice_result.calls[0].model,
    }


def _plain(text: str) -> str:
    """Return the model's text as paragraphs, without markup, links and images."""
    printable = "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
    return re.sub(r"[<>`\[\]|]|^#+\s*", "", printable, flags=re.MULTILINE).strip()


def call_notes(advice_result: AdviceResult) -> list[Flag]:
    """Return notes for the log about each call and its cost, or about why there was no call."""
    if not advice_result.calls:
        return [_note(f"{advice_result.why}.")]
    notes = [_note(_call_sentence(call)) for call in advice_result.calls]
    return notes if not advice_result.why else [*notes, _note(f"{advice_result.why}.")]


def _call_sentence(call: CallRecord) -> str:
    about = f" about {_columns(call.columns)}" if call.columns else ""
    took = f"{call.outcome.replace('_', ' ')} after {call.seconds:.1f} s"
    tokens = f"{count(call.prompt_tokens, 'token')} asked, {call.answer_tokens:,} answered"
    tried = f" in {call.attempts} attempts" if call.attempts > 1 else ""
    return f"Asked {call.model}{about}: {took}{tried}, {tokens}. {call.detail}".strip()


def _columns(names: Sequence[str]) -> str:
    return listing(quoted(name) for name in names)


def _note(why: str) -> Flag:
    return Flag(kind="flag", phase="cleaning", column=None, why=why, confidence=1.0, rule="gemini_call")
