"""Cells that hold several values, such as `Action|Drama` and `["a", "b"]`."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from worker_service.core.parsing.missing import null_word_mask
from worker_service.core.stats.summary import ValueCount
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column
from worker_service.core.value import Value

SEPARATORS = ("|", ";", ",", "/")
MOST_TEXTS = 20_000
"""More different texts are free text, or take too long to be looked at one by one."""
LEAST_DIVIDED = 0.2
"""At least this share of the cells has several parts,"""
MOST_PARTS_SHARE = 0.5
"""the parts are fewer than this share of the different texts,"""
FEW_PARTS = 12
"""or so few and fewer than these,"""
FEWEST_PER_PART = 5
"""and one of them stands on average in at least so many cells."""
MOST_PARTS = 1000
_SAMPLE_TEXTS = 500
_LONGEST_PART = 40
_MOST_WORDS = 4
_BRACKETS = (("[", "]"), ("{", "}"), ("(", ")"))
_QUOTED = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)')\s*(?:,|;|\||/|$)""")
_NO_VALUE = re.compile(r"""[+-]?[\d.]+\s?[A-Za-z°%]?|.*["']\s*:.*""")
"""A number, perhaps with a letter behind, and a key of JSON."""
SAME_LENGTH = 0.95
"""If so many cells have the same number of parts, and no part stands in two positions, they are one composed value."""


class CellParts(Value):
    """The values that stand together in the cells of a column."""

    separator: str
    counts: tuple[ValueCount, ...]
    """The parts, each with the number of cells that have it, the most frequent first."""


def split_parts(text: str, separator: str) -> tuple[str, ...]:
    """Return the parts of a cell, without brackets around all and quotes around each, and none twice."""
    bare = _without_brackets(text.strip())
    if bare[:1] in ("'", '"') and _QUOTED.sub("", bare) == "":
        parts = ["".join(groups) for groups in _QUOTED.findall(bare)]
    else:
        parts = [_without_brackets(part.strip()).strip("\"'").strip() for part in bare.split(separator)]
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _without_brackets(text: str) -> str:
    for opening, closing in _BRACKETS:
        inside = text[1:-1]
        if text.startswith(opening) and text.endswith(closing) and opening not in inside and closing not in inside:
            return inside.strip()
    return text


def find_parts(column: Column) -> CellParts | None:
    """Return the parts of the cells of a text column; None if they hold one value each, or sentences."""
    cells = column.derive(distinct)
    if not column.is_text or not 2 < len(cells.values) <= MOST_TEXTS:
        return None
    known = ~column.derive(null_word_mask)
    texts = [text for text, is_known in zip(cells.values.to_pylist(), known.tolist(), strict=True) if is_known]
    counts = np.asarray(cells.counts)[known].tolist()
    for separator in SEPARATORS:
        sample = texts[:_SAMPLE_TEXTS]
        if sum(separator in text for text in sample) < LEAST_DIVIDED / 2 * len(sample):
            continue
        of_sample = {part for text in sample for part in split_parts(text, separator)}
        if len(of_sample) > MOST_PARTS or any(map(_is_sentence, of_sample)):
            continue
        split = [split_parts(text, separator) for text in texts]
        divided = sum(number for parts, number in zip(split, counts, strict=True) if len(parts) > 1)
        if divided < LEAST_DIVIDED * sum(counts) or _is_composed(split, counts):
            continue
        by_part = _count_parts(split, counts)
        if _are_values(by_part, texts=len(texts)):
            ranked = sorted(by_part.items(), key=lambda part: (-part[1], part[0]))
            return CellParts(
                separator=separator, counts=tuple(ValueCount(value=value, count=number) for value, number in ranked)
            )
    return None


def _is_sentence(part: str) -> bool:
    return len(part) > _LONGEST_PART or len(part.split()) > _MOST_WORDS


def _is_composed(split: Sequence[tuple[str, ...]], counts: Sequence[int]) -> bool:
    """Return True if cells are one value of several parts, such as a city and its country, or a name."""
    by_length = Counter[int]()
    positions: dict[str, set[int]] = {}
    for parts, number in zip(split, counts, strict=True):
        by_length[len(parts)] += number
        for position, part in enumerate(parts):
            positions.setdefault(part, set()).add(position)
    is_even = max(by_length.values()) >= SAME_LENGTH * by_length.total()
    moving = sum(len(where) > 1 for where in positions.values())
    return is_even and moving <= len(positions) / 10


def _count_parts(split: Sequence[tuple[str, ...]], counts: Sequence[int]) -> Counter[str]:
    """Return in how many cells each part is; no more are counted once they are too many."""
    by_part = Counter[str]()
    for parts, number in zip(split, counts, strict=True):
        for part in parts:
            by_part[part] += number
        if len(by_part) > MOST_PARTS:
            break
    return by_part


def _are_values(by_part: Counter[str], *, texts: int) -> bool:
    fewer = max(MOST_PARTS_SHARE * texts, min(FEW_PARTS, texts - 1))
    if not 2 < len(by_part) <= min(MOST_PARTS, fewer):
        return False
    if by_part.total() < FEWEST_PER_PART * len(by_part) or any(map(_is_sentence, by_part)):
        return False
    return sum(_NO_VALUE.fullmatch(part) is not None for part in by_part) <= len(by_part) / 4
