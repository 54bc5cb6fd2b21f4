"""The benchmark finds the best imputation method, or none, and its winner fills the missing cells."""

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.ledger import undo
from worker_service.core.table.canonical_text import render_table
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

RNG = np.random.default_rng(17)
ROWS = 1200
GONE = RNG.random(ROWS) < 0.15


def prepared(columns: dict[str, Any], target: str | None = None, **options: Any) -> tuple[Outcome, Frame]:
    frame = Frame.from_table(pa.table(columns))
    return apply(propose(profile(frame, target=target or "none"), RunOptions(**options)), frame), frame


def hidden(values: Any) -> pa.Array:
    return pa.array(np.round(values, 2), mask=GONE)


SIZE = RNG.normal(50, 12, ROWS)
BRANCH = RNG.integers(0, 6, ROWS)
DAYS = np.datetime64("2024-01-01") + np.arange(ROWS).astype("timedelta64[D]")
CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "fill_by_model": ({"size": SIZE, "other": RNG.normal(0, 1, ROWS)}, np.sin(SIZE / 6) * 30 + SIZE),
    "fill_by_group": ({"branch": [f"branch {number}" for number in BRANCH]}, BRANCH * 40.0 + RNG.normal(0, 3, ROWS)),
    "fill_by_time": ({"day": DAYS.astype("datetime64[us]")}, np.sin(np.arange(ROWS) / 40) * 20 + 100),
    "fill_missing": ({"noise": RNG.normal(0, 1, ROWS)}, RNG.normal(50, 5, ROWS)),
}


@pytest.mark.parametrize("kind", CASES)
def test_the_best_method_wins(kind: str) -> None:
    others, truth = CASES[kind]
    outcome, frame = prepared({**others, "value": hidden(truth)})
    (step,) = [result for result in outcome.results if result.columns[:1] == ("value",) and "fill" in result.kind]
    assert (step.kind, step.state) == (kind, "applied")
    assert "that were hidden" in step.why
    filled = outcome.cleaned["value"].numbers()
    assert filled[~GONE].tolist() == np.round(truth, 2)[~GONE].tolist()
    constant = np.abs(np.median(truth[~GONE]) - truth[GONE]).mean()
    error = np.abs(filled[GONE] - truth[GONE]).mean()
    assert error < (0.5 * constant if kind != "fill_missing" else 1.05 * constant)
    assert undo(outcome.changes, outcome.cleaned.to_table()).equals(render_table(frame.to_table()))
    assert apply(outcome.recipe, frame).cleaned.equals(outcome.cleaned)


def test_whole_numbers_stay_whole_and_within_range() -> None:
    truth = np.rint(SIZE * 2)
    columns = {"size": SIZE, "value": pa.array(truth.astype(np.int64), mask=GONE)}
    outcome, _ = prepared(columns)
    filled = outcome.cleaned["value"]
    assert filled.is_integer
    assert truth[~GONE].min() <= filled.numbers().min() <= filled.numbers().max() <= truth[~GONE].max()


def test_the_target_is_no_predictor() -> None:
    bought = (SIZE > 50).astype(np.int64)
    columns = {"noise": RNG.normal(0, 1, ROWS), "value": hidden(bought * 50.0 + RNG.normal(0, 2, ROWS)), "y": bought}
    frame = Frame.from_table(pa.table(columns))
    facts = profile(frame, target="y")
    assert [benchmark.winner for benchmark in facts.imputations] == [None]
    assert all("y" not in benchmark.predictors for benchmark in facts.imputations)


def test_levels_that_another_column_determines_are_filled() -> None:
    cities = np.array(["Leeds", "York", "Lyon", "Bonn"])[RNG.integers(0, 4, ROWS)]
    homes = {"Leeds": "UK", "York": "UK", "Lyon": "FR", "Bonn": "DE", "Oslo": None}
    cities[:2] = "Oslo"
    truth = [homes[city] for city in cities]
    written = [None if gone else home for gone, home in zip(GONE, truth, strict=True)]
    outcome, frame = prepared({"city": cities.tolist(), "country": written, "size": SIZE})
    filled = outcome.cleaned["country"].array.to_pylist()
    assert filled[2:] == truth[2:]
    assert filled[:2] == [None, None]
    assert all(column.missing == 0 for column in outcome.engineered.columns.values())
    assert undo(outcome.changes, outcome.cleaned.to_table()).equals(render_table(frame.to_table()))


KIND = np.where(SIZE > 60, "large", np.where(SIZE > 45, "middle", "small"))
REGION = RNG.integers(0, 3, ROWS)
FIRM = np.where(RNG.random(ROWS) < 0.85, np.array(["Acme", "Bolt", "Core"])[REGION], "Dyne")


@pytest.mark.parametrize(
    ("others", "truth", "kind", "right"),
    [
        ({"size": SIZE}, KIND, "fill_by_model", 0.95),
        ({"region": np.array(["north", "south", "west"])[REGION]}, FIRM, "fill_by_level", 0.8),
        ({"size": SIZE}, SIZE > 50, "fill_by_model", 0.95),
    ],
)
def test_levels_are_filled_by_the_best_method(others: Any, truth: Any, kind: str, right: float) -> None:
    columns = {**others, "noise": RNG.normal(0, 1, ROWS), "value": pa.array(truth, mask=GONE)}
    outcome, frame = prepared(columns, fill="all")
    (step,) = [result for result in outcome.results if result.columns[:1] == ("value",) and "fill" in result.kind]
    assert (step.kind, step.state) == (kind, "applied")
    assert "right" in step.why
    filled = np.array(outcome.cleaned["value"].array.to_pylist())
    assert (filled == truth)[GONE].mean() >= right
    assert (filled == truth)[~GONE].all()
    assert undo(outcome.changes, outcome.cleaned.to_table()).equals(render_table(frame.to_table()))
    assert apply(outcome.recipe, frame).cleaned.equals(outcome.cleaned)


def test_a_level_is_filled_where_it_is_nearly_always_right() -> None:
    region = np.array(["north", "south", "west"])[REGION]
    for truth, is_filled in ((KIND, True), (FIRM, False)):
        columns = {"size": SIZE, "region": region, "value": pa.array(truth, mask=GONE)}
        outcome, _ = prepared(columns)
        filled = np.array(outcome.cleaned["value"].array.to_pylist())
        assert (filled[GONE] == truth[GONE]).mean() > 0.95 if is_filled else not filled[GONE].any()


def test_levels_that_nothing_predicts_are_a_level_of_their_own_for_a_model() -> None:
    rng = np.random.default_rng(5)
    levels = np.array(["red", "green", "blue"])[rng.integers(0, 3, ROWS)]
    outcome, _ = prepared({"noise": rng.normal(0, 1, ROWS), "value": pa.array(levels, mask=GONE)})
    assert outcome.cleaned["value"].missing == GONE.sum()
    assert outcome.engineered["value_missing"].numbers().astype(bool).tolist() == GONE.tolist()
    (step,) = [result for result in outcome.results if result.columns == ("value",) and "fill" in result.kind]
    assert re.search(r"No value clearly leads \(“(red|green|blue)” holds 3\d\.\d %\)", step.why)
