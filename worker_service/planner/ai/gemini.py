"""Client for Google Gemini: one question, one typed answer; a failed call is an outcome, never an exception."""

import asyncio
import hashlib
import json
import re
import time
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import UUID

from google import genai
from google.genai import errors, types
from pydantic import BaseModel, ValidationError

from shared.logs import get_logger
from shared.tracing import record_span
from worker_service.core.value import Value
from worker_service.planner.ai.metrics import AI_CALLS, AI_SECONDS, AI_TOKENS

Outcome = Literal[
    "answered",
    "cached",
    "blocked",
    "truncated",
    "malformed",
    "timed_out",
    "limited",
    "unavailable",
    "refused",
    "failed",
]
MAX_ANSWER_LENGTH = 1 << 20
MAX_OUTPUT_TOKENS = 16_384
_RETRY_PAUSE_SECONDS = 1.0
"""The pause before the only retry, if the server does not name one."""
_DETAILS: dict[Outcome, str] = {
    "answered": "",
    "cached": "The same question had been answered before.",
    "blocked": "The answer was blocked by the safety rules of the service.",
    "truncated": "The answer was cut off at its longest length.",
    "malformed": "The answer was not in the agreed form.",
    "timed_out": "No answer came in time.",
    "limited": "The service has had too many questions for now.",
    "unavailable": "The service could not be reached or is overloaded.",
    "refused": "The service did not accept the key, the model or the question.",
    "failed": "The call failed in a way that is not foreseen.",
}
_UNSUPPORTED_KEYWORDS = ("additionalProperties", "title", "pattern", "maxLength", "maxItems")
_log = get_logger("gemini")


class Call(Value):
    """The outcome and the cost of one question."""

    model: str
    question_hash: str
    outcome: Outcome
    attempts: int
    seconds: float
    prompt_tokens: int
    answer_tokens: int
    detail: str


@dataclass(frozen=True)
class Answer:
    """A typed answer, or None, and the record of its call."""

    value: BaseModel | None
    call: Call


class AnswerCache(Protocol):
    """Cache of valid answers as JSON text, by the hash of their question."""

    async def get(self, key: str) -> str | None:
        """Return the cached answer to a question, or None."""

    async def put(self, key: str, answer: str, dataset_id: UUID | None) -> None:
        """Store a valid answer for as long as the dataset that it was asked for exists."""


@dataclass(frozen=True)
class _Reply:
    """The result of one attempt."""

    outcome: Outcome
    text: str = ""
    prompt_tokens: int = 0
    answer_tokens: int = 0
    retry_after: float | None = None


class Gemini:
    """A client for one key and one model."""

    def __init__(
        self,
        *,
        api_key: str,
        model: str,
        base_url: str | None = None,
        call_seconds: float,
        cache: AnswerCache | None = None,
    ) -> None:
        """Create a client.

        Args:
            api_key: the key of the service.
            model: the name of the model.
            base_url: the URL of a compatible server; None for Google's.
            call_seconds: the timeout of one attempt.
            cache: stores valid answers; None for no cache.
        """
        self._client = genai.Client(
            api_key=api_key,
            vertexai=False,
            http_options=types.HttpOptions(
                base_url=base_url,
                timeout=int(call_seconds * 1000),
                retry_options=types.HttpRetryOptions(attempts=1),
            ),
        )
        self._model = model
        self._call_seconds = call_seconds
        self._cache = cache

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aio.aclose()

    async def ask(
        self,
        *,
        instruction: str,
        prompt: str,
        schema: type[BaseModel],
        seconds_left: float,
        dataset_id: UUID | None = None,
    ) -> Answer:
        """Return the answer to one question; `seconds_left` is the time for the call and its retry."""
        key = self._question_hash(instruction, prompt, schema)
        started = time.monotonic()
        cached = await self._cached(key)
        value = None if cached is None else _validate(cached, schema)
        if value is not None:
            return self._answer(key, value, _Reply("cached"), attempts=0, started=started)
        deadline_at = started + min(seconds_left, 2 * self._call_seconds)
        reply, attempts = await self._attempt(instruction, prompt, schema, deadline_at), 1
        pause = reply.retry_after if reply.retry_after is not None else _RETRY_PAUSE_SECONDS
        if reply.outcome in ("limited", "unavailable") and time.monotonic() + pause < deadline_at:
            await asyncio.sleep(pause)
            reply, attempts = await self._attempt(instruction, prompt, schema, deadline_at), 2
        value = _validate(reply.text, schema) if reply.outcome == "answered" else None
        if reply.outcome == "answered" and value is None:
            reply = _Reply("malformed", "", reply.prompt_tokens, reply.answer_tokens)
        if value is not None:
            await self._store(key, reply.text, dataset_id)
        return self._answer(key, value, reply, attempts=attempts, started=started)

    def _question_hash(self, instruction: str, prompt: str, schema: type[BaseModel]) -> str:
        question = json.dumps([self._model, instruction, prompt, schema.model_json_schema()], sort_keys=True)
        return hashlib.sha256(question.encode()).hexdigest()

    async def _cached(self, key: str) -> str | None:
        try:
            return None if self._cache is None else await self._cache.get(key)
        except Exception as error:  # without the cache the model is called again, which is no failure
            _log.warning("cache read failed", error=type(error).__name__)
            return None

    async def _store(self, key: str, text: str, dataset_id: UUID | None) -> None:
        try:
            if self._cache is not None:
                await self._cache.put(key, text, dataset_id)
        except Exception as error:
            _log.warning("cache write failed", error=type(error).__name__)

    def _answer(self, key: str, value: BaseModel | None, reply: _Reply, *, attempts: int, started: float) -> Answer:
        call = Call(
            model=self._model,
            question_hash=key,
            outcome=reply.outcome,
            attempts=attempts,
            seconds=round(time.monotonic() - started, 3),
            prompt_tokens=max(0, reply.prompt_tokens),
            answer_tokens=max(0, reply.answer_tokens),
            detail=_DETAILS[reply.outcome],
        )
        _log.info("model called", **call.model_dump(exclude={"detail", "question_hash"}))
        AI_CALLS.labels(call.model, call.outcome).inc()
        AI_TOKENS.labels(call.model, "asked").inc(call.prompt_tokens)
        AI_TOKENS.labels(call.model, "answered").inc(call.answer_tokens)
        AI_SECONDS.labels(call.model).observe(call.seconds)
        is_answered = call.outcome in ("answered", "cached")
        record_span(f"ask {call.model}", seconds=call.seconds, error=None if is_answered else call.outcome)
        return Answer(value, call)

    async def _attempt(self, instruction: str, prompt: str, schema: type[BaseModel], deadline_at: float) -> _Reply:
        """Send one request and return its result; every exception is turned into an outcome."""
        seconds = min(self._call_seconds, deadline_at - time.monotonic())
        if seconds <= 0:
            return _Reply("timed_out")
        try:
            async with asyncio.timeout(seconds):
                response = await self._client.aio.models.generate_content(
                    model=self._model,
                    contents=prompt,
                    config=types.GenerateContentConfig(
                        system_instruction=instruction,
                        response_mime_type="application/json",
                        response_schema=_supported_schema(schema.model_json_schema()),
                        max_output_tokens=MAX_OUTPUT_TOKENS,
                        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
                    ),
                )
            return _parse_response(response)
        except TimeoutError:
            return _Reply("timed_out")
        except errors.APIError as error:
            return _parse_error(error)
        except (OSError, ConnectionError) as error:
            _log.warning("model unreachable", error=type(error).__name__)
            return _Reply("unavailable")
        except (ValueError, RecursionError) as error:  # the body is not JSON or not text
            _log.warning("malformed answer", error=type(error).__name__)
            return _Reply("malformed")
        except Exception as error:
            _log.warning("model call failed", error=type(error).__name__)
            return _Reply("unavailable" if _is_network_error(error) else "failed")


