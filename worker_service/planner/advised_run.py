"""A preparation with a language model's advice: never worse than the one without."""

import re
from collections.abc import Sequence
from typing import Any

from worker_service.core.humanize import count, listing, plural_verb, quoted
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import Flag
from worker_service.core.reporting.report import write_report
from worker_service.core.table.frame import Frame
from worker_service.planner.ai.accepted import reprofiled
from worker_service.planner.ai.advisor import Advised, CallRecord
from worker_service.planner.ai.review import Counsel
from worker_service.planner.options import Options
from worker_service.planner.propose import propose

AUTHOR = "Gemini"


def prepare_with(
    facts: Profile, frame: Frame, options: Options, advised: Advised, *, target: str | None, types: dict[str, Any]
) -> tuple[Profile, Outcome]:
    """The facts and the outcome with what stands of the advice.

    If a step that comes of the advice turns out not to fit the table, the whole advice becomes a suggestion.
    """
    notes = call_notes(advised)
    if advised.advice is None:
        return facts, apply(propose(facts, options, notes=notes), frame)
    counsel = Counsel(advised.advice, facts, frame, author=AUTHOR)
    described = facts
    if counsel.weighed.changes_facts:
        described = reprofiled(frame, counsel.weighed, target=target, types=types)
    outcome = apply(propose(described, options, counsel=counsel, notes=notes), frame)
    failed = [result for result in outcome.results if result.source == "gemini" and result.state == "skipped"]
    if not failed:
        return described, outcome
    names = listing(quoted(name) for name in dict.fromkeys(result.columns[0] for result in failed if result.columns))
    note = _note(f"The advice of {AUTHOR} did not fit the table ({names}), so the rules decided alone.")
    return facts, apply(propose(facts, options, notes=[*notes, note]), frame)


def ai_summary(advised: Advised, outcome: Outcome) -> dict[str, Any]:
    """What part AI had, for the run's row: whether it was used, in a sentence, and what it cost."""
    done = sum(result.source == "gemini" and result.state == "applied" for result in outcome.results)
    suggested = sum(result.source == "gemini_suggestion" for result in outcome.results)
    follow = plural_verb(done, "follows", "follow")
    told = f"{AUTHOR} was asked {_times(len(advised.calls))}; {count(done, 'step')} {follow} its advice"
    note = advised.reason or f"{told}, {count(suggested, 'proposal')} stayed a suggestion"
    return {
        "used": advised.used,
        "note": f"{note}.",
        "calls": [call.model_dump(mode="json") for call in advised.calls],
    }


def _times(calls: int) -> str:
    return {1: "once", 2: "twice"}.get(calls, f"{calls} times")


def compose_report(facts: Profile, recipe: Recipe, outcome: Outcome, advised: Advised) -> dict[str, Any]:
    """The three texts of a deep run: the model's words where there are any, and always the evidence."""
    evidence = write_report(facts, recipe, outcome)
    cost = "\n".join(f"- {note.why}" for note in call_notes(advised))
    told = {**evidence.model_dump(), "mode": advised.mode, "author": "template"}
    told["reasoning"] = f"{told['reasoning']}\n\n## AI\n\n{cost}"
    if advised.report is None:
        return told
    words = advised.report
    numbered = "\n".join(f"{place}. {_plain(line)}" for place, line in enumerate(words.recommendations, start=1))
    return {
        **told,
        "reasoning": f"## In the words of {AUTHOR}\n\n{_plain(words.reasoning)}\n\n{told['reasoning']}",
        "summary": f"## In the words of {AUTHOR}\n\n{_plain(words.summary)}\n\n{told['summary']}",
        "recommendations": f"## {AUTHOR} recommends\n\n{numbered}\n\n{told['recommendations']}",
        "author": advised.calls[0].model,
    }


def _plain(text: str) -> str:
    """The model's words as paragraphs, without anything that a page could take for markup, a link or a picture."""
    kept = "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
    return re.sub(r"[<>`\[\]|]|^#+\s*", "", kept, flags=re.MULTILINE).strip()


def call_notes(advised: Advised) -> list[Flag]:
    """What was asked and what it cost, for the log; in words where nobody was asked."""
    if not advised.calls:
        return [_note(f"{advised.reason}.")]
    calls = [_note(_told(call)) for call in advised.calls]
    return calls if not advised.reason else [*calls, _note(f"{advised.reason}.")]


def _told(call: CallRecord) -> str:
    about = f" about {_columns(call.columns)}" if call.columns else ""
    took = f"{call.outcome.replace('_', ' ')} after {call.seconds:.1f} s"
    tokens = f"{count(call.prompt_tokens, 'token')} asked, {call.answer_tokens:,} answered"
    tried = f" in {call.attempts} attempts" if call.attempts > 1 else ""
    return f"Asked {call.model}{about}: {took}{tried}, {tokens}. {call.detail}".strip()


def _columns(names: Sequence[str]) -> str:
    return listing(quoted(name) for name in names)


def _note(why: str) -> Flag:
    return Flag(kind="flag", phase="cleaning", column=None, why=why, confidence=1.0, source="gemini_call")
