"""Kinds of cells, by which columns of text are told apart before anything is parsed."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

Kind = Literal["empty", "integer", "decimal", "date", "time", "moment", "email", "url", "code", "text"]

_DATE = r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})"
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s?[AaPp]\.?[Mm]\.?)?(?:Z|[+-]\d{2}:?\d{2})?"
_NUMBER = r"[+-]?(?:\d{1,3}(?:[.,'\s]\d{3})+|\d+)?(?:[.,]\d*)?(?:[eE][+-]?\d+)?"
_PATTERNS: Mapping[Kind, re.Pattern[str]] = MappingProxyType(
    {
        "empty": re.compile(r""),
        "integer": re.compile(r"[+-]?\d+"),
        "date": re.compile(_DATE),
        "time": re.compile(_TIME),
        "moment": re.compile(rf"{_DATE}[T\s]+{_TIME}"),
        "decimal": re.compile(rf"(?=[^\d]*\d)(?:[$€£¥]\s?)?{_NUMBER}(?:\s?[%€$£])?|(?i:[+-]?(?:nan|inf))"),
        "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
        "url": re.compile(r"(?:[a-z]+://|www\.)\S+"),
        "code": re.compile(r"(?=[^\d]*\d)[^\s]+"),
    }
)
_NUMERIC: frozenset[Kind] = frozenset(("integer", "decimal"))
SPECIFIC: frozenset[Kind] = frozenset(("integer", "decimal", "date", "time", "moment", "email", "url"))
"""Kinds that names of columns are not of."""
_DECIMALS = re.compile(r"[.,](\d*)$")
_MAX_CHARACTERS = 200
_MIN_NUMBERS = 15
_MAX_LEVELS = 25
_MIN_ROWS_A_LEVEL = 4
_UNLIKELY = 0.02
"""A cell whose kind is rarer than this in its column does not belong there."""


@lru_cache(maxsize=8192)
def kind_of(text: str) -> Kind:
    """Return the kind of a cell."""
    stripped = text.strip()
    if len(stripped) > _MAX_CHARACTERS:
        return "text"
    return next((kind for kind, pattern in _PATTERNS.items() if pattern.fullmatch(stripped)), "text")


class _Numbers:
    """How the numbers of a column look: their decimals, where these are few, and about where they lie."""

    def __init__(self, cells: Sequence[str]) -> None:
        parts = [_DECIMALS.search(cell.strip()) for cell in cells]
        decimals = Counter(len(part[1]) if part else 0 for part in parts)
        self._decimals = frozenset(decimals) if len(cells) >= _MIN_NUMBERS and len(decimals) <= 2 else None
        values = [value for cell in cells if math.isfinite(value := _value(cell))]
        margin = (max(values) - min(values)) / 2 if values else 0.0
        self._bounds = (min(values) - margin, max(values) + margin) if values else (-math.inf, math.inf)

    def is_like(self, cell: str) -> bool:
        """Return False if a number can't be one of these, such as two that stand behind each other."""
        part = _DECIMALS.search(cell.strip())
        decimals = len(part[1]) if part else 0
        has_decimals = self._decimals is None or decimals in self._decimals
        value = _value(cell)
        return has_decimals and (math.isnan(value) or self._bounds[0] <= value <= self._bounds[1])


def _value(cell: str) -> float:
    """Return a number written without separators of thousands; NaN for others, and for what is no number."""
    try:
        return float(cell.strip().replace(",", "."))
    except ValueError:
        return math.nan


class ColumnKinds:
    """The kinds, and where there are few the values, of the cells of a column."""

    def __init__(self, cells: Sequence[str]) -> None:
        """Look at some cells of a column, of which nearly all are right."""
        self._counts = Counter(kind_of(cell) for cell in cells)
        self._size = len(cells)
        values = {cell.strip() for cell in cells}
        has_levels = len(values) <= _MAX_LEVELS and len(values) * _MIN_ROWS_A_LEVEL <= len(cells)
        self._numbers = _Numbers([cell for cell in cells if kind_of(cell) in _NUMERIC]) if self.is_uniform else None
        self.levels = frozenset(values) if has_levels and self.main not in SPECIFIC else frozenset[str]()

    @property
    def main(self) -> Kind:
        """The kind of most cells that are not empty; `empty` if all are."""
        filled = [(count, kind) for kind, count in self._counts.items() if kind != "empty"]
        return max(filled)[1] if filled else "empty"

    @property
    def is_uniform(self) -> bool:
        """True if nearly all filled cells are of one specific kind; integers and decimals count as one."""
        filled = self._size - self._counts["empty"]
        return self.main in SPECIFIC and self._count(self.main) >= 0.9 * filled

    def plausibility(self, cell: str, *, is_new: bool = False) -> float:
        """Return the logarithm of how usual a cell is here; minus infinity if it does not belong here.

        Args:
            cell: the cell.
            is_new: True if it is known to be a value of its own, so that a column of few values may have it.
        """
        kind = kind_of(cell)
        share = (self._count(kind) + 0.5 * (kind == "text" and self.main == "code")) / (self._size + 0.5)
        if share < _UNLIKELY or (self.levels and not is_new and cell.strip() not in self.levels):
            return -math.inf
        if self._numbers is not None and kind in _NUMERIC and not self._numbers.is_like(cell):
            return -math.inf
        return math.log(share)

    def _count(self, kind: Kind) -> int:
        if kind in _NUMERIC:
            return sum(self._counts[numeric] for numeric in _NUMERIC)
        return self._counts[kind]
