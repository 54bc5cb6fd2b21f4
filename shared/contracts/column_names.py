"""Which column of a table a person means by a name."""

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches

_MAX_COMPARED_CHARACTERS = 200


def match_name(name: str, names: Sequence[str]) -> str | None:
    """Return the column that a person means: the one of that name, or the only one that differs in letter case."""
    if name in names:
        return name
    same = [other for other in names if other.strip().casefold() == name.strip().casefold()]
    return same[0] if len(same) == 1 else None


def similar_name(name: str, names: Sequence[str]) -> str | None:
    """Return the column whose name is most like a name that does not exist; None if none is."""
    by_lower = {other.casefold(): other for other in names}
    matches = get_close_matches(name.casefold()[:_MAX_COMPARED_CHARACTERS], by_lower, n=1)
    return by_lower[matches[0]] if matches else None


def match_names(expected: Sequence[str], names: Sequence[str]) -> dict[str, str | None]:
    """Return the column for each name: the one of that name, else one that no other name has and no other matches."""
    left = [name for name in names if name not in expected]
    matches = {name: name if name in names else match_name(name, left) for name in expected}
    times = Counter(matches.values())
    return {name: match if times[match] == 1 else None for name, match in matches.items()}
