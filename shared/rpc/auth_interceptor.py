"""The server interceptor that decides about every call: each service verifies the caller itself."""

import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import grpc

from shared.errors import ServiceError, Unavailable
from shared.identity.access_control import OK, AccessControl, AuditEvent, Decision, Target
from shared.identity.caller import Caller
from shared.identity.permissions import is_public
from shared.identity.rate_limits import RateLimits
from shared.rpc.credentials import ADDRESS_KEY, AUTHORIZATION_KEY, PROCESS_KEY
from shared.rpc.handlers import Context, MaybeHandler, Streaming, Unary, wrap_handler
from shared.rpc.interceptors import REQUEST_ID_KEY
from shared.rpc.messages import enum_word

MAX_PUBLIC_CALLS = 64
"""Calls at the same time of rpcs that everybody may call; some stay open for ever."""
RECHECK_SECONDS = 10.0
"""How long a stream may go on after its caller has lost access."""
_UPLOADS = ("/UploadDataset", "/ImportDataset")
_current: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Return the caller of the rpc under way.

    Raises:
        LookupError: there is none.
    """
    return _current.get()


class AuthInterceptor(grpc.aio.ServerInterceptor):
    """Refuses what the access control refuses, and has recorded what belongs in the audit trail."""

    def __init__(self, access: AccessControl, limits: RateLimits | None = None) -> None:
        self._access = access
        self._limits = limits
        self._public_calls = 0

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[MaybeHandler]],
        details: grpc.HandlerCallDetails,
    ) -> MaybeHandler:
        """Return the handler of this method wrapped in a `_GuardedCall`."""
        handler = await continuation(details)
        if handler is None:
            return None
        if is_public(details.method):
            return wrap_handler(handler, unary=self._public_unary, streaming=self._public_streaming)
        guarded_call = _GuardedCall(self._access, self._limits, details)
        return wrap_handler(handler, unary=guarded_call.unary, streaming=guarded_call.streaming)

    def _public_unary(self, handler: Unary) -> Unary:
        async def call(request: Any, context: Context) -> Any:
            async with self._public_slot(context):
                return await handler(request, context)

        return call

    def _public_streaming(self, handler: Streaming) -> Streaming:
        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            async with self._public_slot(context):
                async for response in handler(request, context):
                    yield response

        # The library's health service writes to its context instead of yielding.
        return stream if inspect.isasyncgenfunction(handler) else self._public_unary(handler)  # type: ignore[return-value, arg-type]

    @asynccontextmanager
    async def _public_slot(self, context: Context) -> AsyncIterator[None]:
        """Hold one of the few slots of callers who prove nothing, so that others find room."""
        if self._public_calls >= MAX_PUBLIC_CALLS:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many ask for health or reflection")
        self._public_calls += 1
        try:
            yield
        finally:
            self._public_calls -= 1


class _GuardedCall:
    """A call that is decided about before its handler runs."""

    def __init__(self, access: AccessControl, limits: RateLimits | None, details: grpc.HandlerCallDetails) -> None:
        self._access = access
        self._limits = limits
        self._method = details.method
        self._metadata = [(key, value) for key, value in details.invocation_metadata or () if isinstance(value, str)]

    def unary(self, handler: Unary) -> Unary:
        async def call(request: Any, context: Context) -> Any:
            decision, target = await self._admit(request, context)
            try:
                response = await handler(request, context)
            except ServiceError as error:
                collaboration_id = target.collaboration_id or error.metadata.get("collaboration_id", "")
                refused = replace(target, collaboration_id=collaboration_id)
                await self._record(decision, refused, context, outcome=error.reason)
                raise
            await self._record(decision, _complete(target, _target(response)), context, outcome=OK)
            return response

        return call

    def streaming(self, handler: Streaming) -> Streaming:
        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            decision, target = await self._admit(request, context)
            await self._record(decision, target, context, outcome=OK)
            decided_at = time.monotonic()
            async for response in handler(request, context):
                if time.monotonic() - decided_at > RECHECK_SECONDS:
                    await self._recheck(target)
                    decided_at = time.monotonic()
                yield response

        return call

    async def _recheck(self, target: Target) -> None:
        """Return if the caller of a long stream still has access, or if that can't be found out just now.

        Raises:
            ServiceError: it has not.
        """
        try:
            decision = await self._access.decide(self._method, self._values(AUTHORIZATION_KEY), target)
        except Unavailable:
            return  # streams outlive an outage of the database
        if decision.refusal is not None:
            raise decision.refusal

    async def _admit(self, request: Any, context: Context) -> tuple[Decision, Target]:
        target = _target(request)
        standing = await self._limits.count_address(self._client_address(context)) if self._limits else None
        decision = await self._access.decide(self._method, self._values(AUTHORIZATION_KEY), target)
        if self._limits:
            is_upload = self._method.endswith(_UPLOADS)
            standing = await self._limits.count_caller(decision.caller, is_upload=is_upload) or standing
        if decision.refusal is not None:
            await self._record(decision, target, context, outcome=decision.refusal.reason)
            raise decision.refusal
        if standing is not None:
            context.set_trailing_metadata(tuple(standing.headers().items()))
        _current.set(decision.caller)
        return decision, target

    async def _record(self, decision: Decision, target: Target, context: Context, *, outcome: str) -> None:
        if not decision.is_audited:
            return
        caller = decision.caller
        event = AuditEvent(
            action=self._method.rpartition("/")[2],
            outcome=outcome,
            caller_kind=caller.kind,
            caller_id=caller.user_id,
            key_id=caller.key_id,
            address=_storable(self._address(context), 100),
            request_id=_storable("".join(self._values(REQUEST_ID_KEY)[:1]), 128),
            owner_id=decision.owner_id or caller.user_id,
            dataset_id=_storable(target.dataset_id, 36),
            collaboration_id=_storable(decision.collaboration_id or target.collaboration_id, 200),
            member=_storable(target.member, 250),
        )
        await self._access.record(event)

    def _address(self, context: Context) -> str:
        """Return where the call came from: as the gateway says, or else the peer."""
        process, passed_on = self._values(PROCESS_KEY), self._values(ADDRESS_KEY)
        if process and passed_on and self._access.is_service(process[0]):
            return passed_on[0][:100]
        return (context.peer() or "")[:100]

    def _client_address(self, context: Context) -> str:
        """Return the address without its port."""
        address = self._address(context)
        return address.rpartition(":")[0] if address.startswith(("ipv4:", "ipv6:")) else address

    def _values(self, key: str) -> list[str]:
        return [value for name, value in self._metadata if name == key]


def _storable(name: str, length: int) -> str:
    """Return a name that a request holds as it can be stored: nothing of it has been checked."""
    return name[:length] if name.isprintable() else ""


def _target(message: Any) -> Target:
    """Return what a message names: its dataset and collaboration, or those of the dataset in it."""
    source = getattr(message, "dataset", message)
    is_about_member = hasattr(message, "collaboration_id") and hasattr(message, "user_id")
    return Target(
        dataset_id=str(getattr(source, "dataset_id", "")),
        collaboration_id=str(getattr(source, "collaboration_id", "")),
        member=_member(message) if is_about_member else "",
    )


def _member(message: Any) -> str:
    """Return the user and the role that a request is about."""
    field = message.DESCRIPTOR.fields_by_name.get("role")
    # A number that names no role is refused later, by who parses the request.
    is_role = field is not None and message.role in field.enum_type.values_by_number
    return f"{message.user_id}: {enum_word(field.enum_type, message.role)}" if is_role else str(message.user_id)


def _complete(request: Target, response: Target) -> Target:
    """Return what a request names, and what only its response does."""
    return Target(
        dataset_id=request.dataset_id or response.dataset_id,
        collaboration_id=request.collaboration_id or response.collaboration_id,
        member=request.member,
    )
