"""Names for new columns that no other column has."""

from collections.abc import Iterable

_LONGEST_PART = 60


class Names:
    """Hands out each name once."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def claim(self, *parts: str) -> str:
        """The parts joined by underscores, shortened where very long, with a number behind where taken."""
        base = "_".join(part[:_LONGEST_PART] for part in parts)
        name, attempt = base, 1
        while name in self._taken:
            attempt += 1
            name = f"{base}_{attempt}"
        self._taken.add(name)
        return name
