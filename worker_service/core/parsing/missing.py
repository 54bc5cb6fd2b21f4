"""Words that people and programs write where a value is missing."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

NULL_WORDS = ("", "na", "n/a", "nan", "null", "-", "--", "?", "missing", "#n/a", "\\n", "k.a.", "#value!", "#ref!")
NONE_WORDS = ("none", "nil")
"""Words that mean missing only where a program wrote them; a person who writes them among words means none of it."""
PUNCTUATION = r"^\s*(\*+|-{2,}|\.{2,}|…+|\?+|_{2,}|#+)\s*$"
"""Marks without a letter or digit, which mean missing where they are repeated."""

REFUSALS = ("refused", "declined", "prefer not to say", "rather not say", "no answer", "withheld")
"""Answers of people who would not give the value."""
QUANTITY_NULL_WORDS = (
    *NULL_WORDS,
    *NONE_WORDS,
    *REFUSALS,
    *("***", "**", "*", ".", "...", "..", "…", "???", "??", "---", "____"),
    # German, French, Spanish, Italian, Portuguese, Dutch, Polish, Swedish, Russian, Chinese, Japanese
    *("keine angabe", "k. a.", "unbekannt", "fehlt", "nicht verfügbar", "ohne angabe", "o.a."),
    *("inconnu", "inconnue", "non disponible", "manquant", "non renseigné", "nd", "n.d.", "n.c."),
    *("desconocido", "no disponible", "sin dato", "sin datos", "s/d", "no aplica"),
    *("sconosciuto", "non disponibile", "mancante", "desconhecido", "não disponível", "sem dados"),
    *("onbekend", "niet beschikbaar", "n.v.t.", "brak", "brak danych", "nieznany", "b.d.", "okänd", "saknas"),
    *("нет данных", "неизвестно", "н/д", "未知", "缺失", "不详", "不明", "欠損"),
    "unknown",
    "unk",
    "not known",
    "not available",
    "not applicable",
    "not given",
    "not provided",
    "not reported",
    "not recorded",
    "no data",
    "n.a.",
    "n/k",
    "undefined",
    "tbd",
    "tba",
    "pending",
    "dk",
    "don't know",
)
"""The words that stand for missing among numbers and dates; among other text some of them may be valid answers."""

_LETTER_CASES = (str, str.upper, str.title)
_COMMON_NULL_SPELLINGS = pa.array(sorted({convert(word) for word in NULL_WORDS for convert in _LETTER_CASES} | {"NaN"}))


def common_null_spellings(column: Column) -> tuple[str, ...]:
    """Return the null words of a text column that are in lower, upper or title case without surrounding spaces."""
    matches = column.array.filter(pc.is_in(column.array, value_set=_COMMON_NULL_SPELLINGS))
    return tuple(sorted(matches.unique().to_pylist()))


def null_word_mask(column: Column, words: tuple[str, ...] = NULL_WORDS) -> npt.NDArray[np.bool_]:
    """Return a mask of the distinct values that are null words, in any letter case, with or without outer spaces."""
    values = column.derive(distinct).values
    trimmed = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    return np.asarray(pc.is_in(trimmed, value_set=pa.array(words)).to_numpy(zero_copy_only=False), dtype=bool)


def null_spellings(column: Column, words: tuple[str, ...] = NULL_WORDS) -> tuple[str, ...]:
    """Return every null word of a text column, exactly as it is written there."""
    values = column.derive(distinct).values
    return tuple(sorted(values.filter(pa.array(column.derive(null_word_mask, words))).to_pylist()))


def replace_with_null(text: pa.Array, missing: tuple[str, ...]) -> pa.Array:
    """Return the text with null in place of the given spellings."""
    if not missing:
        return text
    return pc.if_else(pc.is_in(text, value_set=pa.array(missing, text.type)), pa.scalar(None, text.type), text)


def sample_cells(column: Column, words: tuple[str, ...] = NULL_WORDS) -> tuple[str, ...]:
    """Return up to 256 evenly spaced cells of a text column, trimmed and without null words.

    They are enough to rule a recogniser out.
    """
    step = max(1, len(column) // 256)
    cells = column.array.take(pa.array(np.arange(0, len(column), step)[:256])).to_pylist()
    trimmed = [cell.strip() for cell in cells if cell is not None]
    unknown = frozenset(words)
    return tuple([cell for cell in trimmed if cell.lower() not in unknown])
