"""A report in one file: equal results make equal bytes, nothing in it is markup, and its size has a limit."""

import json
import re
from dataclasses import replace
from typing import Any

from docs.generate import report_script
from report_service.html_report import ReportFacts, compose_report

HOSTILE = "</script><img src=x onerror=alert(1)>&\u2028"
CHART = {"graph_id": "histogram-1", "kind": "histogram", "title": HOSTILE, "columns": ["a"], "data": {"edges": [0, 1]}}
LOG: dict[Any, Any] = {"step": 2, "state": "applied", "why": HOSTILE, "confidence": 0.5, "cells_changed": 3, "id": 17}
FACTS = ReportFacts(
    filename=f"{HOSTILE}.csv",
    mode="fast",
    rows=3,
    columns=1,
    parse_plan={"format": "csv"},
    profile={"rows": 3, "columns": []},
    features={"output_features": []},
    cleaning=[LOG],
    outliers=[{**LOG, "step": 1, "column": HOSTILE, "table": "cleaned", "outliers": 3, "created_at": object()}],
    engineering=[],
    change_counts={"filled": 3},
    charts=[CHART],
    written=None,
)


def _documents(page: str) -> Any:
    text = re.search(r'<script type="application/json" id="documents">(.*?)</script>', page)
    assert text is not None
    return json.loads(text[1])


def test_the_documents_of_a_report_are_never_markup() -> None:
    page = compose_report(FACTS).decode()
    assert page.count("<img") == 0 and page.count("</script>") == 2
    documents = _documents(page)
    assert documents["status"]["filename"] == f"{HOSTILE}.csv"
    assert documents["charts"] == [CHART]
    assert [(step["step"], step["phase"]) for step in documents["steps"]] == [(1, "outliers"), (2, "cleaning")]
    assert documents["left_out"] == 0


def test_equal_results_make_equal_bytes() -> None:
    other = replace(FACTS, cleaning=[{**LOG, "id": 18}])
    assert compose_report(FACTS) == compose_report(other)


def test_charts_that_make_a_report_too_large_are_left_out() -> None:
    chart = {**CHART, "data": {"edges": [0.125] * 20_000}}
    page = compose_report(replace(FACTS, charts=[chart] * 100)).decode()
    documents = _documents(page)
    assert len(page) < 2_000_000 and 0 < len(documents["charts"]) < 100
    assert documents["left_out"] == 100 - len(documents["charts"])


def test_the_script_has_no_imports_left() -> None:
    script = report_script.script()
    assert not re.search(r"^\s*(import|export)\b", script, re.MULTILINE)
    assert "</script" not in script and "http://" not in script.replace("http://www.w3.org/", "")
