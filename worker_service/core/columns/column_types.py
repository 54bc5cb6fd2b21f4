"""The type of a column: a quantity, a category, an identifier of the row, or nothing that a model could use."""

import re
from dataclasses import dataclass

from shared.contracts.vocabulary import ChosenType, ColumnType
from worker_service.core.humanize import count, fraction, number
from worker_service.core.stats.summary import TextSummary, ordered, summarise_text
from worker_service.core.table.frame import Column

MOST_LEVELS = 1000
"""A category has at most this many different values."""
LONGEST_LEVEL = 200
"""A category has no value with more characters."""
_SHORTEST_ROW_COUNTER = 20

_IDENTIFIER_NAME = re.compile(r"(^|[^a-z0-9])(id|ids|uuid|guid|rowid|index|serial|pk)$|^unnamed")

_CODE_NAME = re.compile(
    r"(^|[^a-z])(ean|ean13|gtin|upc|isbn|barcode|phone|telephone|tel|mobile|fax|iban|ssn|account_number)($|[^a-z])"
)
_SMALLEST_CODE = 100_000


@dataclass(frozen=True)
class TypeDecision:
    """The type of a column, and a sentence that says why; empty where the evidence of its inference is enough."""

    type: ColumnType
    why: str = ""


def decide_type(name: str, column: Column, *, distinct: int, code: bool) -> TypeDecision:
    """Return the type of a column that has been read.

    Args:
        name: the name of the column, which may say that it is an identifier.
        column: the values.
        distinct: the number of different values.
        code: True if its text is codes made of digits.
    """
    if column.known == 0:
        return TypeDecision("empty")
    if distinct == 1 and len(column) > 1:
        return TypeDecision("constant", "All of them are the same.")
    if column.is_text:
        return _decide_text_type(name, column, distinct=distinct, code=code)
    if column.is_integer:
        return _decide_integer_type(name, column, distinct=distinct)
    return TypeDecision("boolean" if column.is_boolean else "timestamp" if column.is_timestamp else "decimal")


def apply_chosen_type(decision: TypeDecision, column: Column, chosen: ChosenType) -> TypeDecision:
    """Return the chosen type if the values of the column allow it, else the decision with a sentence about that."""
    if decision.type in ("empty", "constant"):
        return decision
    is_possible = {
        "integer": column.is_integer,
        "decimal": column.is_number,
        "boolean": column.is_boolean,
        "timestamp": column.is_timestamp,
        "category": column.is_text,
        "text": column.is_text,
        "identifier": True,
    }
    if is_possible[chosen]:
        return TypeDecision(chosen, f"The type {chosen} was asked for.")
    return TypeDecision(decision.type, f"The type {chosen} was asked for, but the file holds another.")


def _decide_integer_type(name: str, column: Column, *, distinct: int) -> TypeDecision:
    if _has_identifier_name(name) and _has_many_values(column, distinct):
        return TypeDecision("identifier", f"The name says that its {count(distinct, 'value')} identify something.")
    values = column.derive(ordered)
    if _CODE_NAME.search(_split_name(name)) and values[0] >= _SMALLEST_CODE and _has_many_values(column, distinct):
        return TypeDecision("identifier", "The name says that they are numbers of something, and not amounts.")
    first, last = int(values[0]), int(values[-1])
    if distinct == len(column) >= _SHORTEST_ROW_COUNTER and first in (0, 1) and last - first == distinct - 1:
        why = f"They count from {number(first)} to {number(last)} and only number the rows."
        return TypeDecision("identifier", why)
    return TypeDecision("integer")


def _decide_text_type(name: str, column: Column, *, distinct: int, code: bool) -> TypeDecision:
    summary = column.derive(summarise_text)
    if _has_identifier_name(name) and _has_many_values(column, distinct):
        return TypeDecision("identifier", f"The name says that its {count(distinct, 'value')} identify something.")
    if _is_category(column, distinct, summary):
        return TypeDecision("category")
    if distinct == column.known > 1 and summary.spaced_share < 0.01 and summary.longest <= 64:
        return TypeDecision("identifier", "Every one is different, and none contains a space: they identify something.")
    if code:
        return TypeDecision("identifier", f"{fraction(distinct, column.known, 'cell')} are different.")
    return TypeDecision("text", "They are too varied to be categories.")


def _is_category(column: Column, distinct: int, summary: TextSummary) -> bool:
    if distinct > MOST_LEVELS or summary.longest > LONGEST_LEVEL:
        return False
    return distinct <= 0.5 * column.known or (distinct <= 10 and distinct < column.known) or column.known == 1


def _has_identifier_name(name: str) -> bool:
    return _IDENTIFIER_NAME.search(_split_name(name)) is not None


def _split_name(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip()).lower()


def _has_many_values(column: Column, distinct: int) -> bool:
    return distinct > 10 and distinct >= 0.1 * column.known
