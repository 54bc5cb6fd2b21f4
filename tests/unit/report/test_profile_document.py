"""What of a stored profile is sent."""

from typing import Any

from report_service.profile_document import LONGEST_VALUE, MOST_PAIRS, MOST_SPELLINGS, MOST_TOP_VALUES, sendable


def stored(**changes: Any) -> dict[str, Any]:
    target = {"column": None, "confidence": 0.0, "why": "none"}
    facts: dict[str, Any] = {
        "rows": 3,
        "duplicates": {"count": 0},
        "time_column": None,
        "target": target,
        "correlation": None,
        "columns": [],
        "quality": None,
        "alerts": [],
    }
    return {**facts, **changes}


def column(**changes: Any) -> dict[str, Any]:
    return {"name": "a", "semantic_type": None, "spellings": [], "top_values": [], "invalid_examples": [], **changes}


def test_without_numbers_there_are_no_correlations() -> None:
    document = sendable(stored())
    assert (document["correlations"], document["correlation_rows"]) == ([], 0)


def test_lists_are_cut_and_counted() -> None:
    spellings = [{"before": str(place), "after": "x", "count": 1} for place in range(MOST_SPELLINGS + 5)]
    values = [{"value": str(place), "count": 1} for place in range(MOST_TOP_VALUES + 5)]
    (told,) = sendable(stored(columns=[column(spellings=spellings, top_values=values)]))["columns"]
    assert (told["spellings"], told["spelling_count"]) == (spellings[:MOST_SPELLINGS], MOST_SPELLINGS + 5)
    assert told["top_values"] == values[:MOST_TOP_VALUES]


def test_long_values_are_cut() -> None:
    fitting, long = "x" * LONGEST_VALUE, "y" * (LONGEST_VALUE + 1)
    values = [{"value": fitting, "count": 2}, {"value": long, "count": 1}]
    (told,) = sendable(stored(columns=[column(top_values=values, invalid_examples=[long])]))["columns"]
    assert [one["value"] for one in told["top_values"]] == [fitting, "y" * (LONGEST_VALUE - 1) + "…"]
    assert told["invalid_examples"] == ["y" * (LONGEST_VALUE - 1) + "…"]


def test_the_strongest_pairs_come_first() -> None:
    matrix = [[1.0, 0.2, None], [0.2, 1.0, -0.9], [None, -0.9, 1.0]]
    document = sendable(stored(correlation={"columns": ["a", "b", "c"], "matrix": matrix, "sampled_rows": 3}))
    assert document["correlations"] == [
        {"first": "b", "second": "c", "coefficient": -0.9},
        {"first": "a", "second": "b", "coefficient": 0.2},
    ]
    assert document["correlation_rows"] == 3


def test_a_wide_table_has_many_pairs() -> None:
    names = [str(place) for place in range(100)]
    correlation = {"columns": names, "matrix": [[0.5] * 100] * 100, "sampled_rows": 3}
    assert len(sendable(stored(correlation=correlation))["correlations"]) == MOST_PAIRS
