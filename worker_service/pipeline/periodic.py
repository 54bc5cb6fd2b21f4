"""Doing something again and again, whatever happens."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from shared.errors import Unavailable
from shared.logs import get_logger

_log = get_logger("upkeep")


async def run_every(job: Callable[[], Awaitable[object]], *, pause_seconds: float) -> NoReturn:
    """Do the job, then pause, for ever: an outage is waited out, and a defect is logged and survived."""
    name = getattr(job, "__qualname__", repr(job))
    while True:
        try:
            await job()
        except Unavailable as error:
            _log.warning("put off", job=name, reason=error.reason)
        except Exception as error:  # a reconciler that dies leaves every lost run lost
            _log.error("failed", job=name, exc_info=error)
        await asyncio.sleep(pause_seconds)
