"""Typos: rare values of a category that look like a frequent one, and whether the column shows that it was mistyped.

A rare value beside a frequent one that differs by a letter can be another true value. How often that happens shows in
the frequent values, which are true: the share of them that have a neighbour among the others. Where far more of the
rare values have a neighbour, nearly all of those were mistyped.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA
from rapidfuzz.process import cdist

MOST_TYPO_CELLS = 3
"""A value in more cells is not one of the rare ones that are counted."""
TYPO_SHARE = 0.05
"""Where nothing shows that a column was mistyped, a possible typo has at most this share of the cells of its value;"""
MISTYPED_SHARE = 0.1
"""in a mistyped column, at most this one, so that a typo may repeat;"""
ATTACHED_SHARE = 0.3
"""and a value with marks attached at most this one."""
FEWEST_USUAL = 4
"""A value in so many cells is a usual one."""
FEWEST_TYPOS = 3
"""A column is mistyped if it has so many different typos of at least two usual values,"""
LEAST_CERTAINTY = 0.95
"""and if by its own values this share of them are typos."""
PRIOR_VALUES = 20
"""The natural share of values with a neighbour is estimated as if so many more had been seen, one of them with one."""
SHORTEST_WORD = 5
"""A shorter word may differ from another by a letter without being a typo."""
LONG_TEXT, MOST_EDITS = 12, 2
"""A text of so many characters may have so many wrong letters, a shorter one has one."""
MOST_PAIRS = 2_000_000
"""At most so many pairs of values are compared, those with the most frequent ones first."""
MOST_RARE = 0.02
"""Where rare values hold a larger share of all cells, being rare alone is no sign of a typo."""
_TOO_MANY = MOST_EDITS + 1
_KEYBOARD_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn")
_DIGIT = re.compile(r"\d")
_NON_DIGITS = re.compile(r"\D+")
_WORD = re.compile(r"[^\W\d_]+")
_ATTACHED = re.compile(r"^[\s\"'`*?!_~^]+(?=[^\W\d])|(?<=[^\W\d])(?:[-+][*?!~^]|[\s\"'`*?!_~^])[-+\s\"'`*?!_~^]*$")
"""Marks beside a letter at the ends of a text; a single plus or minus has a meaning in A+, and a quote in 5'6"."""


def find_mistyped(totals: Mapping[str, int]) -> dict[str, str]:
    """Return the typos of a column that shows that it was mistyped, each with the value that it stands for.

    Args:
        totals: the cells with each value, in lower case.
    """
    attached = dict(_find_attached(totals))
    if len(set(attached.values())) < 2:
        attached = {}
    rest = {text: cells for text, cells in totals.items() if text not in attached}
    usual = _usual_values(rest)
    typos = _find_neighbours(rest, usual)
    return attached | (typos if _has_typing_errors(typos, rest, usual) else {})


