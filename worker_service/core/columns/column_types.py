"""What a column is for: a number, a category, a name of the row, or nothing a model could use."""

import re
from dataclasses import dataclass

from shared.contracts.vocabulary import ChosenType, ColumnType
from worker_service.core.humanize import count, fraction, number
from worker_service.core.stats.summary import TextSummary, ordered, summarise_text
from worker_service.core.table.frame import Column

MOST_LEVELS = 1000
"""A category has at most so many different values."""
LONGEST_LEVEL = 200
_ROW_COUNTER = 20

_IDENTIFIER_NAME = re.compile(r"(^|[^a-z0-9])(id|ids|uuid|guid|rowid|index|serial|pk)$|^unnamed")

_CODE_NAME = re.compile(
    r"(^|[^a-z])(ean|ean13|gtin|upc|isbn|barcode|phone|telephone|tel|mobile|fax|iban|ssn|account_number)($|[^a-z])"
)
_SHORTEST_CODE = 100_000


@dataclass(frozen=True)
class Verdict:
    """A column's type and a sentence why, empty where the reading alone says it."""

    type: ColumnType
    why: str = ""


def decide_type(name: str, column: Column, *, distinct: int, code: bool) -> Verdict:
    """Decide what a column that has been read is.

    `distinct` is how many different values it has, `code` whether its text is codes made of digits.
    """
    if column.known == 0:
        return Verdict("empty")
    if distinct == 1 and len(column) > 1:
        return Verdict("constant", "All of them are the same.")
    if column.is_text:
        return _text_type(name, column, distinct=distinct, code=code)
    if column.is_integer:
        return _integer_type(name, column, distinct=distinct)
    return Verdict("boolean" if column.is_boolean else "timestamp" if column.is_timestamp else "decimal")


def obey(verdict: Verdict, column: Column, chosen: ChosenType) -> Verdict:
    """The type that was asked for, where the column's values can be that; what can't be is told."""
    if verdict.type in ("empty", "constant"):
        return verdict
    fitting = {
        "integer": column.is_integer,
        "decimal": column.is_number,
        "boolean": column.is_boolean,
        "timestamp": column.is_timestamp,
        "category": column.is_text,
        "text": column.is_text,
        "identifier": True,
    }
    if fitting[chosen]:
        return Verdict(chosen, f"The type {chosen} was asked for.")
    return Verdict(verdict.type, f"{verdict.why} The type {chosen} was asked for, but the file holds another.".strip())


def _integer_type(name: str, column: Column, *, distinct: int) -> Verdict:
    if _named_identifier(name) and _many(column, distinct):
        return Verdict("identifier", f"The name says that its {count(distinct, 'value')} identify something.")
    values = column.derive(ordered)
    if _CODE_NAME.search(_words(name)) and values[0] >= _SHORTEST_CODE and _many(column, distinct):
        return Verdict("identifier", "The name says that they are numbers of something, and not amounts.")
    first, last = int(values[0]), int(values[-1])
    if distinct == len(column) >= _ROW_COUNTER and first in (0, 1) and last - first == distinct - 1:
        return Verdict("identifier", f"They count from {number(first)} to {number(last)} and only number the rows.")
    return Verdict("integer")


def _text_type(name: str, column: Column, *, distinct: int, code: bool) -> Verdict:
    lengths = column.derive(summarise_text)
    if _named_identifier(name) and _many(column, distinct):
        return Verdict("identifier", f"The name says that its {count(distinct, 'value')} identify something.")
    if _is_category(column, distinct, lengths):
        return Verdict("category")
    if distinct == column.known > 1 and lengths.spaced_share < 0.01 and lengths.longest <= 64:
        return Verdict("identifier", "Every one is different, and none contains a space: they identify something.")
    if code:
        return Verdict("identifier", f"{fraction(distinct, column.known, 'cell')} are different.")
    return Verdict("text", "They are too varied to be categories.")


def _is_category(column: Column, distinct: int, lengths: TextSummary) -> bool:
    if distinct > MOST_LEVELS or lengths.longest > LONGEST_LEVEL:
        return False
    return distinct <= 0.5 * column.known or (distinct <= 10 and distinct < column.known) or column.known == 1


def _named_identifier(name: str) -> bool:
    return _IDENTIFIER_NAME.search(_words(name)) is not None


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip()).lower()


def _many(column: Column, distinct: int) -> bool:
    return distinct > 10 and distinct >= 0.1 * column.known
