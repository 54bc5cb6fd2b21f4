"""Cells that hold several values, such as `Action|Drama` and `["a", "b"]`."""

import re
from collections import Counter

import numpy as np

from worker_service.core.parsing.missing import null_word_mask
from worker_service.core.stats.summary import Value, ValueCount
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

SEPARATORS = ("|", ";", ",", "/")
MOST_TEXTS = 20_000
"""More different texts are free text, or take too long to be looked at one by one."""
LEAST_DIVIDED = 0.2
"""At least this share of the cells has several parts,"""
MOST_PARTS_SHARE = 0.5
"""the parts are fewer than this share of the different texts,"""
FEWEST_PER_PART = 5
"""and one of them stands on average in at least so many cells."""
MOST_PARTS = 1000
_SAMPLE_TEXTS = 500
_LONGEST_PART = 40
_MOST_WORDS = 4
_BRACKETS = re.compile(r"\[(.*)\]|\{(.*)\}|\((.*)\)", re.DOTALL)
_QUOTES = "\"'"


class CellParts(Value):
    """The values that stand together in the cells of a column."""

    separator: str
    counts: tuple[ValueCount, ...]
    """The parts, each with the number of cells that have it, the most frequent first."""


def split_parts(text: str, separator: str) -> tuple[str, ...]:
    """Return the parts of a cell, without brackets around all and quotes around each, and none twice."""
    bare = text.strip()
    match = _BRACKETS.fullmatch(bare)
    if match is not None:
        bare = next(group for group in match.groups() if group is not None)
    parts = (part.strip().strip(_QUOTES).strip() for part in bare.split(separator))
    return tuple(dict.fromkeys(part for part in parts if part))


def find_parts(column: Column) -> CellParts | None:
    """Return the parts of the cells of a text column; None if they hold one value each, or sentences."""
    cells = column.derive(distinct)
    if not column.is_text or not 2 < len(cells.values) <= MOST_TEXTS:
        return None
    known = ~column.derive(null_word_mask)
    texts = [text for text, is_known in zip(cells.values.to_pylist(), known.tolist(), strict=True) if is_known]
    counts = np.asarray(cells.counts)[known].tolist()
    for separator in SEPARATORS:
        if not any(separator in text for text in texts[:_SAMPLE_TEXTS]):
            continue
        divided = sum(number for text, number in zip(texts, counts, strict=True) if separator in text.strip("[](){}"))
        if divided < LEAST_DIVIDED * sum(counts):
            continue
        by_part: Counter[str] = Counter()
        for text, number in zip(texts, counts, strict=True):
            by_part.update(dict.fromkeys(split_parts(text, separator), number))
        if _are_values(by_part, texts=len(texts)):
            ranked = sorted(by_part.items(), key=lambda part: (-part[1], part[0]))
            return CellParts(
                separator=separator, counts=tuple(ValueCount(value=value, count=number) for value, number in ranked)
            )
    return None


def _are_values(by_part: Counter[str], *, texts: int) -> bool:
    if not 2 < len(by_part) <= min(MOST_PARTS, MOST_PARTS_SHARE * texts):
        return False
    if by_part.total() < FEWEST_PER_PART * len(by_part):
        return False
    is_short = all(len(part) <= _LONGEST_PART and len(part.split()) <= _MOST_WORDS for part in by_part)
    return is_short and sum(part.replace(".", "").isdigit() for part in by_part) <= len(by_part) / 2
