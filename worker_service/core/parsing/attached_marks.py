"""Cells that hold a value with something attached to it: a footnote mark, an opening quote, or the value once more."""

import re

import pyarrow as pa

_BEFORE = re.compile(r"^[\s\"'`*]+")
_BEHIND = re.compile(r"(?:\s*-?[*?!^]+|\s)+$")
"""A quote behind a number may mean inches, and a sign alone may belong to it, so they stay."""
_SHORTEST_REPEATED = 6
"""A shorter text may be equal in both halves by chance."""


def without_marks(texts: pa.StringArray) -> pa.StringArray:
    """Return each text without what is attached to it; null where nothing is."""
    return pa.array([_strip(text) for text in texts.to_pylist()], pa.string())


def _strip(text: str) -> str | None:
    stripped = _BEHIND.sub("", _BEFORE.sub("", text))
    middle = len(stripped) // 2
    if len(stripped) % 2 and middle >= _SHORTEST_REPEATED and not stripped[middle].isalnum():
        first, second = stripped[:middle], stripped[middle + 1 :]
        stripped = first if first == second else stripped
    return stripped if stripped and stripped != text.strip() else None
