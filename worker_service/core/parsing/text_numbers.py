"""Numbers within texts: amounts with a bound (`10,000+`), ranges (`18 - 29`), sizes (`1920x1080`), and pairs.

Such a column stays text, since no single number says what a cell says; models get its numbers.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from worker_service.core.parsing.missing import null_word_mask
from worker_service.core.parsing.units import LARGE_NUMBERS, is_currency, is_unit, unit_name
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

NumberShape = Literal["amount", "range", "size", "pair"]
PART_NAMES: Mapping[NumberShape, tuple[str, ...]] = MappingProxyType(
    {"amount": ("number",), "range": ("low", "high"), "size": ("1", "2", "3"), "pair": ("1", "2")}
)
"""What the numbers of each shape are called, as far as a column has so many."""
MOST_TEXTS = 10_000
"""More different texts take too long to be looked at one by one."""
_SAMPLE_TEXTS = 100
"""If fewer than half of so many have a shape, the others are not looked at."""
LEAST_MATCHING = 0.8
"""The share of the known cells that have the shape; the others are words such as `Varies with device`."""
LEAST_MARKED = 0.5
"""The share of the cells of an amount or a pair that have a bound, a currency or a large number such as `k`,"""
LEAST_RANGES = 0.02
"""and of those of a range that are no single number."""
MOST_HYPHENATED = 50
"""Where more different texts have a hyphen without spaces, they are rather codes than ranges."""
_NUMBER = r"(?:\d{1,3}(?:[,'\u2019]\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+)"
_UNITS_IN_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS_IN_WORDS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS: Mapping[str, int] = MappingProxyType(
    {word: number for number, word in enumerate(_UNITS_IN_WORDS)}
    | {word: 10 * number for number, word in enumerate(_TENS_IN_WORDS, start=2)}
)
_COMPOUND = re.compile(r"([a-z]+)[ -]([a-z]+)")
_BELOW = r"(?:<=?|≤|under|below|up to|less than|at most|max\.?)"
_ABOVE = r"(?:>=?|≥|over|above|more than|at least|min\.?|from)"
_BEHIND = r"(?:\+|and up|and over|and more|or more|and above|plus)"
_AMOUNT = re.compile(
    rf"(?P<bound>{_BELOW}|{_ABOVE}|~|ca\.?|approx\.?)?\s*(?P<sign>-)?(?P<before>[^\W\d]{{1,3}}|[^\W\d]{{0,2}}[^\w\s.,()<>~≤≥+-])?\s*"
    rf"(?P<number>{_NUMBER})\s*(?P<unit>[^\W\d](?:[^\W\d]|[./² ]){{0,11}}?)??\s*(?P<more>{_BEHIND})?",
    re.IGNORECASE,
)
_SEPARATORS: Mapping[NumberShape, re.Pattern[str]] = MappingProxyType(
    {
        "range": re.compile(r"\s*(?:–|—|\bto\b|\bbis\b|\.\.)\s*|\s+-\s+|(?<=[\d\w.])-(?=\D?\d)"),
        "size": re.compile(r"\s*[x×*]\s*(?=\d)", re.IGNORECASE),
        "pair": re.compile(r"\s*/\s*"),
    }
)
_HYPHENATED = re.compile(r"\d\s?-\d|\d-\s?\d")
_Numbers = tuple[float, ...]


def recognise_shape(column: Column) -> tuple[NumberShape, int] | None:
    """Return the shape of the numbers in a column of text, and how many a cell has; None if there are none."""
    cells = column.derive(distinct)
    if not column.is_text or not 1 < len(cells.values) <= MOST_TEXTS:
        return None
    known = ~column.derive(null_word_mask)
    texts = [text for text, is_known in zip(cells.values.to_pylist(), known.tolist(), strict=True) if is_known]
    counts = np.asarray(cells.counts)[known]
    if not texts or not any(character.isdigit() or character.isalpha() for character in texts[0]):
        return None
    for shape in ("size", "pair", "range", "amount"):
        sample = texts[:_SAMPLE_TEXTS]
        if 2 * sum(parse_numbers(text, shape) is not None for text in sample) < len(sample):
            continue
        parsed = [parse_numbers(text, shape) for text in texts]
        sizes = np.array([0 if numbers is None else len(numbers) for numbers in parsed])
        total = counts.sum()
        if counts[sizes > 0].sum() < LEAST_MATCHING * total:
            continue
        parts = int(sizes.max())
        if _is_meant(shape, texts, sizes, counts) and len(set(parsed)) > 1:
            return shape, parts
    return None


def _is_meant(
    shape: NumberShape, texts: Sequence[str], sizes: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
) -> bool:
    """Return True if the texts that have a shape show that it is no chance."""
    has_shape, total = sizes > 0, counts[sizes > 0].sum()
    if shape == "size":
        return len(set(sizes[has_shape].tolist())) == 1
    if shape == "range":
        is_range = np.array([_SEPARATORS["range"].search(text) is not None for text in texts]) & has_shape
        hyphenated = sum(bool(_HYPHENATED.search(text)) for text in texts)
        return counts[is_range].sum() >= LEAST_RANGES * total and hyphenated <= MOST_HYPHENATED
    marked = np.array([_is_marked(text, shape) for text in texts]) & has_shape
    return bool(counts[marked].sum() >= LEAST_MARKED * total)


def _is_marked(text: str, shape: NumberShape) -> bool:
    """Return True if a text has a bound, a currency or a large number, or is a number in words."""
    parts = _SEPARATORS[shape].split(text) if shape in _SEPARATORS else [text]
    for part in parts:
        match = _AMOUNT.fullmatch(part.strip())
        if match is None:
            return _in_words(part) is not None
        unit = unit_name((match["unit"] or "").strip())
        if match["bound"] or match["more"] or unit in LARGE_NUMBERS or is_currency((match["before"] or "").strip()):
            return True
    return False


def parse_numbers(text: str, shape: NumberShape) -> _Numbers | None:
    """Return the numbers of a text; None if it has another shape.

    Of a range, a single number is both ends; a bound is the number that it names.
    """
    if shape == "amount":
        number = _parse_amount(text)
        return None if number is None else (number,)
    parts = _SEPARATORS[shape].split(text.strip())
    numbers = [_parse_amount(part) for part in parts]
    if any(number is None for number in numbers) or len(parts) > len(PART_NAMES[shape]):
        return None
    found = tuple(number for number in numbers if number is not None)
    if shape == "range":
        if len(found) == 1:
            return found * 2
        return found if found[0] <= found[1] else None
    return found if len(found) > 1 else None


def _parse_amount(text: str) -> float | None:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        return _in_words(text)
    before, unit = (match["before"] or "").strip(), (match["unit"] or "").strip()
    if before and not is_currency(before):
        return None
    if unit and not is_unit(unit):
        return None
    digits = match["number"].replace("'", "").replace("\u2019", "")
    has_thousands = re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits) is not None
    number = float(digits.replace(",", "" if has_thousands else "."))
    number *= LARGE_NUMBERS.get(unit_name(unit), 1.0) if unit else 1.0
    return -number if match["sign"] else number


def _in_words(text: str) -> float | None:
    """Return a number below a hundred in English words; None for another text."""
    bare = text.strip().casefold()
    if bare in _WORDS:
        return float(_WORDS[bare])
    match = _COMPOUND.fullmatch(bare)
    if match is None or match[1] not in _WORDS or match[2] not in _WORDS:
        return None
    tens, ones = _WORDS[match[1]], _WORDS[match[2]]
    return float(tens + ones) if tens >= 20 and 0 < ones < 10 else None
