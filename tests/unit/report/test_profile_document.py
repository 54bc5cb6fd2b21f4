"""A stored profile is trimmed to its documented parts and lengths."""

from typing import Any

from report_service.profile_document import MAX_PAIRS, MAX_SPELLINGS, MAX_TOP_VALUES, MAX_VALUE_CHARACTERS, trim_profile


def stored(**changes: Any) -> dict[str, Any]:
    target = {"column": None, "confidence": 0.0, "why": "none"}
    profile: dict[str, Any] = {
        "rows": 3,
        "duplicates": {"count": 0},
        "time_column": None,
        "target": target,
        "correlation": None,
        "columns": [],
        "quality": None,
        "alerts": [],
    }
    return {**profile, **changes}


def column(**changes: Any) -> dict[str, Any]:
    return {"name": "a", "semantic_type": None, "spellings": [], "top_values": [], "invalid_examples": [], **changes}


def test_without_numbers_there_are_no_correlations() -> None:
    document = trim_profile(stored())
    assert (document["correlations"], document["correlation_rows"]) == ([], 0)


def test_lists_are_cut_and_counted() -> None:
    spellings = [{"before": str(number), "after": "x", "count": 1} for number in range(MAX_SPELLINGS + 5)]
    values = [{"value": str(number), "count": 1} for number in range(MAX_TOP_VALUES + 5)]
    (trimmed,) = trim_profile(stored(columns=[column(spellings=spellings, top_values=values)]))["columns"]
    assert (trimmed["spellings"], trimmed["spelling_count"]) == (spellings[:MAX_SPELLINGS], MAX_SPELLINGS + 5)
    assert trimmed["top_values"] == values[:MAX_TOP_VALUES]


def test_long_values_are_cut() -> None:
    fitting, long = "x" * MAX_VALUE_CHARACTERS, "y" * (MAX_VALUE_CHARACTERS + 1)
    values = [{"value": fitting, "count": 2}, {"value": long, "count": 1}]
    (trimmed,) = trim_profile(stored(columns=[column(top_values=values, invalid_examples=[long])]))["columns"]
    assert [value["value"] for value in trimmed["top_values"]] == [fitting, "y" * (MAX_VALUE_CHARACTERS - 1) + "…"]
    assert trimmed["invalid_examples"] == ["y" * (MAX_VALUE_CHARACTERS - 1) + "…"]


def test_the_strongest_pairs_come_first() -> None:
    matrix = [[1.0, 0.2, None], [0.2, 1.0, -0.9], [None, -0.9, 1.0]]
    document = trim_profile(stored(correlation={"columns": ["a", "b", "c"], "matrix": matrix, "sampled_rows": 3}))
    assert document["correlations"] == [
        {"first": "b", "second": "c", "coefficient": -0.9},
        {"first": "a", "second": "b", "coefficient": 0.2},
    ]
    assert document["correlation_rows"] == 3


def test_a_wide_table_has_many_pairs() -> None:
    names = [str(number) for number in range(100)]
    correlation = {"columns": names, "matrix": [[0.5] * 100] * 100, "sampled_rows": 3}
    assert len(trim_profile(stored(correlation=correlation))["correlations"]) == MAX_PAIRS
