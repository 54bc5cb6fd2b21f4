"""Rules that make advice from the facts in the prompt, in place of a language model."""

import json
import re
from collections.abc import Iterator
from typing import Any

_IMPOSSIBLE_ZERO = re.compile(r"blood.?pressure|glucose|bmi|insulin|skin|height|weight|pulse|heart.?rate|cholesterol")
_SURVEY_QUESTION = re.compile(r"^(q\d+|rating|satisf\w*|agree\w*|answer\w*|score)")
_SURVEY_MISSING_CODES = ("8", "9", "98", "99", "88", "97")
_PLAUSIBLE_RANGES = {
    r"(^|_)age($|_)": (0, 120),
    r"percent|pct|share_of": (0, 100),
    r"humidity": (0, 100),
    r"heart.?rate|pulse": (20, 300),
    r"latitude|^lat$": (-90, 90),
    r"longitude|^lon$|^lng$": (-180, 180),
}
_UNIT_FACTORS: tuple[dict[str, float], ...] = (
    {"kg": 1, "g": 0.001, "lb": 0.45359237, "lbs": 0.45359237, "oz": 0.028349523},
    {"m": 1, "cm": 0.01, "mm": 0.001, "ft": 0.3048, "km": 1000, "mi": 1609.344},
    {"l": 1, "L": 1, "ml": 0.001, "cl": 0.01},
)
_ORDINAL_SCALES = (
    ("poor", "fair", "good", "excellent"),
    ("low", "medium", "high"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("none", "primary", "secondary", "bachelor", "master", "doctorate"),
)
_ABBREVIATIONS = {
    "uk": "united kingdom",
    "usa": "united states",
    "u.s.": "united states",
    "ny": "new york",
    "ca": "california",
}
_NO_ANSWER = re.compile(r"no answer|not stated|undisclosed|none given|prefer not|unspecified", re.IGNORECASE)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the advice for one request, with a report if the request's schema has one.

    Args:
        request: the JSON body of a `generateContent` call; its last part is the document with the columns' facts.
    """
    document = json.loads(request["contents"][-1]["parts"][-1]["text"])
    columns = document["columns"]
    advice: dict[str, Any] = {
        "types": [],
        "missing_codes": [code for column in columns for code in _missing_codes(column)],
        "merges": [merge for column in columns for merge in _merges(column)],
        "fills": [
            _fill(column) for column in columns if column["id"] in document["asked_about"] and "numbers" in column
        ],
        "bounds": [bounds for column in columns for bounds in _bounds(column)],
        "ratios": [],
        "orders": [order for column in columns for order in _orders(column)],
        "units": [conversion for column in columns for conversion in _units(column)],
        "target": None,
    }
    if "report" in json.dumps(request.get("generationConfig", {}).get("responseSchema", {}).get("properties", {})):
        advice["report"] = _report(document)
    return advice


def _missing_codes(column: dict[str, Any]) -> Iterator[dict[str, Any]]:
    name, numbers = column["name"].lower(), column.get("numbers", {})
    levels = [str(level) for level, _ in column.get("most_frequent", [])]
    if numbers.get("minimum") == 0 and _IMPOSSIBLE_ZERO.search(name):
        yield _missing_code(
            column, ["0"], "a living person has no such value of 0, so 0 means that it was not measured"
        )
    elif numbers and _SURVEY_QUESTION.search(name):
        maximum = f"{numbers.get('maximum', 0):g}"
        if maximum in _SURVEY_MISSING_CODES:
            yield _missing_code(column, [maximum], "surveys write such a number above the scale for no answer")
    no_answers = [level for level in levels if _NO_ANSWER.search(level)]
    if no_answers:
        yield _missing_code(column, no_answers, "these words say that no answer was given")


def _missing_code(column: dict[str, Any], values: list[str], why: str) -> dict[str, Any]:
    return {"column": column["id"], "values": values, "why": f"In {column['name']}, {why}."}


def _merges(column: dict[str, Any]) -> Iterator[dict[str, Any]]:
    levels = {str(level).lower(): str(level) for level, _ in column.get("most_frequent", [])}
    for short, long in _ABBREVIATIONS.items():
        if short in levels and long in levels:
            why = f"{levels[short]} is short for {levels[long]}."
            yield {"column": column["id"], "into": levels[long], "levels": [levels[short]], "why": why}


def _fill(column: dict[str, Any]) -> dict[str, Any]:
    why = f"{column['missing']} cells are missing, and the middle value is robust."
    return {"column": column["id"], "method": "median", "by": None, "why": why}


def _bounds(column: dict[str, Any]) -> Iterator[dict[str, Any]]:
    numbers = column.get("numbers", {})
    for name, (low, high) in _PLAUSIBLE_RANGES.items():
        inside = low <= numbers.get("q1", low - 1) and numbers.get("q3", high + 1) <= high
        beyond = numbers.get("minimum", low) < low or numbers.get("maximum", high) > high
        if inside and beyond and re.search(name, column["name"].lower()):
            why = f"{column['name']} can only lie between {low} and {high}."
            yield {"column": column["id"], "lower": low, "upper": high, "strategy": "null", "why": why}


def _orders(column: dict[str, Any]) -> Iterator[dict[str, Any]]:
    levels = {str(level).lower(): str(level) for level, _ in column.get("most_frequent", [])}
    for scale in _ORDINAL_SCALES:
        if len(levels) > 2 and set(levels) <= set(scale):
            order = [levels[word] for word in scale if word in levels]
            yield {"column": column["id"], "order": order, "why": "These words have an order of their own."}


def _units(column: dict[str, Any]) -> Iterator[dict[str, Any]]:
    ambiguity = column.get("ambiguity", "")
    units = re.findall(r"“([^”]+)”", ambiguity.partition("different units")[2])
    for factors in _UNIT_FACTORS:
        if len(units) > 1 and all(unit in factors for unit in units):
            conversions = [{"unit": unit, "factor": factors[unit] / factors[units[0]]} for unit in units]
            why = f"The amounts are the same in {units[0]}, whatever they were written in."
            yield {"column": column["id"], "units": conversions, "why": why}


def _report(document: dict[str, Any]) -> dict[str, Any]:
    columns = {column["id"]: column for column in document["columns"]}
    rows = document["rows"]
    incomplete_columns = [columns[column_id] for column_id in document["asked_about"]]
    sentences = [
        f"{column['name']} misses {column['missing']:,} of {rows:,} cells ({column['missing'] / rows:.1%})."
        for column in incomplete_columns
    ]
    gaps = " ".join(sentences) or "No column misses more than a tenth of its cells."
    return {
        "reasoning": f"The table has {document['rows']:,} rows and {document['columns_in_all']} columns. {gaps} "
        "Each proposal was made from the ranges and the most frequent values, and the data had the last word.",
        "summary": f"A table of {document['rows']:,} rows. {gaps}",
        "recommendations": [f"Find out why {column['name']} is so often missing." for column in incomplete_columns]
        or ["Keep measuring as you do: hardly anything is missing."],
    }