def _supported_schema(schema: Any) -> Any:
    """Return a JSON schema without the keywords that the service does not support; answers are validated by all."""
    if isinstance(schema, dict):
        return {key: _supported_schema(value) for key, value in schema.items() if key not in _UNSUPPORTED_KEYWORDS}
    return [_supported_schema(value) for value in schema] if isinstance(schema, list) else schema


def _parse_response(response: types.GenerateContentResponse) -> _Reply:
    usage = response.usage_metadata
    tokens = (usage.prompt_token_count or 0, usage.candidates_token_count or 0) if usage is not None else (0, 0)
    candidate = response.candidates[0] if response.candidates else None
    if candidate is None:
        blocked = response.prompt_feedback is not None and response.prompt_feedback.block_reason is not None
        return _Reply("blocked" if blocked else "malformed", "", *tokens)
    why = candidate.finish_reason.value if candidate.finish_reason is not None else "STOP"
    if why == "MAX_TOKENS":
        return _Reply("truncated", "", *tokens)
    if why != "STOP":
        return _Reply("blocked", "", *tokens)
    parts = candidate.content.parts if candidate.content is not None else None
    text = "".join(part.text or "" for part in parts or [] if not part.thought)
    return _Reply("answered" if text else "malformed", text, *tokens)


def _parse_error(error: errors.APIError) -> _Reply:
    if error.code == 429:
        return _Reply("limited", retry_after=_retry_after(error.details))
    if error.code in (500, 502, 503, 504):
        return _Reply("unavailable", retry_after=_retry_after(error.details))
    return _Reply("refused" if 400 <= (error.code or 0) < 500 else "malformed")


def _retry_after(details: Any) -> float | None:
    """Return the seconds that a `RetryInfo` in the error's details asks for, or None."""
    error = details.get("error", details) if isinstance(details, dict) else {}
    entries = error.get("details", []) if isinstance(error, dict) else []
    for entry in entries if isinstance(entries, list) else []:
        delay = entry.get("retryDelay") if isinstance(entry, dict) else None
        match = re.fullmatch(r"(\d+(?:\.\d+)?)s", delay) if isinstance(delay, str) else None
        if match:
            return float(match[1])
    return None


def _validate(text: str, schema: type[BaseModel]) -> BaseModel | None:
    if len(text) > MAX_ANSWER_LENGTH:
        return None
    try:
        return schema.model_validate_json(text)
    except (ValidationError, RecursionError):
        return None


def _is_network_error(error: Exception) -> bool:
    """Return True if the exception is an HTTP library's; those have no common base class, only their package."""
    return type(error).__module__.split(".")[0] in ("aiohttp", "httpx", "httpx2", "httpcore", "httpcore2")
