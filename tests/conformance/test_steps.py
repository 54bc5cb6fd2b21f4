"""Every step on every edge-case table is applied, flagged or skipped with a reason, and changes nothing else."""

import json

import numpy as np
import pytest

from shared.contracts.run_options import RunOptions
from tests.conformance.frames import EDGE_CASES
from tests.conformance.steps import KINDS, STEPS, read, recipe
from worker_service.core.parsing import infer
from worker_service.core.profile import Profile, profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.ledger import undo
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import AnyStep, HidePersonalData, apply_step, describe_step
from worker_service.core.reporting.charts import build_charts
from worker_service.core.reporting.features import feature_manifest
from worker_service.core.reporting.report import write_report
from worker_service.core.table.canonical_text import render_table
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

CHOICES = ((None, RunOptions()), ("a", RunOptions(outlier_method="zscore", outlier_strategy="remove")))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_registered_and_tried(kind: type[AnyStep]) -> None:
    # What hides needs a secret that no other step may have.
    assert kind in apply_step.registry or kind is HidePersonalData
    assert kind in describe_step.registry
    assert any(isinstance(step, kind) for step in STEPS)
    assert kind.model_fields["kind"].is_required()


@pytest.mark.parametrize("name", EDGE_CASES)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.kind)
def test_step_changes_only_its_columns(step: AnyStep, name: str) -> None:
    frame = Frame.from_table(EDGE_CASES[name])
    reading = [read(column, spec) for column in frame.names if (spec := infer(frame[column]).read_as)]
    for before in ([], reading):
        outcome = apply(recipe(*before, step), frame)
        _check(outcome, frame, step)


def _check(outcome: Outcome, frame: Frame, step: AnyStep) -> None:
    result = outcome.results[-1]
    assert result.why.endswith(".")
    json.dumps(result.parameters, allow_nan=False)
    if result.state != "applied":
        assert outcome.cleaned.equals(outcome.typed)
        assert outcome.engineered.equals(outcome.cleaned)
    undone, decoded = undo(outcome.changes, outcome.cleaned.to_table()), render_table(frame.to_table())
    hidden = [step.column] if isinstance(step, HidePersonalData) else []
    assert undone.drop_columns(hidden).equals(decoded.drop_columns(hidden))
    for column in set(outcome.typed.names) - set(step.columns):
        kept = np.isin(outcome.typed.row_numbers, outcome.engineered.row_numbers)
        assert outcome.engineered[column].array.equals(outcome.typed.keep_rows(kept)[column].array)


@pytest.mark.parametrize(("target", "options"), CHOICES)
@pytest.mark.parametrize("name", EDGE_CASES)
def test_whole_preparation(name: str, target: str | None, options: RunOptions) -> None:
    frame = Frame.from_table(EDGE_CASES[name])
    facts = profile(frame, target=target)
    assert Profile.model_validate_json(facts.model_dump_json()) == facts
    plan = propose(facts, options)
    assert Recipe.model_validate_json(plan.model_dump_json()) == plan
    outcome = apply(plan, frame)
    assert undo(outcome.changes, outcome.cleaned.to_table()).equals(render_table(frame.to_table()))
    for chart in build_charts(facts, outcome):
        json.dumps(chart.model_dump(mode="json"), allow_nan=False)
    manifest = feature_manifest(facts, plan, outcome)
    assert [feature.name for feature in manifest.output_features] == list(outcome.engineered.names)
    assert write_report(facts, plan, outcome).summary
    _check_engineered(outcome, plan.target.column)


def _check_engineered(outcome: Outcome, target: str | None) -> None:
    for name, column in outcome.engineered.columns.items():
        if name == target:
            kept = np.isin(outcome.typed.row_numbers, outcome.cleaned.row_numbers)
            assert column.array.equals(outcome.typed.keep_rows(kept)[name].array)
        elif len(column):
            assert column.is_number, name
            assert np.isfinite(column.numbers()).all(), name