def find_possible(totals: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield each rare value that looks mistyped, with the only frequent value that it may stand for."""
    rare = [text for text, cells in totals.items() if text and cells <= MOST_TYPO_CELLS and not _DIGIT.search(text)]
    if sum(totals[text] for text in rare) > MOST_RARE * sum(totals.values()):
        return
    for text in rare:
        fewest = totals[text] / TYPO_SHARE
        candidates = [
            other for other, cells in totals.items() if other and cells >= fewest and _is_misspelled(text, other)
        ]
        if len(candidates) == 1:
            yield text, candidates[0]


def _usual_values(totals: Mapping[str, int]) -> list[str]:
    """Return the usual values, the most frequent first."""
    usual = [text for text, cells in totals.items() if cells >= FEWEST_USUAL and len(text) >= SHORTEST_WORD]
    usual.sort(key=lambda text: -totals[text])
    return usual[: max(1, MOST_PAIRS // max(1, len(totals)))]


def _find_attached(totals: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the rare values that are a usual one with marks attached, or written twice."""
    for text, cells in totals.items():
        for candidate in (_ATTACHED.sub("", text), _half(text)):
            if candidate != text and totals.get(candidate, 0) >= max(FEWEST_USUAL, cells / ATTACHED_SHARE):
                yield text, candidate
                break


def _half(text: str) -> str:
    """Return what a text repeats, with or without a separator; the text itself if it repeats nothing."""
    middle = len(text) // 2
    for start, end in ((middle, middle), (middle, middle + 1)):
        separator = text[start:end]
        if middle >= SHORTEST_WORD and text[:start] == text[end:] and not separator.isalnum():
            return text[:start]
    return text


def _find_neighbours(totals: Mapping[str, int], usual: Sequence[str]) -> dict[str, str]:
    """Return the values that differ by a letter from a far more frequent one, and from no other as little."""
    most = max(totals.values(), default=0)
    rare = [text for text, cells in totals.items() if text and cells <= MISTYPED_SHARE * most]
    if not rare or not usual:
        return {}
    edits = _count_edits(rare, usual)
    cells = np.array([totals[text] for text in rare])[:, None]
    edits[np.array([totals[text] for text in usual]) * MISTYPED_SHARE < cells] = _TOO_MANY
    nearest = edits.min(axis=1)
    is_clear = (nearest < _TOO_MANY) & ((edits == nearest[:, None]).sum(axis=1) == 1)
    typos = {rare[row]: usual[int(edits[row].argmin())] for row in np.flatnonzero(is_clear)}
    return {text: other for text, other in typos.items() if _differ_in_words(text, other)}


def _differ_in_words(text: str, usual: str) -> bool:
    """Return True if no digit differs, and beside digits no letter of a short word, which may be a part of a code."""
    if _digits(text) != _digits(usual):
        return False
    if not _digits(usual):
        return True
    words, usual_words = _WORD.findall(text), _WORD.findall(usual)
    different = [pair[1] for pair in zip(words, usual_words, strict=False) if pair[0] != pair[1]]
    return len(words) == len(usual_words) and all(len(word) >= SHORTEST_WORD for word in different)


def _count_edits(texts: Sequence[str], usual: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Return the wrong letters of each text if it stands for each usual value; `_TOO_MANY` where it can't."""
    edits = cdist(texts, usual, scorer=OSA.distance, score_cutoff=MOST_EDITS, dtype=np.uint8)
    most = np.array([MOST_EDITS if len(text) >= LONG_TEXT else 1 for text in usual])
    edits[(edits == 0) | (edits > most)] = _TOO_MANY
    return edits


def _has_typing_errors(typos: Mapping[str, str], totals: Mapping[str, int], usual: Sequence[str]) -> bool:
    """Return True if far more of the rare values have a neighbour than of the usual ones.

    The last letter is not counted, because grammar changes it.
    """
    counted = {text: other for text, other in typos.items() if text[-1] == other[-1]}
    if len(counted) < FEWEST_TYPOS or len(set(counted.values())) < 2:
        return False
    rare = sum(cells <= MOST_TYPO_CELLS or text in counted for text, cells in totals.items())
    share = len(counted) / (rare - (len(typos) - len(counted)) + 1)
    pairs = np.argwhere(_count_edits(usual, usual) < _TOO_MANY)
    neighbours = {row for row, column in pairs.tolist() if _digits(usual[row]) == _digits(usual[column])}
    natural = (len(neighbours) + 1) / (len(usual) + PRIOR_VALUES)
    return share > natural and (share - natural) / (share * (1 - natural)) >= LEAST_CERTAINTY


def _digits(text: str) -> str:
    return _NON_DIGITS.sub("", text)


def _is_misspelled(rare: str, usual: str) -> bool:
    """Return True if one word was mistyped, but not its first letter nor a digit."""
    if rare[0] != usual[0] or abs(len(rare) - len(usual)) > 2 or _digits(rare) != _digits(usual):
        return False
    words = list(zip(rare.split(), usual.split(), strict=False))
    different = [(left, right) for left, right in words if left != right]
    if len(rare.split()) != len(usual.split()) or len(different) != 1:
        return False
    left, right = different[0]
    return left[0] == right[0] and min(len(left), len(right)) >= SHORTEST_WORD and _is_mistyped(left, right)


def _is_mistyped(rare: str, usual: str) -> bool:
    """Return True if the difference is one of typing rather than of meaning.

    That is two letters swapped, a letter left out, doubled or inserted before the last one, or replaced by a neighbour
    on the keyboard. `nitrite` is no typo of `nitrate`, nor `Gabriela` of `Gabriel`, nor `oranges` of `orange`.
    """
    if OSA.distance(rare, usual, score_cutoff=1) != 1:
        return False
    start = next((index for index, pair in enumerate(zip(rare, usual, strict=False)) if pair[0] != pair[1]), -1)
    if len(rare) == len(usual):
        if rare[start + 1 :] == usual[start + 1 :]:
            return _is_adjacent_key(rare[start], usual[start])
        return rare[start + 1] == usual[start]
    longer = max(rare, usual, key=len)
    return start >= 0 or longer[-1] == longer[-2]


def _is_adjacent_key(letter: str, other: str) -> bool:
    """Return True if two letters are side by side on a keyboard."""
    rows = ((row, row.find(letter)) for row in _KEYBOARD_ROWS if letter in row)
    return any(other in row[max(0, index - 1) : index + 2] for row, index in rows)
