"""Text that stays text: only its null words are judged."""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from worker_service.core.parsing.missing import null_words
from worker_service.core.parsing.spec import AnyReadAs, ReadText, Refused
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

_MANY_NAMES = 20
_CODE = re.compile(r"[A-Z]{2}")


def recognise(column: Column) -> AnyReadAs | Refused:
    """Text, with the null words that are missing values here.

    `NA` stays a value among two-letter codes (Namibia, North America), `Null` among names (Christopher Null), a
    minus beside a plus, and a null word that half of the cells hold.
    """
    found, null = column.derive(distinct), column.derive(null_words)
    words = found.values.filter(pa.array(null)).to_pylist()
    counts = dict(zip(words, found.counts[null].tolist(), strict=True))
    kept = {word for word, amount in counts.items() if word.strip() and amount >= 0.5 * len(column)}
    if "NA" in counts and _looks_like_codes(column):
        kept.add("NA")
    if "-" in counts and pc.any(pc.equal(found.values, "+")).as_py():
        kept.add("-")
    if "Null" in counts and _looks_like_names(column):
        kept.add("Null")
    missing = tuple(sorted(set(words) - kept))
    values = found.values.filter(pc.invert(pc.is_in(found.values, value_set=pa.array(missing, found.values.type))))
    padded = pc.any(pc.not_equal(values, pc.utf8_trim_whitespace(values))).as_py() or False
    return ReadText(kind="text", missing=missing, trim=padded)


def _looks_like_codes(column: Column) -> bool:
    found, null = column.derive(distinct), column.derive(null_words)
    values = found.values.filter(pa.array(~null)).to_pylist()
    codes = np.array([bool(_CODE.fullmatch(value.strip())) for value in values], dtype=bool)
    counts = found.counts[~null]
    return len(values) > 1 and int(counts[codes].sum()) > 0.5 * int(counts.sum())


def _looks_like_names(column: Column) -> bool:
    """Whether many different single words with a capital in front are the rule."""
    found, null = column.derive(distinct), column.derive(null_words)
    values = found.values.filter(pa.array(~null))
    titled = pc.match_substring_regex(values, r"^\p{Lu}\p{Ll}+([-' ]\p{Lu}\p{Ll}+)?$")
    return len(values) >= _MANY_NAMES and (pc.sum(titled).as_py() or 0) >= 0.9 * len(values)
