"""Words that people and programs write where a value is missing."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

NULL_WORDS = ("", "na", "n/a", "nan", "null", "none", "nil", "-", "--", "?", "missing", "#n/a")

REFUSALS = ("refused", "declined", "prefer not to say", "rather not say", "no answer", "withheld")
"""Answers that say why there is no value: somebody would not give it."""
NO_MEASURES = (
    *NULL_WORDS,
    *REFUSALS,
    "unknown",
    "unk",
    "not known",
    "not available",
    "not applicable",
    "not given",
    "not provided",
    "not reported",
    "not recorded",
    "no data",
    "n.a.",
    "n/k",
    "undefined",
    "tbd",
    "tba",
    "pending",
    "dk",
    "don't know",
)
"""What else stands for missing among numbers and dates; among words it may be an answer like any other."""

_CASES = (str, str.upper, str.title)
_USUAL_SPELLINGS = pa.array(sorted({spell(word) for word in NULL_WORDS for spell in _CASES} | {"NaN"}))


def usual_spellings(column: Column) -> tuple[str, ...]:
    """The null words of a text column, as far as they are in lower, upper or title case without spaces around."""
    found = column.array.filter(pc.is_in(column.array, value_set=_USUAL_SPELLINGS))
    return tuple(sorted(found.unique().to_pylist()))


def null_words(column: Column, words: tuple[str, ...] = NULL_WORDS) -> npt.NDArray[np.bool_]:
    """Which of a text column's distinct values are such words in any case, with or without spaces around."""
    values = column.derive(distinct).values
    trimmed = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    return np.asarray(pc.is_in(trimmed, value_set=pa.array(words)).to_numpy(zero_copy_only=False), dtype=bool)


def spellings(column: Column, words: tuple[str, ...] = NULL_WORDS) -> tuple[str, ...]:
    """Every such word of a text column exactly as it is written there."""
    values = column.derive(distinct).values
    return tuple(sorted(values.filter(pa.array(column.derive(null_words, words))).to_pylist()))


def blank(text: pa.Array, missing: tuple[str, ...]) -> pa.Array:
    """The text with null in place of the given spellings."""
    if not missing:
        return text
    return pc.if_else(pc.is_in(text, value_set=pa.array(missing, text.type)), pa.scalar(None, text.type), text)


def sample(column: Column, words: tuple[str, ...] = NULL_WORDS) -> tuple[str, ...]:
    """Up to 256 cells from all over a text column, trimmed, without such words: enough to rule a reader out."""
    step = max(1, len(column) // 256)
    cells = column.array.take(pa.array(np.arange(0, len(column), step)[:256])).to_pylist()
    trimmed = (cell.strip() for cell in cells if cell is not None)
    return tuple(cell for cell in trimmed if cell.lower() not in words)
