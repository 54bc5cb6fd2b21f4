"""A preparation with a language model's advice: never worse than the one without."""

import re
from collections.abc import Sequence
from typing import Any

from shared.contracts.run_options import RunOptions
from worker_service.core.humanize import count, listing, plural_verb, quoted
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import Flag
from worker_service.core.reporting.report import write_report
from worker_service.core.table.frame import Frame
from worker_service.planner.ai.accepted import accepted_target, reprofile
from worker_service.planner.ai.advisor import AdviceResult, CallRecord
from worker_service.planner.ai.review import review_facts, review_steps
from worker_service.planner.context import PlanContext
from worker_service.planner.propose import compose, propose, propose_steps

AUTHOR = "Gemini"


def prepare_with_advice(
    facts: Profile, frame: Frame, options: RunOptions, consulted: AdviceResult
) -> tuple[Profile, Outcome]:
    """Return the facts and the outcome with what stands of the advice.

    If a step that comes of the advice turns out not to fit the table, the whole advice becomes a suggestion.
    """
    notes = call_notes(consulted)
    if consulted.advice is None:
        return facts, apply(propose(facts, options, notes=notes), frame)
    accepted = review_facts(consulted.advice, facts, frame, author=AUTHOR)
    described = reprofile(frame, accepted, options) if accepted.changes_facts else facts
    context = PlanContext.of(described, options, target=accepted_target(described, accepted))
    steps = review_steps(consulted.advice, accepted, described, frame, propose_steps(context), author=AUTHOR)
    recipe = compose(context, [*notes, *steps, *accepted.suggestions])
    outcome = apply(recipe, frame)
    failed = [result for result in outcome.results if result.rule == "gemini" and result.state == "skipped"]
    if not failed:
        return described, outcome
    names = listing(quoted(name) for name in dict.fromkeys(result.columns[0] for result in failed if result.columns))
    note = _note(f"The advice of {AUTHOR} did not fit the table ({names}), so the rules decided alone.")
    return facts, apply(propose(facts, options, notes=[*notes, note]), frame)


def ai_summary(consulted: AdviceResult, outcome: Outcome) -> dict[str, Any]:
    """What part AI had, for the run's row: whether it was used, in a sentence, and what it cost."""
    done = sum(result.rule == "gemini" and result.state == "applied" for result in outcome.results)
    suggested = sum(result.rule == "gemini_suggestion" for result in outcome.results)
    follow = plural_verb(done, "follows", "follow")
    summary = f"{AUTHOR} was asked {_times(len(consulted.calls))}; {count(done, 'step')} {follow} its advice"
    note = consulted.why or f"{summary}, {count(suggested, 'proposal')} stayed a suggestion"
    return {
        "used": consulted.used,
        "note": f"{note}.",
        "calls": [call.model_dump(mode="json") for call in consulted.calls],
    }


def _times(calls: int) -> str:
    return {1: "once", 2: "twice"}.get(calls, f"{calls} times")


def compose_report(facts: Profile, recipe: Recipe, outcome: Outcome, consulted: AdviceResult) -> dict[str, Any]:
    """The three texts of a deep run: the model's words where there are any, and always the evidence."""
    evidence = write_report(facts, recipe, outcome)
    cost = "\n".join(f"- {note.why}" for note in call_notes(consulted))
    texts = {**evidence.model_dump(), "mode": consulted.mode, "author": "template"}
    texts["reasoning"] = f"{texts['reasoning']}\n\n## AI\n\n{cost}"
    if consulted.report is None:
        return texts
    words = consulted.report
    numbered = "\n".join(f"{number}. {_plain(line)}" for number, line in enumerate(words.recommendations, start=1))
    return {
        **texts,
        "reasoning": f"## In the words of {AUTHOR}\n\n{_plain(words.reasoning)}\n\n{texts['reasoning']}",
        "summary": f"## In the words of {AUTHOR}\n\n{_plain(words.summary)}\n\n{texts['summary']}",
        "recommendations": f"## {AUTHOR} recommends\n\n{numbered}\n\n{texts['recommendations']}",
        "author": consulted.calls[0].model,
    }


def _plain(text: str) -> str:
    """The model's words as paragraphs, without anything that a page could take for markup, a link or a picture."""
    kept = "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
    return re.sub(r"[<>`\[\]|]|^#+\s*", "", kept, flags=re.MULTILINE).strip()


def call_notes(consulted: AdviceResult) -> list[Flag]:
    """What was asked and what it cost, for the log; in words where nobody was asked."""
    if not consulted.calls:
        return [_note(f"{consulted.why}.")]
    calls = [_note(_call_sentence(call)) for call in consulted.calls]
    return calls if not consulted.why else [*calls, _note(f"{consulted.why}.")]


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
