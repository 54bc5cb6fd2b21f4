"""Periodic jobs that survive outages and defects."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from shared.errors import Unavailable
from shared.logs import get_logger
from worker_service.pipeline.metrics import JOB_FAILURES

_log = get_logger("periodic")


async def run_every(job: Callable[[], Awaitable[object]], *, pause_seconds: float) -> NoReturn:
    """Run a job for ever, with a pause after each time; outages and defects are logged and do not end the loop."""
    name = getattr(job, "__qualname__", repr(job))
    while True:
        try:
            await job()
        except Unavailable as error:
            JOB_FAILURES.labels(name, error.reason).inc()
            _log.warning("job postponed", job=name, reason=error.reason)
        except Exception as error:  # without the reconciler, lost runs would stay lost
            JOB_FAILURES.labels(name, "INTERNAL").inc()
            _log.error("job failed", job=name, exc_info=error)
        await asyncio.sleep(pause_seconds)
