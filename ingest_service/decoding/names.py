"""Repair of column names, so that none is empty and none occurs twice."""

from collections.abc import Sequence


def repair_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the repaired names, and a note for each that differs from the name in the file.

    An empty name becomes `column_<position>`; a repeated name gets `_2`, `_3`, …, avoiding names of the file.
    """
    file_names = set(names)
    used: set[str] = set()
    repaired: list[str] = []
    notes: list[str] = []
    for position, name in enumerate(names, start=1):
        preferred = name.strip().replace("\x00", "\ufffd") or f"column_{position}"
        chosen = preferred if preferred not in used else _numbered(preferred, file_names | used)
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
