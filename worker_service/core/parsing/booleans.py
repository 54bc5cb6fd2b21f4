"""Words for true and false."""

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.parsing.missing import null_spellings, null_word_mask, sample_cells
from worker_service.core.parsing.parse import parse
from worker_service.core.parsing.spec import AnyReadAs, ReadBoolean, Refused
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

TRUE_WORDS = ("true", "yes", "y", "t")
FALSE_WORDS = ("false", "no", "n", "f")
PAIRS = (
    *(("ja", "nein"), ("j", "n"), ("wahr", "falsch"), ("oui", "non"), ("o", "n"), ("vrai", "faux"), ("si", "no")),
    *(("sí", "no"), ("sì", "no"), ("verdadero", "falso"), ("vero", "falso"), ("sim", "não"), ("sim", "nao")),
    *(("verdadeiro", "falso"), ("ja", "nee"), ("waar", "onwaar"), ("ja", "nej"), ("ja", "nei"), ("sant", "falskt")),
    *(("tak", "nie"), ("prawda", "fałsz"), ("да", "нет"), ("истина", "ложь"), ("evet", "hayır"), ("ano", "ne")),
    *(("kyllä", "ei"), ("はい", "いいえ"), ("是", "否")),
)
"""Words for true and for false of German, French, Spanish, Italian, Portuguese, Dutch, the North, Polish and others."""
_ALL_TRUE_WORDS = frozenset((*TRUE_WORDS, *(true for true, _ in PAIRS)))
_ALL_FALSE_WORDS = frozenset((*FALSE_WORDS, *(false for _, false in PAIRS)))
_ALL_WORDS = _ALL_TRUE_WORDS | _ALL_FALSE_WORDS


def _are_pairs(words: Collection[str]) -> bool:
    """Return True if every word belongs to a pair that is there: `nie` is false beside `tak`, and never beside `ja`."""
    english = set(words) & {*TRUE_WORDS, *FALSE_WORDS}
    is_english = bool(english & set(TRUE_WORDS)) and bool(english & set(FALSE_WORDS))
    paired = {word for pair in PAIRS if set(pair) <= set(words) for word in pair} | (english if is_english else set())
    return paired == set(words)


def recognise(column: Column) -> AnyReadAs | Refused:
    """Return a boolean spec if every known cell is a word for true or false and both occur.

    A single other cell is enough to refuse, because a rare third answer is a category and not an error.
    """
    if not all(cell.lower() in _ALL_WORDS for cell in column.derive(sample_cells)):
        return Refused()
    known = column.derive(distinct).values.filter(pa.array(~column.derive(null_word_mask)))
    words = known.to_pylist()
    true = tuple(word for word in words if word.strip().lower() in _ALL_TRUE_WORDS)
    false = tuple(word for word in words if word.strip().lower() in _ALL_FALSE_WORDS)
    lowered = {word.strip().lower() for word in words}
    if not true or not false or len(true) + len(false) < len(words) or not _are_pairs(lowered):
        return Refused()
    return ReadBoolean(kind="boolean", missing=column.derive(null_spellings), true=true, false=false)


def recognise_best_fit(column: Column) -> AnyReadAs:
    """Return a boolean spec with the words for true and false that occur, including 1 and 0."""
    words = column.derive(distinct).values.to_pylist()
    return ReadBoolean(
        kind="boolean",
        missing=column.derive(null_spellings),
        true=tuple(word for word in words if word.strip().lower() in (*_ALL_TRUE_WORDS, "1")),
        false=tuple(word for word in words if word.strip().lower() in (*_ALL_FALSE_WORDS, "0")),
    )


@parse.register
def _parse_booleans(spec: ReadBoolean, values: pa.Array) -> pa.Array:
    true = pc.is_in(values, value_set=pa.array(spec.true, values.type))
    false = pc.is_in(values, value_set=pa.array(spec.false, values.type))
    return pc.if_else(pc.or_(true, false), true, pa.scalar(None, pa.bool_()))
