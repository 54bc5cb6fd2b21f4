"""Checks of recipes that are sent, in child processes: a recipe is as large as a table, and anybody's."""

import asyncio

from shared.errors import Unavailable
from shared.isolation.isolation import Isolation
from shared.isolation.outcomes import IsolationError

CHECK_SECONDS = 20.0
MEMORY_BYTES = 512 * 1024**2


class RecipeChecks:
    """The checks, one at a time."""

    def __init__(self, isolation: Isolation) -> None:
        self._isolation = isolation
        self._slot = asyncio.Semaphore(1)

    async def check(self, content: bytes) -> int:
        """Return the number of steps of a recipe that can be repeated.

        Raises:
            InvalidInput: the document is no such recipe.
            Unavailable: it takes too much time or memory.
        """
        async with self._slot:
            try:
                return await self._isolation.run(
                    check_recipe, content, deadline=CHECK_SECONDS, memory_bytes=MEMORY_BYTES
                )
            except IsolationError:
                raise Unavailable("The recipe could not be checked; please try again.", reason="PROCESS_DIED") from None


def check_recipe(content: bytes) -> int:
    """Return the number of steps of a recipe that can be repeated; for a child process.

    Raises:
        InvalidInput: the document is no such recipe.
    """
    # Few processes of this service ever need the steps, and they take a second to import.
    from worker_service.planner.repeated_run import parse_settled_recipe

    return len(parse_settled_recipe(content).steps)
