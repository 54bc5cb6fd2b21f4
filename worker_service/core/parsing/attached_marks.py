"""Cells that hold a value with something attached to it: a footnote mark, an opening quote, or the value once more."""

import re

import pyarrow as pa

_MARKS_BEFORE = re.compile(r"^[\s\"'`*]+")
_MARKS_BEHIND = re.compile(r"(?:\s*-?[*?!^]+|\s)+$")
"""A quote behind a number may mean inches, and a sign alone may belong to it, so they stay."""
_SHORTEST_REPEATED = 6
"""A shorter text may be equal in both halves by chance."""


def without_marks(texts: pa.StringArray) -> pa.StringArray:
    """Return each text without what is attached to it; null where nothing is."""
    return pa.array([without_mark(text) for text in texts.to_pylist()], pa.string())


def without_mark(text: str) -> str | None:
    """Return a text without what is attached to it; None where nothing is."""
    stripped = _MARKS_BEHIND.sub("", _MARKS_BEFORE.sub("", text))
    middle = len(stripped) // 2
    if len(stripped) % 2 and middle >= _SHORTEST_REPEATED and not stripped[middle].isalnum():
        first, second = stripped[:middle], stripped[middle + 1 :]
        stripped = first if first == second else stripped
    return stripped if stripped and stripped != text.strip() else None
