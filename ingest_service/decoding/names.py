"""Column names: never empty, never twice, and as the file has them wherever possible."""

from collections.abc import Sequence


def repair_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names to use, and a note for each that differs from the file's.

    An empty name becomes `column_<position>`; a repeated one gets `_2`, `_3`, …, avoiding names the file has.
    """
    taken = set(names)
    used: set[str] = set()
    repaired: list[str] = []
    notes: list[str] = []
    for position, name in enumerate(names, start=1):
        wanted = name.strip().replace("\x00", "\ufffd") or f"column_{position}"
        chosen = wanted if wanted not in used else _numbered(wanted, taken | used)
        used.add(chosen)
        repaired.append(chosen)
        if chosen != name:
            notes.append(_note(position, name, chosen))
    return repaired, notes


def _numbered(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def _note(position: int, name: str, chosen: str) -> str:
    if not name.strip():
        return f"Column {position} has no name; it is called {chosen!r}."
    return f"Column {position} is called {chosen!r} instead of {name!r}, to be unique and tidy."
