"""Tests of the Gemini client against a stub with every kind of response."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from deploy.gemini_stub import GeminiStub
from deploy.gemini_stub.server import BEHAVIOURS, RECOVERABLE
from worker_service.planner.ai.advice import NO_ADVICE, Advice
from worker_service.planner.ai.gemini import Answer, Gemini

OUTCOMES = {
    "bad_key": "refused",
    "forbidden": "refused",
    "no_model": "refused",
    "limited_for_an_hour": "limited",
    "limited": "limited",
    "broken": "unavailable",
    "overloaded": "unavailable",
    "prompt_blocked": "blocked",
    "answer_blocked": "blocked",
    "recitation": "blocked",
    "cut_off": "truncated",
    "late": "timed_out",
    "dripping": "timed_out",
    "half": "unavailable",
    "reset": "unavailable",
    "no_gzip": "unavailable",
}
"""Behaviour → outcome; `malformed` for behaviours that are not listed."""


SECONDS_LEFT = 20


def propose_nothing(request: dict[str, Any]) -> dict[str, Any]:
    return NO_ADVICE.model_dump(mode="json")


@pytest.fixture
def stub() -> Iterator[GeminiStub]:
    with GeminiStub(rules=propose_nothing) as server:
        yield server


class MemoryCache:
    """A cache in memory."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        return self.answers.get(key)

    async def put(self, key: str, answer: str, dataset_id: UUID | None) -> None:
        self.answers[key] = answer


async def ask(
    stub: GeminiStub, cache: MemoryCache | None = None, *, call_seconds: float = 1.5, prompt: str = "{}"
) -> Answer:
    gemini = Gemini(api_key="k", model="gemini-test", base_url=stub.base_url, call_seconds=call_seconds, cache=cache)
    try:
        return await gemini.ask(instruction="Be kind.", prompt=prompt, schema=Advice, seconds_left=SECONDS_LEFT)
    finally:
        await gemini.close()


async def test_a_good_answer_is_typed_and_counted(stub: GeminiStub) -> None:
    answer = await ask(stub)
    assert answer.value == NO_ADVICE
    assert (answer.call.outcome, answer.call.attempts, answer.call.model) == ("answered", 1, "gemini-test")
    assert answer.call.prompt_tokens > 0
    [request] = stub.requests
    assert request["generationConfig"]["responseMimeType"] == "application/json"
    assert "temperature" not in request["generationConfig"]


@pytest.mark.parametrize("behaviour", [name for name in BEHAVIOURS if name not in RECOVERABLE])
async def test_a_bad_answer_is_an_outcome_within_time(stub: GeminiStub, behaviour: str) -> None:
    stub.behave(behaviour)
    started, cache = time.monotonic(), MemoryCache()
    # Only these wait for the limit; the others get time, because a loaded machine is slow to open a connection.
    answer = await ask(stub, cache, call_seconds=1.5 if OUTCOMES.get(behaviour) == "timed_out" else 10)
    assert time.monotonic() - started < SECONDS_LEFT
    assert answer.value is None
    assert answer.call.outcome == OUTCOMES.get(behaviour, "malformed")
    assert answer.call.detail
    assert cache.answers == {}


@pytest.mark.parametrize("behaviour", sorted(RECOVERABLE))
async def test_a_passing_failure_is_forgiven(stub: GeminiStub, behaviour: str) -> None:
    stub.behave(behaviour)
    answer = await ask(stub)
    assert answer.value == NO_ADVICE
    assert answer.call.attempts == len(stub.requests)
    assert answer.call.prompt_tokens >= 0


async def test_calls_and_tokens_are_counted(stub: GeminiStub) -> None:
    def total(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, {"model": "gemini-test", **labels}) or 0.0

    before = (
        total("neuralearn_ai_calls_total", outcome="answered"),
        total("neuralearn_ai_tokens_total", direction="asked"),
    )
    answer = await ask(stub)
    assert total("neuralearn_ai_calls_total", outcome="answered") == before[0] + 1
    assert total("neuralearn_ai_tokens_total", direction="asked") == before[1] + answer.call.prompt_tokens


async def test_the_same_question_is_asked_once(stub: GeminiStub) -> None:
    cache = MemoryCache()
    first, again, other = await ask(stub, cache), await ask(stub, cache), await ask(stub, cache, prompt="[]")
    assert [answer.call.outcome for answer in (first, again, other)] == ["answered", "cached", "answered"]
    assert again.value == first.value
    assert len(stub.requests) == 2


async def test_a_broken_cache_costs_a_call(stub: GeminiStub) -> None:
    cache = MemoryCache()
    await ask(stub, cache)
    cache.answers = {key: json.dumps({"types": "garbage"}) for key in cache.answers}
    assert (await ask(stub, cache)).call.outcome == "answered"


async def test_cancelling_goes_through(stub: GeminiStub) -> None:
    stub.behave("late")
    asking = asyncio.create_task(ask(stub))
    await asyncio.sleep(0.3)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_nobody_listens() -> None:
    with GeminiStub(rules=propose_nothing) as stopped:
        pass
    assert (await ask(stopped)).call.outcome == "unavailable"
