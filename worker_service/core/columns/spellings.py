"""Unusual spellings of the values of a category: letter case, separators, initials and typos."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

import pyarrow as pa
from rapidfuzz.distance import OSA

from worker_service.core.stats.summary import Value
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

MOST_TYPO_CELLS = 3
"""A spelling is a typo only if at most this many cells have it."""
TYPO_SHARE = 0.05
"""A typo has at most this share of the cells with the correct spelling."""
MOST_RARE = 0.02
"""If rare values hold a larger share of all cells, being rare is no sign of a typo."""
SHORTEST_WORD = 5
"""A shorter word may differ from another by a letter without being a typo."""
FREQUENT = 0.05
"""A value with at least this share of the cells is a usual one."""
FEWEST_HAND_TYPED = 3
"""A column with this many different typos of at least two usual values was typed by hand, so that typos may repeat."""
HAND_TYPED_SHARE = 0.5
"""In a column typed by hand, typos are at least this share of the unusual values."""
HAND_TYPED_TYPO_SHARE = 0.1
"""In a column typed by hand, a typo has at most this share of the cells with the correct spelling."""
_KEYBOARD_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn")
RARE_SPELLING = 0.1
"""A spelling with a smaller share of the cells of the most frequent one is no candidate for the usual one."""
SHORTEST_KEY = 3
"""Shorter values are compared with their letter case, because codes of one or two characters may differ by it alone."""

_LETTER = r"[^\W\d_]"
_SEPARATORS = re.compile(rf"(?<={_LETTER})[\s._-]+(?={_LETTER})|\s+")
_INITIALS = re.compile(rf"(?<!\w)({_LETTER}\.){{2,}}")
"""Initials with full stops mean the same without, as U.S.A. and USA."""
_MIXED_CASE = re.compile(r"^[A-Z]{2,}[a-z]|^[a-z]+[A-Z]")
"""Words in which the letter case has a meaning, such as MBps and mRNA."""
_CODE = re.compile(r"\d")
_NON_DIGITS = re.compile(r"\D+")


class Spelling(Value):
    """An unusual spelling, the usual one of the same value, and the number of cells with the unusual one."""

    before: str
    after: str
    count: int


def find_spellings(column: Column) -> tuple[Spelling, ...]:
    """Return the unusual spellings of a category; none if only one value would be left.

    These are values that differ in letter case or separators only, and the typos of a column that was typed by hand.
    """
    counts, keys, usual = _usual_spellings(column)
    totals = _totals(counts, keys)
    typos = _find_hand_typed_typos(totals)
    if len(totals) - len(typos) < 2:
        return ()
    after = {text: usual[typos.get(key, key)] for text, key in keys.items()}
    return tuple(
        Spelling(before=text, after=after[text], count=cells) for text, cells in counts.items() if after[text] != text
    )


def find_possible_typos(column: Column) -> tuple[Spelling, ...]:
    """Return the rare values that look like a typo of a frequent one; only another column could show that they are."""
    counts, keys, usual = _usual_spellings(column)
    totals = _totals(counts, keys)
    typos = dict(_find_rare_typos(totals))
    return tuple(
        Spelling(before=text, after=usual[typos[keys[text]]], count=cells)
        for text, cells in counts.items()
        if keys[text] in typos
    )


def _usual_spellings(column: Column) -> tuple[dict[str, int], dict[str, str], dict[str, str]]:
    """Return the cells of each value, the key of each value, and the usual spelling for each key."""
    levels = column.derive(distinct)
    texts = levels.values.to_pylist()
    counts = {texts[index]: int(levels.counts[index]) for index in levels.by_frequency()}
    keys = {text: _key(text) for text in counts}
    groups: dict[str, list[str]] = {}
    for text, key in keys.items():
        groups.setdefault(key, []).append(text)
    styles: Counter[str] = Counter()
    for group in groups.values():
        styles[_letter_case(group[0])] += _lead(group, counts)
    usual = {key: _choose_spelling(group, counts, styles) for key, group in groups.items()}
    return counts, keys, usual


def _lead(group: list[str], counts: Mapping[str, int]) -> int:
    """Return by how many cells the most frequent spelling of a value leads the next."""
    return counts[group[0]] - (counts[group[1]] if len(group) > 1 else 0)


def _choose_spelling(group: list[str], counts: Mapping[str, int], styles: Mapping[str, int]) -> str:
    """Return the spelling in the letter case that most other values have, among those that are not rare."""
    frequent = [text for text in group if counts[text] >= RARE_SPELLING * counts[group[0]]]
    return max(frequent, key=lambda text: (styles[_letter_case(text)], counts[text]))


def _totals(counts: Mapping[str, int], keys: Mapping[str, str]) -> dict[str, int]:
    """Return the cells of each key."""
    totals = dict.fromkeys(keys.values(), 0)
    for text, cells in counts.items():
        totals[keys[text]] += cells
    return totals


def _letter_case(text: str) -> str:
    if not text[:1].isalpha():
        text = text.lstrip("(\"' ")
    return "upper" if text.isupper() else "lower" if text[:1].islower() else "title"


def merge_spellings(column: Column, spellings: tuple[Spelling, ...]) -> Column:
    """Return the column with the usual spellings; the same column if it has no others."""
    if not spellings:
        return column
    return column.derive(respell_values, tuple((spelling.before, spelling.after) for spelling in spellings))


def respell_values(column: Column, pairs: tuple[tuple[str, str], ...]) -> Column:
    """Return a text column in which the first text of each pair is replaced by the second."""
    levels, replacements = column.derive(distinct), dict(pairs)
    texts = [replacements.get(text, text) for text in levels.values.to_pylist()]
    return Column(levels.spread(pa.array(texts, column.type)))


def _key(text: str) -> str:
    """Return the key that all spellings of the same value share.

    Letter case and separators may distinguish codes such as `ak_hf-1`, so values with digits keep them.
    """
    plain = " ".join(text.split())
    if _CODE.search(plain):
        return plain
    plain = _INITIALS.sub(lambda match: match.group().replace(".", ""), plain)
    if _MIXED_CASE.search(plain):
        return plain
    folded = _SEPARATORS.sub(" ", plain).rstrip(".,;:").casefold()
    return folded if len(folded) >= SHORTEST_KEY else plain


def _find_rare_typos(totals: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield each rare key that is a typo, with the only frequent key that it may stand for."""
    rare = [key for key, cells in totals.items() if key and cells <= MOST_TYPO_CELLS]
    if sum(totals[key] for key in rare) > MOST_RARE * sum(totals.values()):
        return
    for key in rare:
        if _CODE.search(key):
            continue
        fewest = totals[key] / TYPO_SHARE
        candidates = [
            other for other, cells in totals.items() if other and cells >= fewest and _is_misspelled(key, other)
        ]
        if len(candidates) == 1:
            yield key, candidates[0]


def _find_hand_typed_typos(totals: Mapping[str, int]) -> dict[str, str]:
    """Return the unusual keys that differ by one edit from a single usual key, in a column typed by hand."""
    cells = sum(totals.values())
    usual = [key for key, count in totals.items() if count >= FREQUENT * cells]
    others = [key for key in totals if totals[key] < FREQUENT * cells]
    typos = {}
    for key in others:
        candidates = [
            other
            for other in usual
            if totals[key] <= HAND_TYPED_TYPO_SHARE * totals[other] and _is_one_edit(key, other)
        ]
        if len(candidates) == 1:
            typos[key] = candidates[0]
    is_hand_typed = len(typos) >= max(FEWEST_HAND_TYPED, HAND_TYPED_SHARE * len(others))
    return typos if is_hand_typed and len(set(typos.values())) > 1 else {}


def _is_one_edit(rare: str, usual: str) -> bool:
    """Return True if one letter was left out, added, mistyped or swapped with its neighbour."""
    if len(usual) < SHORTEST_WORD or _digits(rare) != _digits(usual):
        return False
    return OSA.distance(rare, usual, score_cutoff=1) == 1


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
