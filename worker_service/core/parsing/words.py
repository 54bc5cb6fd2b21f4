"""Text that stays text, with the null words that stand for missing in it."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.parsing.missing import PUNCTUATION, null_word_mask
from worker_service.core.parsing.spec import AnyReadAs, ReadText, Refused
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column, Mask

_FEWEST_NAMES = 20
FEWEST_MARKS = 3
MOST_REPEATED_SHARE = 0.5
"""If more of the cells are different, the values are names or titles, and `Missing` may be one of them."""
_NAMES_OF_PLACES = ("Nan", "NAN", "Na")
_TWO_LETTER_CODE = re.compile(r"[A-Z]{2}")


def recognise(column: Column) -> AnyReadAs | Refused:
    """Return a text spec with the null words that stand for missing in this column.

    A null word stays a value where it plausibly is one: `NA` among two-letter codes (Namibia, North America), `Null`
    among names (Christopher Null), `Nan` and `NAN` (a town, an airport), `Missing` among titles, a minus if there is a
    plus, and any word that half of the cells hold. Marks such as `***` are null words where they are repeated.
    """
    distinct_values = column.derive(distinct)
    is_null = column.derive(null_word_mask) | _repeated_marks(column)
    words = distinct_values.values.filter(pa.array(is_null)).to_pylist()
    counts = dict(zip(words, distinct_values.counts[is_null].tolist(), strict=True))
    kept = {word for word, cells in counts.items() if word.strip() and cells >= 0.5 * len(column)}
    if "NA" in counts and _has_mostly_codes(column):
        kept.add("NA")
    if "-" in counts and pc.any(pc.equal(distinct_values.values, "+")).as_py():
        kept.add("-")
    if "Null" in counts and _has_mostly_names(column):
        kept.add("Null")
    kept |= {word for word in counts if word.strip() in _NAMES_OF_PLACES}
    if len(distinct_values.values) > MOST_REPEATED_SHARE * distinct_values.counts.sum():
        kept |= {word for word in counts if word.strip().lower() == "missing"}
    missing = tuple(sorted(set(words) - kept))
    is_missing = pc.is_in(distinct_values.values, value_set=pa.array(missing, distinct_values.values.type))
    values = distinct_values.values.filter(pc.invert(is_missing))
    is_padded = pc.any(pc.not_equal(values, pc.utf8_trim_whitespace(values))).as_py() or False
    return ReadText(kind="text", missing=missing, trim=is_padded)


def _repeated_marks(column: Column) -> Mask:
    """Return the mask of the distinct values that are marks without a letter or digit, and repeated."""
    distinct_values = column.derive(distinct)
    is_mark = pc.match_substring_regex(distinct_values.values, PUNCTUATION)
    repeated: Mask = (distinct_values.counts >= FEWEST_MARKS) & is_mark.to_numpy(zero_copy_only=False).astype(bool)
    return repeated


def _has_mostly_codes(column: Column) -> bool:
    distinct_values, is_null = column.derive(distinct), column.derive(null_word_mask)
    values = distinct_values.values.filter(pa.array(~is_null)).to_pylist()
    codes = np.array([bool(_TWO_LETTER_CODE.fullmatch(value.strip())) for value in values], dtype=bool)
    counts = distinct_values.counts[~is_null]
    return len(values) > 1 and int(counts[codes].sum()) > 0.5 * int(counts.sum())


def _has_mostly_names(column: Column) -> bool:
    """Return True if nearly all values are capitalised words, and there are many of them."""
    distinct_values, is_null = column.derive(distinct), column.derive(null_word_mask)
    values = distinct_values.values.filter(pa.array(~is_null))
    capitalised = pc.match_substring_regex(values, r"^\p{Lu}\p{Ll}+([-' ]\p{Lu}\p{Ll}+)?$")
    return len(values) >= _FEWEST_NAMES and (pc.sum(capitalised).as_py() or 0) >= 0.9 * len(values)
