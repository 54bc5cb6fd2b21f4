"""Tests of the report: five things to know, what to do about each, and no log printed again."""

from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import Profile, profile
from worker_service.core.recipe.apply import apply
from worker_service.core.reporting.alerts import AlertKind, find_alerts
from worker_service.core.reporting.report import CleaningReport, write_report
from worker_service.core.reporting.topics import Topic, advise, group_by_topic
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

RANDOM = np.random.default_rng(5)


def reported(columns: dict[str, Any], target: str = "none") -> tuple[Profile, CleaningReport]:
    frame = Frame.from_table(pa.table(columns))
    facts = profile(frame, target=target)
    outcome = apply(propose(facts, RunOptions()), frame)
    return facts, write_report(facts, outcome.recipe, outcome)


def with_gaps(values: list[float], every: int) -> list[float | None]:
    return [None if index % every == 0 else value for index, value in enumerate(values)]


def gappy_columns(count: int) -> dict[str, Any]:
    return {f"m{index}": with_gaps(RANDOM.normal(size=90).round(3).tolist(), 3 + index) for index in range(count)}


def test_the_report_begins_with_what_costs_most() -> None:
    columns = {
        "city": ["Rome", "Oslo", "Bern"] * 30,
        "temperature": [*(15 + RANDOM.permutation(85) / 8), *[-999.0] * 5],
    }
    _, report = reported(columns | gappy_columns(1))
    first, second = report.summary.splitlines()[2:4]
    assert first.startswith("1. “temperature” holds -999 (5 cells)")
    assert second.startswith("2. 30 of 90 cells (33.3 %) of “m0” have no value")
    assert report.summary.count("“temperature”") == 1


def test_what_is_the_same_for_many_columns_is_written_once() -> None:
    facts, report = reported(gappy_columns(8))
    (topic, *_) = group_by_topic(find_alerts(facts))
    assert topic.columns == tuple(f"m{index}" for index in range(8))
    assert topic.sentence.startswith(
        "8 columns have cells without a value: “m0”, “m1”, “m2”, “m3” and 4 more. 30 of 90 cells (33.3 %) of “m0”"
    )
    assert advise(topic).startswith("Find out why values are missing in “m0”, “m1”, “m2”, “m3” and 4 more")
    assert report.reasoning.count("Scaled") == 1
    assert "each for the same reason: A model then weighs it" in report.reasoning


def test_a_thing_to_know_comes_with_what_to_do() -> None:
    columns = {"city": ["Rome", "Oslo", "Bern"] * 30, "one": ["x"] * 90} | gappy_columns(2)
    facts, report = reported(columns)
    known = [line for line in report.summary.split("## The table")[0].splitlines() if line[:1].isdigit()]
    advice = [line for line in report.recommendations.splitlines() if line[:1].isdigit()]
    assert len(known) == len(advice) == min(5, len(group_by_topic(find_alerts(facts))))
    assert any("Drop “one”" in line and "leaves it out" in line for line in advice)


def test_gaps_of_the_target_are_no_rows_to_train_on() -> None:
    columns = gappy_columns(1) | {"price": with_gaps(RANDOM.normal(size=90).tolist(), 9)}
    _, report = reported(columns, target="price")
    assert (
        "Leave out 10 rows (11.1 %) without a value of “price”, the target, before training." in report.recommendations
    )


def test_a_table_without_findings_says_so() -> None:
    columns = {"x": RANDOM.permutation(90) / 4, "price": RANDOM.permutation(90) / 8}
    _, report = reported(columns, target="price")
    assert "Nothing stands out" in report.summary
    assert "Nothing: the engineered table can be used as it is." in report.recommendations


@pytest.mark.parametrize("rows", [5, 200])
def test_correlations_of_few_rows_are_no_finding(rows: int) -> None:
    x = np.arange(rows, dtype=float)
    columns = {"x": x, "y": x + RANDOM.normal(size=rows) * rows / 25}
    columns |= {f"z{index}": RANDOM.normal(size=rows) for index in range(12)}
    facts, _ = reported(columns)
    assert facts.correlation is not None
    assert abs(facts.correlation.matrix[1][0] or 0) > 0.95
    assert any(alert.kind == "highly_correlated" for alert in find_alerts(facts)) == (rows == 200)


@pytest.mark.parametrize("kind", get_args(AlertKind))
def test_there_is_advice_about_every_alert(kind: AlertKind) -> None:
    assert advise(Topic(kind=kind, columns=("a", "b"), sentence=""))
