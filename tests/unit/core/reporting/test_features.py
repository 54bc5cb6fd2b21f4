"""The sources of the engineered columns, and the report about a known table."""

import pyarrow as pa

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import apply
from worker_service.core.reporting.features import FeatureManifest, feature_manifest
from worker_service.core.reporting.report import CleaningReport, write_report
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

ROWS = range(60)
TABLE = pa.table(
    {
        "id": [f"K{row}" for row in ROWS],
        "age": [None if row % 10 == 0 else str(20 + row % 40) for row in ROWS],
        "color": [("red", "blue", "")[row % 3] for row in ROWS],
        "sold": [f"{row % 28 + 1:02d}/{row % 12 + 1:02d}/2024" for row in ROWS],
        "when": ["03/04/2024" if row % 2 else "05/06/2023" for row in ROWS],
        "rest": [None if row else "1" for row in ROWS],
        "score": [str(row % 23) if row != 7 else "n.q." for row in ROWS],
        "churned": [None if row == 5 else str(row % 2) for row in ROWS],
    }
)


def prepared() -> tuple[FeatureManifest, CleaningReport]:
    frame = Frame.from_table(TABLE)
    facts = profile(frame)
    plan = propose(facts, RunOptions(mode="deep"))
    outcome = apply(plan, frame)
    return feature_manifest(facts, plan, outcome), write_report(facts, plan, outcome)


def test_manifest_traces_every_column() -> None:
    manifest, _ = prepared()
    assert manifest.target.column == "churned"
    assert {feature.name: feature.role for feature in manifest.input_features} == {
        "id": "identifier",
        "age": "feature",
        "color": "feature",
        "sold": "feature",
        "when": "feature",
        "rest": "constant",
        "score": "feature",
        "churned": "target",
    }
    made = {feature.name: feature for feature in manifest.output_features}
    assert made["sold_days"].sources == ("sold",)
    assert made["color_missing"].sources == ("color",)
    assert made["churned"].why == "Taken over from the cleaned table as it is."
    assert made["age"].why.startswith("In the engineered table, filled 6 missing cells of “age” with the mean, 37. ")
    assert FeatureManifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_report_is_about_this_table() -> None:
    _, report = prepared()
    assert "60 rows and 8 columns" in report.summary
    assert "59 of 60 cells (98.3 %) of “rest” have no value." in report.summary
    assert report.summary.splitlines()[2].startswith("1. “when” alone explains 100 % of the target “churned”")
    for title in ("## Reading", "## Cleaning", "## Outliers", "## Features"):
        assert title in report.reasoning
    assert "1. Drop “when” unless it is known when a prediction is made." in report.recommendations
    assert "Say how “when” is to be read with `types=` or `units=`" in report.recommendations
    assert "Leave out 1 row (1.7 %) without a value of “churned”, the target" in report.recommendations
