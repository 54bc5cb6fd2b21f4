"""Waiting out what passes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.errors import Unavailable
from shared.logs import get_logger

T = TypeVar("T")

_PAUSE_SECONDS = 1.0
_log = get_logger(__name__)


async def retry_while_unavailable(ask: Callable[[], Awaitable[T]], *, seconds: float) -> T:
    """Ask until there is an answer, for so long; each try may have been heard although its answer was lost.

    Raises:
        Unavailable: the outage lasts.
    """
    ends = time.monotonic() + seconds
    while True:
        try:
            return await ask()
        except Unavailable as error:
            if time.monotonic() + _PAUSE_SECONDS >= ends:
                raise
            _log.warning("waiting", reason=error.reason)
        await asyncio.sleep(_PAUSE_SECONDS)
