"""Rows of a file that are no rows of its table: the header once more, and a line of totals at the end."""

from collections.abc import Sequence
from typing import Any

HEADER_AGAIN = "the header again"
TOTALS = "a line of totals"
_TOTAL_WORDS = frozenset(
    (
        *("total", "totals", "subtotal", "grand total", "sum", "sums", "summe", "gesamt", "gesamtsumme", "zusammen"),
        *("total général", "sous-total", "total general", "totale", "totale generale", "totaal", "totalt", "summa"),
        *("suma", "итого", "всего", "合計", "总计"),
    )
)


def repeats_header(cells: Sequence[Any], names: Sequence[str]) -> bool:
    """Whether a row says in every column what the column is called."""
    return len(names) > 1 and list(cells) == list(names) and any(names)


def has_totals(cells: Sequence[Any]) -> bool:
    """Whether a last row is named a total and has hardly more in it than that and some number."""
    filled = [str(cell).strip() for cell in cells if cell not in (None, "") and str(cell).strip()]
    if len(cells) < 3 or len(filled) < 2 or 2 * len(filled) > len(cells) + 1:
        return False
    named = filled[0].rstrip(":").strip().casefold() in _TOTAL_WORDS
    return named and all(any(sign.isdigit() for sign in text) for text in filled[1:])
