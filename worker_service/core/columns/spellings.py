"""Categories that are spelled in more than one way."""

import re
from collections.abc import Iterator, Mapping

import pyarrow as pa
from rapidfuzz.distance import OSA

from worker_service.core.stats.summary import Value
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

MOST_SLIPS = 3
"""A spelling with a wrong letter is taken for a slip where at most so many cells have it,"""
SLIP_SHARE = 0.05
"""which are at most this share of the cells with the right one."""
MOST_RARE = 0.02
"""Where values that rare hold a larger share of all cells, being rare is no sign of a slip."""
SHORTEST_WORD = 5
FREQUENT = 0.05
"""A value that fills this share of the cells is one of the usual ones."""
FEWEST_TYPED = 3
"""Where so many different slips of usual values are found"""
TYPED_SHARE = 0.5
"""of more than one usual value, and they are this share of all unusual ones, the column was typed by hand: the same
slip may repeat,"""
TYPED_SLIP_SHARE = 0.1
"""in at most this share of the cells with the right spelling."""
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn")
SHORTEST_KEY = 3
"""Codes of one or two characters may differ by case alone."""

_LETTER = r"[^\W\d_]"
_SEPARATORS = re.compile(rf"(?<={_LETTER})[\s._-]+(?={_LETTER})|\s+")
_INITIALS = re.compile(rf"(?<!\w)({_LETTER}\.){{2,}}")
"""U.S.A. says what USA says."""
_MIXED = re.compile(r"^[A-Z]{2,}[a-z]|^[a-z]+[A-Z]")
"""Capitals in such places mean something: MBps, mRNA."""
_DIGITS = re.compile(r"\D+")


class Spelling(Value):
    """A spelling, the usual one of the same value, and how many cells have the unusual one."""

    before: str
    after: str
    count: int


def find_spellings(column: Column) -> tuple[Spelling, ...]:
    """The unusual spellings of a category; none if only one value would be left."""
    levels = column.derive(distinct)
    texts = levels.values.to_pylist()
    counts = {texts[place]: int(levels.counts[place]) for place in levels.by_frequency()}
    usual: dict[str, str] = {}
    keys = {text: _key(text) for text in counts}
    variants = {text: first for text in counts if (first := usual.setdefault(keys[text], text)) != text}
    totals = dict.fromkeys(usual, 0)
    for text, amount in counts.items():
        totals[keys[text]] += amount
    slips = {**dict(_slips(totals)), **_typed(totals)}
    if len(totals) - len(slips) < 2:
        return ()
    ends = {text: usual[slips.get(key, key)] for text, key in keys.items() if text in variants or key in slips}
    return tuple(Spelling(before=text, after=after, count=counts[text]) for text, after in ends.items())


def merged(column: Column, spellings: tuple[Spelling, ...]) -> Column:
    """The column with the usual spellings; the same column where it has no others."""
    if not spellings:
        return column
    return column.derive(respelled, tuple((spelling.before, spelling.after) for spelling in spellings))


def respelled(column: Column, pairs: tuple[tuple[str, str], ...]) -> Column:
    """A text column in which the first text of each pair is replaced by the second."""
    levels, replacements = column.derive(distinct), dict(pairs)
    texts = [replacements.get(text, text) for text in levels.values.to_pylist()]
    return Column(levels.spread(pa.array(texts, column.type)))


def _key(text: str) -> str:
    """What spellings of the same value have in common."""
    plain = " ".join(text.split())
    plain = _INITIALS.sub(lambda found: found.group().replace(".", ""), plain)
    if _MIXED.search(plain):
        return plain
    folded = _SEPARATORS.sub(" ", plain).rstrip(".,;:").casefold()
    return folded if len(folded) >= SHORTEST_KEY else plain


def _slips(totals: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Rare keys, each with the one frequent key it is a slip of."""
    rare = [key for key, amount in totals.items() if key and amount <= MOST_SLIPS]
    if sum(totals[key] for key in rare) > MOST_RARE * sum(totals.values()):
        return
    for key in rare:
        enough = totals[key] / SLIP_SHARE
        meant = [other for other, amount in totals.items() if other and amount >= enough and _is_slip(key, other)]
        if len(meant) == 1:
            yield key, meant[0]


def _typed(totals: Mapping[str, int]) -> dict[str, str]:
    """Unusual keys, each one slip away from one usual key, in a column where that is the rule."""
    cells = sum(totals.values())
    usual = [key for key, amount in totals.items() if amount >= FREQUENT * cells]
    others = [key for key in totals if totals[key] < FREQUENT * cells]
    found = {}
    for key in others:
        near = [one for one in usual if totals[key] <= TYPED_SLIP_SHARE * totals[one] and _is_one_slip(key, one)]
        if len(near) == 1:
            found[key] = near[0]
    enough = len(found) >= max(FEWEST_TYPED, TYPED_SHARE * len(others))
    return found if enough and len(set(found.values())) > 1 else {}


def _is_one_slip(rare: str, usual: str) -> bool:
    """Whether one letter was left out, doubled, mistyped or swapped with its neighbour."""
    if len(usual) < SHORTEST_WORD or _DIGITS.sub("", rare) != _DIGITS.sub("", usual):
        return False
    return OSA.distance(rare, usual, score_cutoff=1) == 1


def _is_slip(rare: str, usual: str) -> bool:
    """Whether one word was mistyped, not in its first letter; its digits, if any, are the same."""
    if rare[0] != usual[0] or abs(len(rare) - len(usual)) > 2 or _DIGITS.sub("", rare) != _DIGITS.sub("", usual):
        return False
    words = list(zip(rare.split(), usual.split(), strict=False))
    different = [(left, right) for left, right in words if left != right]
    if len(rare.split()) != len(usual.split()) or len(different) != 1:
        return False
    left, right = different[0]
    return left[0] == right[0] and min(len(left), len(right)) >= SHORTEST_WORD and _mistyped(left, right)


def _mistyped(rare: str, usual: str) -> bool:
    """Whether fingers rather than meaning make the difference.

    Two letters swapped, one left out, doubled or put in before the last, or a neighbour on the keyboard: `nitrite` is
    no slip of `nitrate`, nor `Gabriela` of `Gabriel`, nor `oranges` of `orange`.
    """
    if OSA.distance(rare, usual, score_cutoff=1) != 1:
        return False
    start = next((place for place, pair in enumerate(zip(rare, usual, strict=False)) if pair[0] != pair[1]), -1)
    if len(rare) == len(usual):
        return (
            rare[start + 1] == usual[start]
            if rare[start + 1 :] != usual[start + 1 :]
            else _near(rare[start], usual[start])
        )
    longer = max(rare, usual, key=len)
    return start >= 0 or longer[-1] == longer[-2]


def _near(one: str, other: str) -> bool:
    """Whether two letters lie side by side on a keyboard."""
    return any(other in row[max(0, row.find(one) - 1) : row.find(one) + 2] for row in _KEYS if one in row)
