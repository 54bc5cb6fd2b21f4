"""Awaiting a coroutine to its end in spite of a cancellation."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def await_shielded(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine to its end; a cancellation in the meantime is raised afterwards.

    For work that must not stop half-way: a commit whose outcome decides what is cleaned up, or the clean-up itself.
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
