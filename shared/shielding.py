"""Seeing something through although somebody wants to cancel it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def await_shielded(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await to the end, deaf to cancellation for that long; a cancellation is raised afterwards.

    For what must not stop half-way: a commit whose answer decides what is cleaned up, or the cleaning up itself.
    """
    task = asyncio.ensure_future(coroutine)
    cancellation: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancellation = error
        except Exception:
            break
    if cancellation is not None:
        task.exception()
        raise cancellation
    return task.result()
