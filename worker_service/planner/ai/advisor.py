"""Consultation of a language model about one table within a time budget; its failures never fail a run."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from pydantic import BaseModel

from worker_service.core.value import Value
from worker_service.planner.ai.advice import Advice, DeepAdvice, Narrative, merge_advice
from worker_service.planner.ai.question import INSTRUCTION, Question

NO_KEY = "No AI was asked, because GEMINI_API_KEY is not set"
NOTHING_TO_ASK = "No AI was asked, because no column misses more than 20 % of its cells"


class Call(Protocol):
    """The outcome and the cost of one call."""

    @property
    def model(self) -> str:
        """The name of the model."""
        ...

    @property
    def outcome(self) -> str:
        """The outcome of the call in one word."""
        ...

    @property
    def attempts(self) -> int:
        """The number of attempts."""
        ...

    @property
    def seconds(self) -> float:
        """The duration of all attempts."""
        ...

    @property
    def prompt_tokens(self) -> int:
        """The tokens of the question."""
        ...

    @property
    def answer_tokens(self) -> int:
        """The tokens of the answer."""
        ...

    @property
    def detail(self) -> str:
        """A sentence about what went wrong; empty otherwise."""
        ...


class Answer(Protocol):
    """A typed answer, or None, and the record of its call."""

    @property
    def value(self) -> BaseModel | None:
        """The parsed answer; None without a usable one."""
        ...

    @property
    def call(self) -> Call:
        """The account of the call."""
        ...


class Model(Protocol):
    """A language model that answers in a given schema; failed calls are outcomes, never exceptions."""

    async def ask(
        self,
        *,
        instruction: str,
        prompt: str,
        schema: type[BaseModel],
        seconds_left: float,
        dataset_id: UUID | None = None,
    ) -> Answer:
        """Return the answer to one question about a dataset."""


class CallRecord(Value):
    """One call, as the log and the report show it."""

    model: str
    outcome: str
    attempts: int
    seconds: float
    prompt_tokens: int
    answer_tokens: int
    detail: str
    columns: tuple[str, ...]
    """The columns whose missing cells the question was about."""


class AdviceResult(Value):
    """The result of consulting a model."""

    mode: Literal["smart", "deep"]
    advice: Advice | None
    """None if no call was answered."""
    report: Narrative | None
    calls: tuple[CallRecord, ...]
    why: str
    """Why AI had no part in the run; empty if it had."""

    @property
    def used(self) -> bool:
        """True if at least one call was answered."""
        return self.advice is not None


def not_asked(mode: Literal["smart", "deep"]) -> AdviceResult:
    """Return the result of a run for which no model is configured."""
    return AdviceResult(mode=mode, advice=None, report=None, calls=(), why=NO_KEY)


@dataclass(frozen=True)
class Advisor:
    """Asks a model the questions of a run; without a model it asks none."""

    model: Model | None
    run_seconds: float
    """The time budget of all calls of a run together."""

    async def advise(
        self, mode: Literal["smart", "deep"], questions: Sequence[Question], *, dataset_id: UUID | None = None
    ) -> AdviceResult:
        """Return the merged proposals of all answers; a question without an answer is only recorded."""
        if self.model is None:
            return not_asked(mode)
        if not questions:
            return AdviceResult(mode=mode, advice=None, report=None, calls=(), why=NOTHING_TO_ASK)
        deadline_at = time.monotonic() + self.run_seconds
        answers: list[Advice] = []
        calls: list[CallRecord] = []
        for question in questions:
            schema = DeepAdvice if question.mode == "deep" else Advice
            answer = await self.model.ask(
                instruction=INSTRUCTION,
                prompt=question.prompt,
                schema=schema,
                seconds_left=deadline_at - time.monotonic(),
                dataset_id=dataset_id,
            )
            calls.append(_record(answer.call, question))
            answers += [answer.value] if isinstance(answer.value, Advice) else []
        if not answers:
            return AdviceResult(mode=mode, advice=None, report=None, calls=tuple(calls), why=_explain_no_answer(calls))
        report = next((answer.report for answer in answers if isinstance(answer, DeepAdvice)), None)
        return AdviceResult(mode=mode, advice=merge_advice(answers), report=report, calls=tuple(calls), why="")


def _record(call: Call, question: Question) -> CallRecord:
    fields = ("model", "outcome", "attempts", "seconds", "prompt_tokens", "answer_tokens", "detail")
    return CallRecord(**{name: getattr(call, name) for name in fields}, columns=question.columns)


def _explain_no_answer(calls: Sequence[CallRecord]) -> str:
    outcomes = ", ".join(dict.fromkeys(call.outcome.replace("_", " ") for call in calls))
    return f"AI was asked and gave no answer that could be used ({outcomes}), so the rules decided alone"
