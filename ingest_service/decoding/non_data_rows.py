"""Rows of a file that are not data: a repeated header, and a line of totals at the end."""

from collections.abc import Sequence
from typing import Any

REPEATED_HEADER = "the header again"
TOTALS_ROW = "a line of totals"
FEWEST_SUMMED = 2
"""A line of totals has at least so many rows above it."""
_TOTAL_WORDS = frozenset(
    (
        *("total", "totals", "subtotal", "grand total", "sum", "sums", "summe", "gesamt", "gesamtsumme", "zusammen"),
        *("total général", "sous-total", "total general", "totale", "totale generale", "totaal", "totalt", "summa"),
        *("suma", "итого", "всего", "合計", "总计"),
    )
)


def is_repeated_header(cells: Sequence[Any], names: Sequence[str]) -> bool:
    """Return True if every cell of a row equals the name of its column."""
    return len(names) > 1 and list(cells) == list(names) and any(names)


def is_totals_row(cells: Sequence[Any]) -> bool:
    """Return True if a last row is a line of totals.

    Its first filled cell is a word for a total, and it has only a few other cells, all of them with a digit.
    """
    filled = [str(cell).strip() for cell in cells if cell not in (None, "") and str(cell).strip()]
    if len(cells) < 3 or len(filled) < 2 or 2 * len(filled) > len(cells) + 1:
        return False
    is_named_total = filled[0].rstrip(":").strip().casefold() in _TOTAL_WORDS
    return is_named_total and all(any(character.isdigit() for character in text) for text in filled[1:])
