"""Unusual spellings of the values of a category: letter case, separators, initials, and the typos of the column."""

import re
from collections import Counter
from collections.abc import Mapping

import pyarrow as pa

from worker_service.core.columns.typos import find_mistyped, find_possible
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column
from worker_service.core.value import Value

RARE_SPELLING = 0.25
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


class Spelling(Value):
    """An unusual spelling, the usual one of the same value, and the number of cells with the unusual one."""

    before: str
    after: str
    count: int


def find_spellings(column: Column) -> tuple[Spelling, ...]:
    """Return the unusual spellings of a category; none if only one value would be left.

    These are values that differ in letter case or separators only, and the typos of a column that was mistyped.
    """
    counts, keys, usual = _usual_spellings(column)
    totals = _totals(counts, keys)
    typos = find_mistyped(totals)
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
    typos = dict(find_possible(totals))
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
