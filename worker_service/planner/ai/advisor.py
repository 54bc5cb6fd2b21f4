"""Asks a language model about one table, within a budget of calls and time, and never fails for it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import BaseModel

from worker_service.core.stats.summary import Value
from worker_service.planner.ai.advice import Advice, DeepAdvice, Narrative, joined
from worker_service.planner.ai.prompt import INSTRUCTION, Question

NO_KEY = "No AI was asked, because GEMINI_API_KEY is not set"
NOTHING_TO_ASK = "No AI was asked, because no column misses more than 20 % of its cells"


class Call(Protocol):
    """What is told about one call."""

    @property
    def model(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def attempts(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def answer_tokens(self) -> int: ...
    @property
    def detail(self) -> str: ...


class Answer(Protocol):
    """A typed answer, or None, and what the call was like."""

    @property
    def value(self) -> BaseModel | None: ...
    @property
    def call(self) -> Call: ...


class Model(Protocol):
    """A language model that answers in a given shape and never raises for what the network does."""

    async def ask(self, *, instruction: str, prompt: str, schema: type[BaseModel], seconds_left: float) -> Answer:
        """The answer to one question."""


class CallRecord(Value):
    """One call, as it is told in the log and the report."""

    model: str
    outcome: str
    attempts: int
    seconds: float
    prompt_tokens: int
    answer_tokens: int
    detail: str
    columns: tuple[str, ...]
    """The columns whose gaps it was about."""


class AdviceResult(Value):
    """What came of asking."""

    mode: Literal["smart", "deep"]
    advice: Advice | None
    """None where no call was answered."""
    report: Narrative | None
    calls: tuple[CallRecord, ...]
    why: str
    """Why AI had no part in it; empty where it had."""

    @property
    def used(self) -> bool:
        """Whether an answer came."""
        return self.advice is not None


def not_asked(mode: Literal["smart", "deep"]) -> AdviceResult:
    """What came of not asking."""
    return AdviceResult(mode=mode, advice=None, report=None, calls=(), why=NO_KEY)


@dataclass(frozen=True)
class Advisor:
    """Puts the questions of a run to a model; without one, to nobody."""

    model: Model | None
    run_seconds: float
    """All calls of a run together."""

    async def advise(self, mode: Literal["smart", "deep"], questions: Sequence[Question]) -> AdviceResult:
        """The proposals of all answers; a question that finds no answer is told and costs nothing else."""
        if self.model is None:
            return not_asked(mode)
        if not questions:
            return AdviceResult(mode=mode, advice=None, report=None, calls=(), why=NOTHING_TO_ASK)
        ends = time.monotonic() + self.run_seconds
        answers: list[Advice] = []
        calls: list[CallRecord] = []
        for question in questions:
            schema = DeepAdvice if question.mode == "deep" else Advice
            answer = await self.model.ask(
                instruction=INSTRUCTION, prompt=question.prompt, schema=schema, seconds_left=ends - time.monotonic()
            )
            calls.append(_record(answer.call, question))
            answers += [answer.value] if isinstance(answer.value, Advice) else []
        if not answers:
            return AdviceResult(mode=mode, advice=None, report=None, calls=tuple(calls), why=_unanswered(calls))
        report = next((one.report for one in answers if isinstance(one, DeepAdvice)), None)
        return AdviceResult(mode=mode, advice=joined(answers), report=report, calls=tuple(calls), why="")


def _record(call: Call, question: Question) -> CallRecord:
    shared = ("model", "outcome", "attempts", "seconds", "prompt_tokens", "answer_tokens", "detail")
    return CallRecord(**{name: getattr(call, name) for name in shared}, columns=question.columns)


def _unanswered(calls: Sequence[CallRecord]) -> str:
    outcomes = ", ".join(dict.fromkeys(call.outcome.replace("_", " ") for call in calls))
    return f"AI was asked and gave no answer that could be used ({outcomes}), so the rules decided alone"
