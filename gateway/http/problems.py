"""Errors as `application/problem+json` (RFC 9457)."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from http import HTTPStatus
from typing import Any, get_args

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from gateway.http.request_id import current_request_id
from shared.errors import (
    FieldError,
    InvalidInput,
    NotReady,
    RangeNotSatisfiable,
    ServiceError,
    Unauthenticated,
    Unavailable,
)
from shared.logs import get_logger
from shared.rpc.status import RETRY_SECONDS, mapping_of

MEDIA_TYPE = "application/problem+json"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_LOCATIONS = {"query", "path", "header", "body"}
_log = get_logger("gateway")


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every exception of the app as a problem."""
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)


def internal_error(scope: Scope) -> Response:
    """Return the answer to an unexpected exception; it holds no more than the request's id."""
    detail = f"Something went wrong on our side. If it stays, report request {current_request_id()}."
    return _Problem(status=500, title="Internal error", detail=detail, reason="INTERNAL").response(scope)


def field_errors(errors: Iterable[Mapping[str, Any]], known: Sequence[str] = ()) -> list[FieldError]:
    """Return pydantic's errors as ours: the field's plain name and a sentence.

    Args:
        errors: the errors.
        known: the fields that there are, one of which an unknown field may have meant.
    """
    return [_field_error(error, known) for error in errors]


def invalid_fields(fields: Sequence[FieldError]) -> InvalidInput:
    """Return the error for wrong fields; its detail names each of them."""
    return InvalidInput("; ".join(f"{error.field}: {error.detail}" for error in fields), fields=fields)


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return which name was probably meant, or else which ones there are."""
    close = get_close_matches(name.lower(), known, n=1, cutoff=0.7)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"


def _field_error(error: Mapping[str, Any], known: Sequence[str]) -> FieldError:
    location = [str(part) for part in error["loc"]]
    if len(location) > 1 and location[0] in _LOCATIONS:
        location = location[1:]
    if error["type"] == "extra_forbidden":
        name = ".".join(location)
        hint = f"; {suggestion(name, known)}" if known else ""
        return FieldError(field=name, detail=f"There is no such field{hint}")
    return FieldError(field=".".join(location), detail=str(error["msg"]).removeprefix("Value error, "))


async def _on_service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    mapping = mapping_of(error)
    if mapping.http == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("a service failed", reason=error.reason, detail=error.detail)
        return internal_error(request.scope)
    problem = _Problem(
        status=mapping.http,
        title=mapping.title,
        detail=error.detail,
        reason=error.reason,
        errors=error.fields,
        metadata=error.metadata,
    )
    return problem.response(request.scope, headers=_headers_of(error))


def _headers_of(error: ServiceError) -> dict[str, str]:
    headers = {}
    retry_after = error.retry_after
    if retry_after is None and isinstance(error, NotReady | Unavailable):
        retry_after = RETRY_SECONDS
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_after)))
    headers |= {name: value for name, value in error.metadata.items() if name.startswith("ratelimit-")}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, RangeNotSatisfiable) and "size_bytes" in error.metadata:
        headers["Content-Range"] = f"bytes */{error.metadata['size_bytes']}"
    return headers


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return await _on_service_error(request, invalid_fields(field_errors(error.errors(), _body_fields(request))))


def _body_fields(request: Request) -> list[str]:
    """Return the fields of the JSON document that the route of a request takes."""
    body = getattr(request.scope.get("route"), "body_field", None)
    models = () if body is None else get_args(body.field_info.annotation) or (body.field_info.annotation,)
    return [name for model in models if issubclass(model, BaseModel) for name in model.model_fields]


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.BAD_REQUEST:  # FastAPI's answer to a body that is no JSON
        return await _on_service_error(request, InvalidInput("The body is not JSON.", reason="MALFORMED_BODY"))
    headers = dict(error.headers or {})
    detail = error.detail
    if status is HTTPStatus.NOT_FOUND:
        detail = f"There is nothing at {request.url.path}; the API is described at /docs."
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed_methods(request))
        detail = f"{request.url.path} does not take {request.method}, only {headers['Allow']}."
    problem = _Problem(status=status, title=status.phrase, detail=detail, reason=status.name)
    return problem.response(request.scope, headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    """The methods of all routes with this path; the router itself names only those of the first.

    A path that is written out counts before one with a parameter, which matches it too.
    """
    app: FastAPI = request.app
    routed = [
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in app.router.routes)
    ]
    documented = app.openapi()["paths"].get(request.url.path)
    return [method for method in routed if documented is None or method == "HEAD" or method.lower() in documented]


@dataclass(frozen=True, kw_only=True)
class _Problem:
    """The members of a problem that differ from error to error."""

    status: int
    title: str
    detail: str
    reason: str
    errors: Sequence[FieldError] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)

    def response(self, scope: Scope, *, headers: Mapping[str, str] | None = None) -> Response:
        """Return the problem as the answer to a request."""
        body = {
            "type": f"urn:neuralearn:problem:{self.reason.lower().replace('_', '-')}",
            "title": self.title,
            "status": int(self.status),
            "detail": self.detail,
            "instance": scope["path"],
            "reason": self.reason,
            "errors": [{"field": error.field, "detail": error.detail} for error in self.errors],
            "metadata": dict(self.metadata),
            "request_id": current_request_id(),
        }
        return Response(
            # A name in the request may hold half a character, which UTF-8 has no bytes for.
            json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace"),
            status_code=int(self.status),
            media_type=MEDIA_TYPE,
            headers=dict(headers or {}),
        )
