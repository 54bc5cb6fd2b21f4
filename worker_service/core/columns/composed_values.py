"""Cells that hold one value made of several, such as `B/12/S`, `C85` and `Springfield, IL`."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from worker_service.core.parsing.missing import null_word_mask
from worker_service.core.stats.summary import ValueCount
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column
from worker_service.core.value import Value

SEPARATORS = ("/", "|", ";", ",", ":", "_", "-", " ", "")
"""What stands between two parts; nothing where letters meet digits."""
MOST_TEXTS = 20_000
"""More different texts are free text, or take too long to be looked at one by one."""
LEAST_EVEN = 0.95
"""At least this share of the cells has as many parts; of a position at least so many are numbers, or none."""
MOST_PARTS = 6
LEAST_OFTEN = 10
"""A value of a part counts if it is in at least so many cells,"""
LEAST_COVERED = 0.5
"""a part if such values make up this share of the cells,"""
MOST_OF_WHOLE = 0.5
"""and if it has at most this share of the different values of the whole. So has a number."""
MOST_COUNTED = 60
_SAMPLE_TEXTS = 500
_PART_RUN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")
_PART_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,15})?")


class ComposedPart(Value):
    """What stands in one position of every cell."""

    position: int
    """From 0."""
    counts: tuple[ValueCount, ...]
    """The frequent values, the most frequent first; empty for numbers."""

    @property
    def is_number(self) -> bool:
        """True if it is a number in nearly every cell."""
        return not self.counts


class Composition(Value):
    """How the cells of a column are made of parts."""

    separator: str
    """What stands between two parts; nothing where letters meet digits."""
    width: int
    """The number of parts of a cell."""
    parts: tuple[ComposedPart, ...]
    """Those that say something of their own about rows."""


def split_composed(text: str, separator: str) -> list[str]:
    """Return the parts of a cell; without a separator, its runs of letters and of digits."""
    if not separator:
        return _PART_RUN.findall(text)
    return [part.strip() for part in text.strip().split(separator)]


def part_number(part: str) -> float | None:
    """Return a part as a number; None if it is none."""
    return float(part) if _PART_NUMBER.fullmatch(part) else None


def find_composition(column: Column) -> Composition | None:
    """Return how the cells of a text column are composed; None if they are not, or their parts say nothing."""
    cells = column.derive(distinct)
    if not column.is_text or not 2 < len(cells.values) <= MOST_TEXTS:
        return None
    known = ~column.derive(null_word_mask)
    texts = [text for text, is_known in zip(cells.values.to_pylist(), known.tolist(), strict=True) if is_known]
    counts = np.asarray(cells.counts)[known]
    for separator in SEPARATORS:
        sample = [split_composed(text, separator) for text in texts[:_SAMPLE_TEXTS]]
        if _usual_width(sample, np.ones(len(sample), dtype=np.int64)) is None:
            continue
        split = [split_composed(text, separator) for text in texts]
        width = _usual_width(split, counts)
        if width is None:
            continue
        usual = np.array([len(parts) == width for parts in split])
        rows = [parts for parts in split if len(parts) == width]
        described = [
            _describe_part(position, [row[position] for row in rows], counts[usual]) for position in range(width)
        ]
        parts = tuple(part for part in described if part is not None)
        return Composition(separator=separator, width=width, parts=parts) if parts else None
    return None


def _usual_width(split: Sequence[Sequence[str]], counts: npt.NDArray[np.int64]) -> int | None:
    """Return the number of parts that nearly all cells have, if it is more than one."""
    widths = Counter[int]()
    for parts, number in zip(split, counts.tolist(), strict=True):
        widths[len(parts)] += number
    if not widths:
        return None
    width, number = widths.most_common(1)[0]
    return width if 1 < width <= MOST_PARTS and number >= LEAST_EVEN * widths.total() else None


def _describe_part(position: int, parts: Sequence[str], counts: npt.NDArray[np.int64]) -> ComposedPart | None:
    """Return what stands in a position; None if it is the same everywhere, or hardly ever twice."""
    by_part = Counter[str]()
    for part, number in zip(parts, counts.tolist(), strict=True):
        by_part[part] += number
    total = by_part.total()
    if len({part.casefold() for part in by_part}) < 2 or len(by_part) > MOST_OF_WHOLE * len(parts):
        return None
    numeric = sum(number for part, number in by_part.items() if part_number(part) is not None)
    if numeric >= LEAST_EVEN * total:
        return ComposedPart(position=position, counts=())
    often = {part: number for part, number in by_part.items() if part and number >= LEAST_OFTEN}
    if numeric or not often or sum(often.values()) < LEAST_COVERED * total:
        return None
    ranked = sorted(often.items(), key=lambda item: (-item[1], item[0]))[:MOST_COUNTED]
    return ComposedPart(
        position=position, counts=tuple(ValueCount(value=value, count=number) for value, number in ranked)
    )
