"""Names for new columns that no other column has."""

import re
from collections.abc import Iterable

_LONGEST_PART = 60
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Names:
    """Hands out each name once."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def claim(self, *parts: str) -> str:
        """The parts joined by underscores, shortened where very long, with a number behind where taken.

        Control characters become underscores: not every store and tool takes them.
        """
        base = _CONTROL.sub("_", "_".join(part[:_LONGEST_PART] for part in parts))
        name, attempt = base, 1
        while name in self._taken:
            attempt += 1
            name = f"{base}_{attempt}"
        self._taken.add(name)
        return name
