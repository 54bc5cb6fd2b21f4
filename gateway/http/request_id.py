"""One id follows a request through the gateway, the services, their logs and its answer."""

import re
import uuid
from contextvars import ContextVar

HEADER = "x-request-id"
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,128}")
_current: ContextVar[str] = ContextVar("request_id", default="")


def begin_request(offered: str | None) -> str:
    """Adopt the client's id where it is a harmless token, else make one."""
    request_id = offered if offered and _ACCEPTED.fullmatch(offered) else uuid.uuid4().hex
    _current.set(request_id)
    return request_id


def current_request_id() -> str:
    """The id of the request being answered; empty outside of one."""
    return _current.get()
