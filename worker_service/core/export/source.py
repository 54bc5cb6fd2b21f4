"""Values as Python source."""

import textwrap
from typing import Any

WIDTH = 110


def literal(value: Any, indent: int = 0, *, width: int = WIDTH) -> str:
    """Return a value as Python source; what does not fit a line has an item a line, and numbers fill lines.

    Args:
        value: a plain value.
        indent: the column in which it stands.
        width: the longest line.
    """
    line = repr(value)
    if len(line) + indent <= width or not isinstance(value, dict | list | tuple) or not value:
        return line
    space, inner = " " * indent, " " * (indent + 4)
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]") if isinstance(value, list) else ("(", ")")
    if isinstance(value, dict):
        lines = [f"{key!r}: {literal(item, indent + 4)}" for key, item in value.items()]
    elif all(isinstance(item, int | float) for item in value):
        lines = [part.rstrip(",") for part in textwrap.wrap(line[1:-1], WIDTH - indent - 5)]
    else:
        lines = [literal(item, indent + 4) for item in value]
    return "".join([f"{opening}\n", *(f"{inner}{part},\n" for part in lines), space, closing])
