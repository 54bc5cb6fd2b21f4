"""The program of a run's child process: load, profile, propose, apply, chart, write. All it learns is a value."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from worker_service.core.profile import Profile, profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.reporting.charts import Chart, draw_charts
from worker_service.core.reporting.features import feature_manifest
from worker_service.core.reporting.quality import assess
from worker_service.core.table.frame import Frame
from worker_service.planner.advised_run import ai_summary, compose_report, prepare_with
from worker_service.planner.ai.advisor import Advised, not_asked
from worker_service.planner.ai.prompt import questions
from worker_service.planner.propose import Options, propose
from worker_service.worker.log_rows import log_rows, storable

Report = Callable[[str, int], None]

ARTIFACTS = (
    "cleaned.parquet",
    "engineered.parquet",
    "changes.parquet",
    "profile.json",
    "recipe.json",
    "charts.json",
)


@dataclass(frozen=True)
class Prepared:
    """What a preparation tells beside its artifacts; rows carry the column names of their tables."""

    summary: dict[str, Any]
    features: dict[str, Any]
    cleaning_logs: list[dict[str, Any]]
    outlier_logs: list[dict[str, Any]]
    feature_logs: list[dict[str, Any]]
    graphs: list[dict[str, Any]]
    report: dict[str, Any] | None
    ai_used: bool = False


def prepare(tell: Report, table: Path, target: Path, options: dict[str, Any]) -> Prepared:
    """Prepare the decoded table in the Arrow file `table`, write the artifacts into the directory `target`."""
    tell("loading", 2)
    with pa.memory_map(str(table)) as source:
        frame = Frame.from_table(pa.ipc.open_file(source).read_all())
    tell("profiling", 10)
    facts = _facts(frame, options)
    tell("applying", 45)
    advised = None
    if options["mode"] == "fast":
        outcome = apply(propose(facts, _options(options)), frame)
    else:
        advised = Advised.model_validate(options.get("advised") or not_asked(options["mode"]))
        facts, outcome = prepare_with(
            facts, frame, _options(options), advised, target=options["target"], types=options.get("types", {})
        )
    recipe = outcome.recipe
    tell("charting", 70)
    charts = draw_charts(facts, outcome)
    tell("writing", 80)
    _write(target, facts, recipe, outcome, charts)
    return _told(facts, recipe, outcome, charts, advised)


def examine(tell: Report, table: Path, target: Path, options: dict[str, Any]) -> list[dict[str, Any]]:
    """What a language model is to be asked about the table; the facts stay in the file `options["facts"]`."""
    tell("loading", 2)
    with pa.memory_map(str(table)) as source:
        frame = Frame.from_table(pa.ipc.open_file(source).read_all())
    tell("profiling", 10)
    facts = profile(frame, target=options["target"], types=options.get("types", {}))
    Path(options["facts"]).write_text(facts.model_dump_json())
    return [question.model_dump(mode="json") for question in questions(facts, frame, options["mode"])]


def _facts(frame: Frame, options: dict[str, Any]) -> Profile:
    """The facts that an examination left, or those of now."""
    left = options.get("facts")
    if left is not None and Path(left).exists():
        return Profile.model_validate_json(Path(left).read_text())
    return profile(frame, target=options["target"], types=options.get("types", {}))


def _options(chosen: dict[str, Any]) -> Options:
    return Options(
        mode=chosen["mode"],
        outlier_method=chosen["outlier_method"],
        outlier_strategy=chosen["outlier_strategy"],
    )


def _write(target: Path, facts: Profile, recipe: Recipe, outcome: Outcome, charts: tuple[Chart, ...]) -> None:
    tables = {
        "cleaned": outcome.cleaned.to_table(),
        "engineered": outcome.engineered.to_table(),
        "changes": outcome.changes,
    }
    with ThreadPoolExecutor() as pool:
        written = [pool.submit(_write_table, table, target / f"{name}.parquet") for name, table in tables.items()]
    for one in written:
        one.result()
    told = {**facts.model_dump(mode="json"), **assess(facts).model_dump(mode="json")}
    (target / "profile.json").write_text(json.dumps(told, allow_nan=False))
    (target / "recipe.json").write_text(recipe.model_dump_json())
    (target / "charts.json").write_text(
        json.dumps({"charts": [chart.model_dump(mode="json") for chart in charts]}, allow_nan=False)
    )


def _write_table(table: pa.Table, path: Path) -> None:
    """Parquet with dictionaries where values repeat; trying them on columns of decimals costs a third of the time."""
    repetitive = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    pq.write_table(table, path, compression="snappy", use_dictionary=repetitive, row_group_size=131_072)


def _told(
    facts: Profile, recipe: Recipe, outcome: Outcome, charts: tuple[Chart, ...], advised: Advised | None
) -> Prepared:
    report = None if advised is None or advised.mode != "deep" else compose_report(facts, recipe, outcome, advised)
    told = {
        "summary": {
            "cleaned": _size(outcome.cleaned),
            "engineered": _size(outcome.engineered),
            "cells_changed": outcome.changes.num_rows,
            "ai": advised and ai_summary(advised, outcome),
        },
        "features": feature_manifest(facts, recipe, outcome).model_dump(mode="json"),
        **log_rows(outcome.results),
        "graphs": [chart.model_dump(mode="json", include={"graph_id", "kind", "title", "columns"}) for chart in charts],
        "report": report,
        "ai_used": advised is not None and advised.used,
    }
    return Prepared(**storable(told))


def _size(frame: Frame) -> dict[str, int]:
    rows, columns = frame.shape
    return {"rows": rows, "columns": columns}
