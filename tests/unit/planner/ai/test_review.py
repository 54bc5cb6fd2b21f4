"""Tests of the review: supported proposals are carried out, others become suggestions, and none does harm."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from tests.unit.planner.ai.injections import INJECTIONS
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.ledger import undo
from worker_service.core.table.canonical_text import render_table
from worker_service.core.table.frame import Frame
from worker_service.planner.advised_run import prepare_with_advice
from worker_service.planner.ai.advice import NO_ADVICE, Advice
from worker_service.planner.ai.advisor import AdviceResult, CallRecord, not_asked
from worker_service.planner.ai.prompt import compose_questions, mask
from worker_service.planner.privacy import hide_personal_data
from worker_service.planner.propose import propose

ROWS = 400
RNG = np.random.default_rng(12)
CALL = CallRecord(
    model="m", outcome="answered", attempts=1, seconds=1.0, prompt_tokens=9, answer_tokens=5, detail="", columns=()
)


def table() -> dict[str, Any]:
    pressure = RNG.normal(75, 9, ROWS).round().astype(int)
    pressure[RNG.random(ROWS) < 0.04] = 0
    insulin = np.where(RNG.random(ROWS) < 0.4, 0, RNG.lognormal(4.8, 0.6, ROWS).round() + 14).astype(int)
    satisfied = RNG.choice([1, 2, 3, 4, 5], ROWS, p=[0.1, 0.2, 0.3, 0.3, 0.1])
    satisfied[:25] = 9
    age = RNG.normal(44, 12, ROWS).round().clip(18, 90).astype(int)
    age[5] = 199
    return {
        "blood_pressure": [str(value) for value in pressure],
        "insulin": [str(value) for value in insulin],
        "satisfied": [str(value) for value in satisfied],
        "age": [str(value) for value in age],
        "country": RNG.choice(["United States", "USA", "Canada"], ROWS, p=[0.7, 0.1, 0.2]).tolist(),
        "shade": RNG.choice(["pale", "rosy", "crimson"], ROWS).tolist(),
        "free": RNG.choice([0, 0, 0, 1, 2, 3], ROWS).astype(str).tolist(),
        "answer": RNG.choice(["yes please", "maybe later", "not stated"], ROWS, p=[0.5, 0.4, 0.1]).tolist(),
    }


def advised(advice: Advice, *, mode: Any = "smart") -> AdviceResult:
    return AdviceResult(mode=mode, advice=advice, report=None, calls=(CALL,), why="")


def prepare_both(columns: dict[str, Any], advice: Advice, target: str | None = None) -> tuple[Outcome, Outcome]:
    """Return the outcome of the rules alone, and that with advice."""
    frame = Frame.from_table(pa.table(columns))
    # A table of these columns has no target unless a test names one.
    facts = profile(frame, target=target or "none")
    fast = apply(propose(facts, RunOptions()), frame)
    table = hide_personal_data(frame, RunOptions(mode="smart", target=target or "none"))
    _, done = prepare_with_advice(facts, table, advised(advice))
    assert undo(done.changes, done.cleaned.to_table()).equals(render_table(frame.to_table()))
    return fast, done


def advice(**kinds: Any) -> Advice:
    return Advice.model_validate({**NO_ADVICE.model_dump(), **kinds})


def suggestions(outcome: Outcome) -> list[str]:
    return [result.why for result in outcome.results if result.rule == "gemini_suggestion"]


def with_reason(**fields: Any) -> dict[str, Any]:
    return {"why": "It is known.", **fields}


def test_codes_that_stand_apart_are_taken_for_missing() -> None:
    columns = table()
    codes = [
        with_reason(column="c1", values=["0"]),
        with_reason(column="c2", values=["0"]),
        with_reason(column="c3", values=["9"]),
        with_reason(column="c8", values=["not stated"]),
    ]
    fast, done = prepare_both(columns, advice(missing_codes=codes))
    for name, code in (("blood_pressure", "0"), ("insulin", "0"), ("satisfied", "9")):
        coded = np.array(columns[name]) == code
        assert (fast.cleaned[name].numbers()[coded] == float(code)).all()
        assert not (done.cleaned[name].numbers()[coded] == float(code)).any()
        assert done.cleaned[name].numbers()[~coded].tolist() == [
            float(value) for value in np.array(columns[name])[~coded]
        ]
    assert "not stated" not in set(done.cleaned["answer"].array.to_pylist())
    assert suggestions(done) == []
    accepted = [result for result in done.results if result.rule == "gemini"]
    assert all("Gemini: “It is known.”" in result.why for result in accepted)
    assert len(accepted) == 4


@pytest.mark.parametrize(
    ("proposal", "why"),
    [
        ({"missing_codes": [with_reason(column="c7", values=["0"])]}, "no further from the other values"),
        ({"missing_codes": [with_reason(column="c4", values=["40"])]}, "lies among the other values"),
        ({"missing_codes": [with_reason(column="c5", values=["Canada"])]}, "does not say that something is missing"),
        ({"missing_codes": [with_reason(column="c4", values=["12345"])]}, "does not hold them"),
        ({"missing_codes": [with_reason(column="c99", values=["0"])]}, "there is no such column"),
        ({"merges": [with_reason(column="c5", into="United States", levels=["Canada"])]}, "nothing in “Canada” shows"),
        ({"merges": [with_reason(column="c5", into="Mars", levels=["USA"])]}, "none of its levels"),
        ({"merges": [with_reason(column="c6", into="pale", levels=["rosy"])]}, "too frequent"),
        ({"bounds": [with_reason(column="c4", lower=40, upper=50, strategy="cap")]}, "too many to be impossible"),
        ({"bounds": [with_reason(column="c4", lower=0, upper=300, strategy="cap")]}, "no value lies outside"),
        ({"bounds": [with_reason(column="c5", lower=0, upper=3, strategy="cap")]}, "holds no quantities"),
        ({"orders": [with_reason(column="c6", order=["pale", "rosy"])]}, "exactly the levels"),
        ({"types": [with_reason(column="c4", type="identifier")]}, "of its values are different"),
        ({"types": [with_reason(column="c5", type="integer")]}, "would not fit"),
        ({"target": with_reason(column="c6")}, "hardly predict it"),
        ({"ratios": [with_reason(numerator="c4", denominator="c1")]}, "is 0 somewhere"),
        ({"ratios": [with_reason(numerator="c4", denominator="c7")]}, "columns of quantities"),
        ({"fills": [with_reason(column="c4", method="median", by=None)]}, "nothing to measure it by"),
    ],
)
def test_what_the_data_do_not_support_is_told_and_changes_nothing(proposal: dict[str, Any], why: str) -> None:
    fast, done = prepare_both(table(), advice(**proposal))
    assert done.cleaned.equals(fast.cleaned)
    assert done.engineered.equals(fast.engineered)
    [suggestion] = suggestions(done)
    assert why in suggestion
    assert "“It is known.” It was not done, because" in suggestion


def test_impossible_values_go_and_orders_and_meanings_stand() -> None:
    columns = table()
    proposal = advice(
        bounds=[with_reason(column="c4", lower=0, upper=120, strategy="null")],
        orders=[with_reason(column="c6", order=["pale", "rosy", "crimson"])],
        merges=[with_reason(column="c5", into="United States", levels=["USA"])],
    )
    _, done = prepare_both(columns, proposal)
    assert done.cleaned["age"].array[5].as_py() is None
    assert set(done.cleaned["country"].array.to_pylist()) == {"United States", "Canada"}
    assert "country_USA" not in done.engineered
    codes = dict(zip(columns["shade"], done.engineered["shade"].numbers(), strict=True))
    assert codes["pale"] < codes["rosy"] < codes["crimson"]
    assert suggestions(done) == []


def test_a_bound_puts_no_guess_into_the_cleaned_table() -> None:
    proposal = advice(bounds=[with_reason(column="c4", lower=0, upper=120, strategy="cap")])
    _, done = prepare_both(table(), proposal)
    assert done.cleaned["age"].array[5].as_py() == 199
    assert done.recipe.steps
    (step,) = (step for step in done.recipe.steps if step.rule == "gemini")
    assert (step.kind, getattr(step, "table", "")) == ("treat_outliers", "engineered")


def test_units_are_converted_where_they_then_agree() -> None:
    kilograms = RNG.normal(75, 9, ROWS).round(1)
    pounds = RNG.random(ROWS) < 0.3
    columns = {
        "weight": [
            f"{weight / 0.45359237:.1f} lb" if in_pounds else f"{weight} kg"
            for weight, in_pounds in zip(kilograms, pounds, strict=True)
        ],
        "x": RNG.normal(0, 1, ROWS),
    }
    right = [{"unit": "kg", "factor": 1.0}, {"unit": "lb", "factor": 0.45359237}]
    _, done = prepare_both(columns, advice(units=[with_reason(column="c1", units=right)]))
    assert np.abs(done.cleaned["weight"].numbers() - kilograms).max() < 0.05
    assert "weight" in done.engineered
    wrong = [{"unit": "kg", "factor": 1.0}, {"unit": "lb", "factor": 2.2}]
    fast, done = prepare_both(columns, advice(units=[with_reason(column="c1", units=wrong)]))
    assert done.cleaned.equals(fast.cleaned)
    assert "would not lie around the same middle" in suggestions(done)[0]


def test_the_target_is_left_alone() -> None:
    proposal = advice(
        missing_codes=[with_reason(column="c1", values=["0"])],
        bounds=[with_reason(column="c1", lower=50, upper=100, strategy="cap")],
        types=[with_reason(column="c1", type="text")],
    )
    fast, done = prepare_both(table(), proposal, target="blood_pressure")
    assert done.cleaned.equals(fast.cleaned)
    assert len([suggestion for suggestion in suggestions(done) if "it is the target" in suggestion]) == 3


GULLIBLE = advice(
    types=[with_reason(column=f"c{position}", type="identifier") for position in range(1, 5)],
    missing_codes=[with_reason(column=f"c{position}", values=["1", "2", "40", "a", "b"]) for position in range(1, 5)],
    merges=[with_reason(column="c3", into="a", levels=["b", "c"])],
    bounds=[with_reason(column=f"c{position}", lower=1e9, upper=2e9, strategy="null") for position in range(1, 5)],
    orders=[with_reason(column="c3", order=["c", "c", "c"])],
    ratios=[with_reason(numerator="c1", denominator="c1")],
    target=with_reason(column="c4"),
)
"""The answer of a model that follows instructions in cells."""


@pytest.mark.parametrize("location", ["header", "cells"])
@pytest.mark.parametrize("text", INJECTIONS)
def test_instructions_in_a_table_are_inert(text: str, location: str) -> None:
    random = np.random.default_rng(3)
    columns: dict[str, Any] = {
        "x": random.normal(50, 9, 120).round(1).astype(str).tolist(),
        "y": random.integers(30, 90, 120).astype(str).tolist(),
        "kind": random.choice(["a", "b", "c"], 120).tolist(),
        (text if location == "header" else "note"): [text if location == "cells" else "n"] * 60 + ["other"] * 60,
    }
    answer = GULLIBLE.model_dump()
    for proposals in answer.values():
        for proposal in proposals if isinstance(proposals, list) else [proposals]:
            proposal["why"] = text
    fast, done = prepare_both(columns, Advice.model_validate(answer))
    assert done.cleaned.equals(fast.cleaned)
    assert done.engineered.equals(fast.engineered)
    injected = [suggestion for suggestion in suggestions(done) if text in suggestion]
    assert all("<" not in suggestion.split("“", 1)[1] or location == "header" for suggestion in injected)


def test_nobody_asked_is_as_fast() -> None:
    frame = Frame.from_table(pa.table(table()))
    facts = profile(frame)
    fast = apply(propose(facts, RunOptions()), frame)
    _, done = prepare_with_advice(facts, hide_personal_data(frame, RunOptions(mode="smart")), not_asked("smart"))
    assert done.cleaned.equals(fast.cleaned)
    assert done.engineered.equals(fast.engineered)
    assert any("GEMINI_API_KEY is not set" in result.why for result in done.results)


def test_private_details_are_not_sent() -> None:
    columns = {
        "mail": [f"ada{row}@example.org" for row in range(40)],
        "note": [f"call +49 170 1234{row:03d} or 4111 1111 1111 1111" for row in range(40)],
        "amount": [str(row * 1.5) if row % 3 else None for row in range(40)],
        "day": [f"2024-03-{1 + row % 28:02d}" for row in range(40)],
    }
    frame = Frame.from_table(pa.table(columns))
    [question] = compose_questions(profile(frame), frame, "smart")
    assert question.columns == ("amount",)
    assert "example.org" not in question.prompt
    assert "1234" not in question.prompt
    assert "4111" not in question.prompt
    assert "2024-03-01" in question.prompt
    assert mask("mail me: a.b+c@d-e.co.uk, 0049 (170) 123-45-67") == "mail me: <e-mail>, <digits>"


def test_the_worst_columns_are_asked_about() -> None:
    shares = {"a": 0.5, "b": 0.3, "c": 0.25, "d": 0.22, "e": 0.15, "f": 0.05}
    columns = {
        name: [None if row < share * 200 else float(row % 13) for row in range(200)] for name, share in shares.items()
    }
    frame = Frame.from_table(pa.table(columns))
    facts = profile(frame)
    assert [question.columns for question in compose_questions(facts, frame, "smart")] == [("a",), ("b",), ("c",)]
    assert [question.columns for question in compose_questions(facts, frame, "deep")] == [("a", "b", "c")]
