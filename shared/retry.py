"""Retrying calls during an outage."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.errors import Unavailable
from shared.logs import get_logger

T = TypeVar("T")

_PAUSE_SECONDS = 1.0
_log = get_logger(__name__)


async def retry_while_unavailable(call: Callable[[], Awaitable[T]], *, seconds: float) -> T:
    """Repeat a call that raises `Unavailable`, once a second.

    Args:
        call: must be idempotent, as a failed try may have had its effect although the response was lost.
        seconds: how long to retry.

    Raises:
        Unavailable: the outage lasts longer.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await call()
        except Unavailable as error:
            if time.monotonic() + _PAUSE_SECONDS >= deadline:
                raise
            _log.warning("retrying", reason=error.reason)
        await asyncio.sleep(_PAUSE_SECONDS)
