"""The stored profile of a run, made small enough to be sent."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

MOST_TOP_VALUES = 20
MOST_SPELLINGS = 100
MOST_PAIRS = 500
LONGEST_VALUE = 1000
"""Characters; a longer value ends in an ellipsis."""

Document = Mapping[str, Any]


def sendable(profile: Document) -> dict[str, Any]:
    """The parts of a stored profile that are promised, their lists cut to the promised length.

    Whatever else a profile holds stays in it: later versions of the worker may store more.
    """
    found = profile["correlation"]
    return {
        **{name: profile[name] for name in ("rows", "time_column", "target")},
        "duplicate_rows": profile["duplicates"]["count"],
        **{name: profile[name] for name in ("quality", "alerts")},
        "columns": [_column(column) for column in profile["columns"]],
        "correlations": list(islice(_pairs(found), MOST_PAIRS)) if found else [],
        "correlation_rows": found["sampled_rows"] if found else 0,
    }


def _column(column: Document) -> dict[str, Any]:
    return {
        **column,
        "semantic_type": (column["semantic_type"] or {}).get("name"),
        "spellings": column["spellings"][:MOST_SPELLINGS],
        "spelling_count": len(column["spellings"]),
        "invalid_examples": [_cut(text) for text in column["invalid_examples"]],
        "top_values": [{**one, "value": _cut(one["value"])} for one in column["top_values"][:MOST_TOP_VALUES]],
    }


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _pairs(found: Document) -> Iterator[dict[str, Any]]:
    """The pairs of different columns, those that go together most strongly first."""
    names, matrix = found["columns"], found["matrix"]
    pairs = [
        {"first": names[earlier], "second": names[later], "coefficient": matrix[later][earlier]}
        for later in range(len(names))
        for earlier in range(later)
        if matrix[later][earlier] is not None
    ]
    yield from sorted(pairs, key=lambda pair: -abs(pair["coefficient"]))
