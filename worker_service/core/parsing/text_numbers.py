"""Numbers within texts: amounts with a bound (`10,000+`), ranges (`18 - 29`), sizes (`1920x1080`), and pairs.

Such a column stays text, since no single number says what a cell says; models get its numbers.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Literal, NamedTuple

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
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_AMBIGUOUS = re.compile(r"0\d.*|[1-9]\d{0,2}\.\d{3}|.{19,}")
"""A code with a zero in front, a point between or before thousands, and more digits than a number keeps."""
_LONGEST = 60
"""Longer texts are no amounts."""
_LEAST_DISJOINT = 0.8
"""So many neighbouring ranges with a hyphen alone do not overlap, as those of bins do not."""
_Numbers = tuple[float, ...]


class _Amount(NamedTuple):
    number: float
    unit: str = ""
    factor: float = 1.0

    @property
    def value(self) -> float:
        return self.number * self.factor


def recognise_shape(column: Column) -> tuple[NumberShape, int] | None:
    """Return the shape of the numbers in a column of text, and how many a cell has; None if there are none."""
    cells = column.derive(distinct)
    if not column.is_text or not 1 < len(cells.values) <= MOST_TEXTS:
        return None
    known = ~column.derive(null_word_mask)
    shown = zip(cells.values.to_pylist(), known.tolist(), strict=True)
    texts = [" ".join(text[: 2 * _LONGEST].split()) for text, is_known in shown if is_known]
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
        hyphenated = [text for text in texts if _HYPHENATED.search(text)]
        return counts[is_range].sum() >= LEAST_RANGES * total and _are_bins(hyphenated)
    marked = np.array([_is_marked(text, shape) for text in texts]) & has_shape
    return bool(counts[marked].sum() >= LEAST_MARKED * total)


def _are_bins(texts: Sequence[str]) -> bool:
    """Return True if texts with a hyphen without spaces are ranges of values, and neither codes nor months of years."""
    ends = sorted(numbers for text in texts if (numbers := parse_numbers(text, "range")) is not None)
    disjoint = sum(left[-1] <= right[0] for left, right in pairwise(ends))
    return len(texts) <= MOST_HYPHENATED and disjoint >= _LEAST_DISJOINT * (len(ends) - 1)


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
    """Return the numbers of a text; None if it has another shape, or more than one meaning.

    Of a range, a single number is both ends, a bound is the number that it names, and a unit or a factor of the second
    end alone holds for both.
    """
    text = " ".join(text[: _LONGEST + 1].split())
    if len(text) > _LONGEST:
        return None
    parts = _SEPARATORS[shape].split(text) if shape in _SEPARATORS else [text]
    amounts = [_parse_amount(part) for part in parts]
    if any(amount is None for amount in amounts) or len(parts) > len(PART_NAMES[shape]):
        return None
    known = [amount for amount in amounts if amount is not None]
    if shape == "amount":
        return (known[0].value,)
    if shape == "range":
        return _ends(known)
    return tuple(amount.value for amount in known) if len(known) > 1 else None


def _ends(amounts: Sequence[_Amount]) -> _Numbers | None:
    if len(amounts) == 1:
        return (amounts[0].value,) * 2
    first, last = amounts
    if last.unit and not first.unit:
        first = first._replace(unit=last.unit, factor=last.factor)
    is_comparable = first.unit == last.unit or {first.unit, last.unit} <= {"", *LARGE_NUMBERS}
    return (first.value, last.value) if is_comparable and first.value <= last.value else None


def _parse_amount(text: str) -> _Amount | None:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        return _in_words(text)
    before, unit = (match["before"] or "").strip(), (match["unit"] or "").strip()
    if (before and not is_currency(before)) or (unit and not is_unit(unit)) or _AMBIGUOUS.fullmatch(match["number"]):
        return None
    digits = match["number"].replace("'", "").replace("\u2019", "")
    has_thousands = _THOUSANDS.fullmatch(digits) is not None
    number = float(digits.replace(",", "" if has_thousands else "."))
    name = unit_name(unit) if unit else ""
    return _Amount(-number if match["sign"] else number, name, LARGE_NUMBERS.get(name, 1.0))


def _in_words(text: str) -> _Amount | None:
    """Return a number below a hundred in English words; None for another text."""
    bare = text.strip().casefold()
    if bare in _WORDS:
        return _Amount(float(_WORDS[bare]))
    match = _COMPOUND.fullmatch(bare)
    if match is None or match[1] not in _WORDS or match[2] not in _WORDS:
        return None
    tens, ones = _WORDS[match[1]], _WORDS[match[2]]
    return _Amount(float(tens + ones)) if tens >= 20 and 0 < ones < 10 else None
