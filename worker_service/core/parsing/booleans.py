"""Words for true and false."""

import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.parsing.missing import null_spellings, null_word_mask, sample_cells
from worker_service.core.parsing.parse import parse
from worker_service.core.parsing.spec import AnyReadAs, ReadBoolean, Refused
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

TRUE_WORDS = ("true", "yes", "y", "t")
FALSE_WORDS = ("false", "no", "n", "f")
_OTHER_TRUE_WORDS = (
    *("ja", "j", "wahr", "oui", "vrai", "si", "sí", "sì", "verdadero", "vero", "sim", "verdadeiro", "waar"),
    *("sand", "sant", "tak", "prawda", "да", "истина", "evet", "ano", "kyllä", "はい", "是"),
)
_OTHER_FALSE_WORDS = (
    *("nein", "falsch", "non", "faux", "falso", "não", "nao", "nee", "onwaar", "nej", "nei", "falsk", "falskt"),
    *("nie", "fałsz", "нет", "ложь", "hayır", "hayir", "ne", "ei", "いいえ", "否"),
)
"""Words of German, French, Spanish, Italian, Portuguese, Dutch, the languages of the North, Polish and others."""
_ALL_TRUE_WORDS, _ALL_FALSE_WORDS = TRUE_WORDS + _OTHER_TRUE_WORDS, FALSE_WORDS + _OTHER_FALSE_WORDS
_ALL_WORDS = frozenset(_ALL_TRUE_WORDS + _ALL_FALSE_WORDS)


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
    if not true or not false or len(true) + len(false) < len(words):
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
