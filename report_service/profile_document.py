"""The stored profile of a run, trimmed to a size that fits into a message."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from shared.contracts.vocabulary import DEFAULT_PRIVACY

MAX_TOP_VALUES = 20
MAX_SPELLINGS = 100
MAX_PAIRS = 500
MAX_VALUE_CHARACTERS = 1000
"""A longer value is truncated and ends with an ellipsis."""

Document = Mapping[str, Any]


def trim_profile(profile: Document) -> dict[str, Any]:
    """Return the documented parts of a stored profile, with long lists and values cut.

    Other fields of the document are left out: later versions of the worker may store more.
    """
    correlation = profile["correlation"]
    return {
        **{name: profile[name] for name in ("rows", "time_column")},
        "target": {"candidates": [], **profile["target"]},
        "duplicate_rows": profile["duplicates"]["count"],
        **{name: profile[name] for name in ("quality", "alerts")},
        "cleaned_quality": profile.get("cleaned_quality"),
        "columns": [_trim_column(column) for column in profile["columns"]],
        "correlations": list(islice(_strongest_pairs(correlation), MAX_PAIRS)) if correlation else [],
        "correlation_rows": correlation["sampled_rows"] if correlation else 0,
    }


def _trim_column(column: Document) -> dict[str, Any]:
    return {
        "personal_data": None,
        "privacy": DEFAULT_PRIVACY,
        **column,
        "semantic_type": (column["semantic_type"] or {}).get("name"),
        "spellings": column["spellings"][:MAX_SPELLINGS],
        "spelling_count": len(column["spellings"]),
        "invalid_examples": [_truncate(text) for text in column["invalid_examples"]],
        "top_values": [{**top, "value": _truncate(top["value"])} for top in column["top_values"][:MAX_TOP_VALUES]],
    }


def _truncate(text: str) -> str:
    return text if len(text) <= MAX_VALUE_CHARACTERS else text[: MAX_VALUE_CHARACTERS - 1] + "…"


def _strongest_pairs(correlation: Document) -> Iterator[dict[str, Any]]:
    """Yield the pairs of different columns, the strongest correlation first."""
    names, matrix = correlation["columns"], correlation["matrix"]
    pairs = [
        {"first": names[earlier], "second": names[later], "coefficient": matrix[later][earlier]}
        for later in range(len(names))
        for earlier in range(later)
        if matrix[later][earlier] is not None
    ]
    yield from sorted(pairs, key=lambda pair: -abs(pair["coefficient"]))
