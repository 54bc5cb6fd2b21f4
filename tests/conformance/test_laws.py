"""What holds for every table and every recipe."""

import io
import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.contracts.run_options import RunOptions
from tests.conformance.frames import MAY_BE_SKIPPED
from tests.conformance.steps import STEPS, recipe
from worker_service.core.profile import Profile, profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.ledger import SCHEMA, undo
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.steps import HidePersonalData
from worker_service.core.reporting.alerts import find_alerts
from worker_service.core.reporting.charts import build_charts
from worker_service.core.table.canonical_text import render_table
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

CELLS = st.one_of(
    st.none(),
    st.sampled_from(
        ["", " ", "NA", "n/a", "-", "?", "none", "yes", "No", "true", "0", "1", "-0", "1,540", "1e308", "inf"]
    ),
    st.sampled_from(
        ["\u00a05", ".5", "(5)", "5-", "\u22125", "33 %", "5 EUR", "$7.50", "1.234", "1.234,5", "1\u202f000"]
    ),
    st.sampled_from(["0000-01-01", "9999-12-31T23:59:59-14:00", "9007199254740990", "9007199254740989", "\x00"]),
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(repr),
    st.decimals(-1000, 1000, places=2, allow_nan=False).map(str),
    st.dates().map(str),
    st.datetimes().map(lambda timestamp: timestamp.isoformat()),
    st.dates().map(lambda day: f"{day.day:02d}/{day.month:02d}/{day.year:04d}"),
    st.text(max_size=8),
)
UNIFORM = st.sampled_from(
    [
        st.integers(-1000, 1000).map(str),
        st.integers(9 * 10**15, 9 * 10**15 + 9 * 10**12).map(str),
        st.decimals(-(10**12), 10**12, places=1).map(str),
        st.decimals(-9999, 9999, places=2).map(lambda value: f"{value:,}".translate({44: 46, 46: 44})),
        st.decimals(0, 99, places=2).map(lambda value: f"{value} €"),
        st.sampled_from([str(integer) for integer in range(-5, 9)] + ["(4)", "5-", "\u00a07", "\u22128", "1,000"]),
        st.datetimes().map(lambda timestamp: timestamp.isoformat() + "+14:00"),
        st.floats(allow_nan=False, allow_infinity=False).map(repr),
        st.sampled_from(["red", "green", "NA", "", "blue"]),
        st.sampled_from(["yes", "no", "", "-"]),
        st.dates().map(str),
        st.datetimes().map(lambda timestamp: f"{timestamp:%d/%m/%Y %H:%M}"),
        st.integers(0, 99_999).map("{:05d}".format),
    ]
)
NAMES = st.one_of(st.sampled_from(["a", "b", "a_x", "a per b", "target", "id"]), st.text(min_size=1, max_size=5))
LAWS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Draw small decoded tables: columns of one kind with a few missing cells, and columns of anything."""
    rows = draw(st.integers(0, 30))
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    columns = {}
    for name in names:
        kind = draw(st.one_of(UNIFORM, st.just(CELLS)))
        cells = draw(st.lists(kind, min_size=rows, max_size=rows))
        gaps = draw(st.sets(st.integers(0, max(0, rows - 1)), max_size=3))
        columns[name] = pa.array([None if row in gaps else cell for row, cell in enumerate(cells)], pa.string())
    return pa.table(columns)


OPTIONS = st.builds(
    RunOptions,
    outlier_method=st.sampled_from(["iqr", "zscore"]),
    outlier_strategy=st.sampled_from(["cap", "remove", "median", "null", "flag"]),
)
TARGETS = st.sampled_from([None, "a", "b", "target"])
STEP_LISTS = st.lists(st.sampled_from(STEPS), max_size=6)


def same(left: Outcome, right: Outcome) -> bool:
    """Return True if all tables, results and ledgers are equal."""
    frames = ((left.typed, right.typed), (left.cleaned, right.cleaned), (left.engineered, right.engineered))
    return all(first.equals(second) for first, second in frames) and (
        left.results == right.results and left.changes.equals(right.changes, check_metadata=True)
    )


@LAWS
@given(tables(), TARGETS, OPTIONS)
def test_laws_hold_for_prepared_tables(table: pa.Table, target: str | None, options: RunOptions) -> None:
    frame, untouched = Frame.from_table(table), Frame.from_table(table)
    facts = profile(frame, target=target)
    assert Profile.model_validate_json(facts.model_dump_json()) == facts
    plan = propose(facts, options)
    assert Recipe.model_validate_json(plan.model_dump_json()) == plan
    outcome = apply(plan, frame)
    assert frame.equals(untouched)
    assert same(outcome, apply(plan, untouched))
    assert _stored(outcome).equals(table)
    assert all(result.state != "skipped" or result.kind in MAY_BE_SKIPPED for result in outcome.results)
    assert same(outcome, apply(outcome.recipe, untouched))
    assert Recipe.model_validate_json(outcome.recipe.model_dump_json()) == outcome.recipe
    assert outcome.cleaned.shape[1] > 0 < outcome.engineered.shape[1]
    _check_target(outcome, plan.target.column)
    _check_numbers(outcome, {plan.target.column, *plan.target.unsure})
    _check_sentences(outcome, facts)
    json.dumps([chart.model_dump(mode="json") for chart in build_charts(facts, outcome)], allow_nan=False)


def _stored(outcome: Outcome) -> pa.Table:
    """Undo from the ledger and the cleaned table, both read back from parquet."""
    stored = []
    for table in (outcome.changes, outcome.cleaned.to_table()):
        file = io.BytesIO()
        pq.write_table(table, file)
        stored.append(pq.read_table(io.BytesIO(file.getvalue())))
    assert stored[0].schema.equals(SCHEMA)
    return undo(*stored)


def _check_target(outcome: Outcome, target: str | None) -> None:
    if target is not None:
        kept = np.isin(outcome.typed.row_numbers, outcome.cleaned.row_numbers)
        read = outcome.typed.keep_rows(kept)[target].array
        assert outcome.cleaned[target].array.equals(read)
        assert outcome.engineered[target].array.equals(read)


def _check_sentences(outcome: Outcome, facts: Profile) -> None:
    reasons = [result.why for result in outcome.results]
    reasons += [alert.why for alert in find_alerts(facts)] + [column.why for column in facts.columns]
    for reason in reasons:
        text = re.sub(r"“[^”]*”", "“”", reason)
        assert len(re.findall(r"[.?!](?=\s|$)", text)) <= 2, reason
        assert text.endswith((".", "?")), reason


def _check_numbers(outcome: Outcome, spared: set[str | None]) -> None:
    for name, column in outcome.engineered.columns.items():
        if name not in spared and len(column):
            assert column.is_number, name
            assert column.missing == 0, name
            assert np.isfinite(column.numbers()).all(), name


@LAWS
@given(tables(), STEP_LISTS)
def test_laws_hold_for_any_recipe(table: pa.Table, steps: list) -> None:  # type: ignore[type-arg]
    frame, untouched = Frame.from_table(table), Frame.from_table(table)
    plan = recipe(*steps)
    assert Recipe.model_validate_json(plan.model_dump_json()) == plan
    outcome = apply(plan, frame)
    assert frame.equals(untouched)
    assert same(outcome, apply(plan, untouched))
    hidden = list({step.column for step in steps if isinstance(step, HidePersonalData)} & set(frame.names))
    undone = undo(outcome.changes, outcome.cleaned.to_table())
    assert undone.drop_columns(hidden).equals(table.drop_columns(hidden))
    if not any(result.rows_removed for result in outcome.results):
        assert outcome.engineered.rows == frame.rows
    named = {name for step in steps for name in step.columns}
    kept = np.isin(frame.row_numbers, outcome.engineered.row_numbers)
    for name in set(frame.names) - named:
        assert outcome.engineered[name].array.equals(frame.keep_rows(kept)[name].array)


@LAWS
@given(tables())
def test_empty_recipe_is_identity(table: pa.Table) -> None:
    frame = Frame.from_table(table)
    outcome = apply(recipe(), frame)
    assert outcome.typed is outcome.cleaned is outcome.engineered is frame
    assert outcome.changes.num_rows == 0
    assert outcome.results == ()


@LAWS
@given(tables())
def test_rows_vanish_only_where_a_step_removes_them(table: pa.Table) -> None:
    frame = Frame.from_table(table)
    plan = propose(profile(frame), RunOptions(outlier_strategy="remove"))
    outcome = apply(plan, frame)
    removed = sum(result.rows_removed for result in outcome.results)
    assert frame.rows - outcome.cleaned.rows == removed
    removing = [result for result in outcome.results if result.rows_removed]
    assert all(result.kind == "drop_duplicates" or result.parameters["strategy"] == "remove" for result in removing)
    assert render_table(frame.to_table()).equals(table)
