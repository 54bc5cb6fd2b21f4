"""Columns that name the source of a row, where several sources report the same thing.

There the rows about a thing, as the flight in a table of reports by websites, repeat what is true of it and differ
only where a source is wrong. Each source reports a thing once.
"""

import re
from collections.abc import Mapping

import numpy as np
import pyarrow.compute as pc

from worker_service.core.relations.determinants import Codes
from worker_service.core.table.distinct import distinct
from worker_service.core.table.frame import Column

FEWEST_SOURCES, MOST_SOURCES = 3, 100
FEWEST_REPORTS = 5
"""Each source has at least so many rows;"""
FEWEST_SHARED = 3
"""and a thing has on average so many."""
LEAST_UNIQUE = 0.99
"""At least this share of the rows are the only one of their source about their thing."""
_ORDERED = re.compile(
    r"\d|^(jan|feb|mar|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz]|mon|tue|wed|thu|fri|sat|sun|spring|summer|autumn|"
    r"fall|winter|first|second|third|before|after|pre|post|baseline)",
    re.IGNORECASE,
)
"""Times and turns, between which a value may really change."""


def find_reported(columns: Mapping[str, Column]) -> frozenset[str]:
    """Return the columns that identify things which several sources report.

    Args:
        columns: columns of repeated values, by name.
    """
    codes = {name: column.derive(distinct).codes.astype(np.int64) for name, column in columns.items()}
    sources = [name for name, column in columns.items() if _may_name_sources(column)]
    return frozenset(
        name
        for name in columns
        if any(source != name and _reports_once(codes[source], codes[name]) for source in sources)
    )


def _may_name_sources(column: Column) -> bool:
    if not column.is_text:
        return False
    levels = column.derive(distinct)
    if not FEWEST_SOURCES <= len(levels.values) <= MOST_SOURCES or levels.counts.min() < FEWEST_REPORTS:
        return False
    return not pc.any(pc.match_substring_regex(levels.values, _ORDERED.pattern, ignore_case=True)).as_py()


def _reports_once(source: Codes, key: Codes) -> bool:
    """Return True if most things have several rows, each from another source."""
    known = (source >= 0) & (key >= 0)
    rows, width = int(known.sum()), int(source.max(initial=0)) + 1
    # Most pairs of columns have too few pairs of values for so many rows, which a count shows.
    if not rows or (int(key.max(initial=0)) + 1) * width < LEAST_UNIQUE * rows:
        return False
    if rows < FEWEST_SHARED * np.count_nonzero(np.bincount(key[known])):
        return False
    _, counts = np.unique(key[known] * width + source[known], return_counts=True)
    return bool((counts == 1).sum() >= LEAST_UNIQUE * rows)
