"""The programs of a run's child process, which has no API key and no network."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from shared.contracts.artifacts import CHARTS, DRIFT, PROFILE, RECIPE, REJECTS
from shared.contracts.charts import Chart
from shared.contracts.run_options import Revision
from shared.contracts.run_result import RunResult
from shared.contracts.split import parse_split
from shared.contracts.vocabulary import AiMode
from worker_service.core.profile import Profile
from worker_service.core.recipe.apply import Outcome
from worker_service.core.recipe.ledger import count_differing
from worker_service.core.recipe.replay import revise
from worker_service.core.reporting.charts import build_charts
from worker_service.core.reporting.cleaned_quality import grade_cleaned
from worker_service.core.reporting.features import feature_manifest
from worker_service.core.reporting.quality import assess
from worker_service.core.table.frame import Frame
from worker_service.planner.advised_run import ai_summary, compose_report, prepare_with_advice
from worker_service.planner.ai.advisor import AdviceResult
from worker_service.planner.ai.prompt import compose_questions
from worker_service.planner.ai.question import Question
from worker_service.planner.held_out import SplitFrame, add_held_out, split_frame
from worker_service.planner.privacy import hide_personal_data
from worker_service.planner.propose import propose
from worker_service.planner.repeated_run import parse_recipe, repeat_recipe
from worker_service.planner.revised_run import carry_over
from worker_service.worker.discarded_rows import write_discarded_rows
from worker_service.worker.log_rows import log_rows, storable
from worker_service.worker.preparation_task import PreparationTask, ReportProgress


def prepare(report_progress: ReportProgress, task: PreparationTask) -> RunResult:
    """Prepare a decoded table and write the artifacts."""
    if task.recipe is not None:
        return _repeat(report_progress, task, task.recipe)
    report_progress("loading", 2)
    decoded, parts = _load(task), None
    if task.options.split is not None:
        parts = split_frame(decoded, parse_split(task.options.split))
    if task.revised is not None and not task.is_anew:
        return _revise(report_progress, task, task.revised, decoded, parts)
    table = hide_personal_data(decoded if parts is None else parts.train, task.options, hash_key=task.hash_key)
    report_progress("profiling", 10)
    facts = _read_profile(task.profile) if task.profile.exists() else table.profile()
    report_progress("applying", 45)
    if task.advice is None:
        outcome = table.apply(propose(facts, table.options, hidden=table.steps))
    else:
        facts, outcome = prepare_with_advice(facts, table, task.advice)
    if task.revised is not None and task.options.revision is not None:
        before = parse_recipe((task.revised / RECIPE).read_bytes())
        outcome = carry_over(before, task.options.revision, outcome, table)
    return _finish(report_progress, task, facts, outcome, _add_held_out(task, outcome, parts))


def _add_held_out(task: PreparationTask, outcome: Outcome, parts: SplitFrame | None) -> Outcome | None:
    """Return the outcome with the rows that were held out, and write their drift; None where none were."""
    if parts is None:
        return None
    whole, drift = add_held_out(outcome, parts, hash_key=task.hash_key)
    (task.target / DRIFT).write_text(drift.model_dump_json())
    return whole


def _revise(
    report_progress: ReportProgress, task: PreparationTask, folder: Path, decoded: Frame, parts: SplitFrame | None
) -> RunResult:
    """Carry out the recipe of a decoded table once more, with other steps switched off, and write the artifacts."""
    report_progress("applying", 10)
    document = json.loads((folder / PROFILE).read_text())
    facts = Profile.model_validate({name: document[name] for name in Profile.model_fields if name in document})
    recipe = parse_recipe((folder / RECIPE).read_bytes())
    revision = task.options.revision or Revision(base="", off=())
    frame = decoded if parts is None else parts.train
    outcome = revise(recipe, revision, frame, task.options.resolve(frame.names), hash_key=task.hash_key)
    return _finish(report_progress, task, facts, outcome, _add_held_out(task, outcome, parts))


def _repeat(report_progress: ReportProgress, task: PreparationTask, recipe: Path) -> RunResult:
    """Repeat a recipe on a decoded table and write the artifacts."""
    report_progress("loading", 2)
    decoded = _load(task)
    report_progress("applying", 10)
    document, options = recipe.read_bytes(), task.options
    run = repeat_recipe(document, decoded, modes=options.contract, revision=options.revision, hash_key=task.hash_key)
    (task.target / DRIFT).write_text(run.drift.model_dump_json())
    if run.outcome.discards:
        write_discarded_rows(run.outcome.discards, decoded, task.target / REJECTS, earlier=task.rejects)
    return _finish(report_progress, task, run.facts, run.outcome)


def _finish(
    report_progress: ReportProgress,
    task: PreparationTask,
    facts: Profile,
    outcome: Outcome,
    whole: Outcome | None = None,
) -> RunResult:
    """Write the artifacts and return the result; `whole` has the rows, too, that were held out."""
    report_progress("charting", 70)
    charts = build_charts(facts, outcome)
    report_progress("writing", 80)
    _write(task.target, _describe(facts, outcome), whole or outcome, charts)
    result = _result(facts, outcome, charts, task.advice)
    return (
        result
        if whole is None
        else replace(result, summary=_sizes(whole, result), logs=storable(log_rows(whole.results)))
    )


def examine(report_progress: ReportProgress, task: PreparationTask) -> tuple[Question, ...]:
    """Profile a decoded table, keep the profile, and return the questions for a language model."""
    report_progress("loading", 2)
    decoded = _load(task)
    if task.options.split is not None:
        decoded = split_frame(decoded, parse_split(task.options.split)).train
    table = hide_personal_data(decoded, task.options, hash_key=task.hash_key)
    report_progress("profiling", 10)
    facts = table.profile()
    task.profile.write_text(facts.model_dump_json())
    mode: AiMode = "deep" if task.options.mode == "deep" else "smart"
    return compose_questions(facts, table.frame, mode)


def _load(task: PreparationTask) -> Frame:
    with pa.memory_map(str(task.table)) as file:
        return Frame.from_table(pa.ipc.open_file(file).read_all())


def _read_profile(path: Path) -> Profile:
    return Profile.model_validate_json(path.read_text())


def _describe(facts: Profile, outcome: Outcome) -> dict[str, Any]:
    """Return the profile as a document, with its alerts and the quality before and after; of held-out rows nothing."""
    texts = {name for name, column in outcome.typed.columns.items() if column.is_text}
    # Where a user has undone the reading of another column, nothing is to be said about it.
    unread = {column.name for column in facts.columns if column.storage != "text"} & texts & {facts.target.column}
    assessment = assess(facts, unread=unread).model_dump(mode="json")
    cleaned_quality = grade_cleaned(facts, outcome).model_dump(mode="json")
    return {**facts.model_dump(mode="json"), **assessment, "cleaned_quality": cleaned_quality}


def _write(target: Path, profile_document: dict[str, Any], outcome: Outcome, charts: tuple[Chart, ...]) -> None:
    tables = {
        "cleaned": outcome.cleaned.to_table(),
        "engineered": outcome.engineered.to_table(),
        "changes": outcome.changes,
    }
    with ThreadPoolExecutor() as pool:
        writes = [pool.submit(_write_table, table, target / f"{name}.parquet") for name, table in tables.items()]
    for write in writes:
        write.result()
    (target / PROFILE).write_text(json.dumps(profile_document, allow_nan=False))
    (target / RECIPE).write_text(outcome.recipe.model_dump_json())
    (target / CHARTS).write_text(
        json.dumps({"charts": [chart.model_dump(mode="json") for chart in charts]}, allow_nan=False)
    )


def _write_table(table: pa.Table, path: Path) -> None:
    """Write a table as Parquet, with dictionaries except for decimals, where trying them takes a third of the time."""
    dictionary_columns = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    pq.write_table(table, path, compression="snappy", use_dictionary=dictionary_columns, row_group_size=131_072)


def _sizes(whole: Outcome, result: RunResult) -> dict[str, Any]:
    """Return the summary of a result with the sizes of whole tables."""
    sizes = {
        "cleaned": _size(whole.cleaned),
        "engineered": _size(whole.engineered),
        "cells_changed": count_differing(whole.changes),
    }
    return {**result.summary, **storable(sizes)}


def _result(facts: Profile, outcome: Outcome, charts: tuple[Chart, ...], advice: AdviceResult | None) -> RunResult:
    summary = {
        "cleaned": _size(outcome.cleaned),
        "engineered": _size(outcome.engineered),
        "cells_changed": count_differing(outcome.changes),
        "switched_off": [number for number, step in enumerate(outcome.recipe.steps, start=1) if step.is_off],
        "ai": advice and ai_summary(advice, outcome),
    }
    has_report = advice is not None and advice.mode == "deep"
    return RunResult(
        summary=storable(summary),
        features=storable(feature_manifest(facts, outcome.recipe, outcome).model_dump(mode="json")),
        logs=storable(log_rows(outcome.results)),
        graphs=[storable(chart.model_dump(mode="json", exclude={"data"})) for chart in charts],
        report=storable(compose_report(facts, outcome.recipe, outcome, advice)) if has_report and advice else None,
        ai_used=advice is not None and advice.used,
    )


def _size(frame: Frame) -> dict[str, Any]:
    rows, columns = frame.shape
    return {"rows": rows, "columns": columns}
