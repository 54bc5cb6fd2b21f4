"""Unique names for new columns."""

import re
from collections.abc import Iterable

_MAX_PART_LENGTH = 60
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Names:
    """The taken column names of a table, with a method to claim new ones."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def claim(self, *parts: str) -> str:
        """Return the parts joined by underscores, with a number behind if the name is taken, and reserve it.

        Very long parts are shortened. Control characters become underscores, because some stores and tools reject them.
        """
        base = _CONTROL.sub("_", "_".join(part[:_MAX_PART_LENGTH] for part in parts))
        name, attempt = base, 1
        while name in self._taken:
            attempt += 1
            name = f"{base}_{attempt}"
        self._taken.add(name)
        return name
