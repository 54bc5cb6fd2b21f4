"""Tables long enough for models, of columns that break arithmetic, are prepared and can be undone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from tests.conformance.frames import MAY_BE_SKIPPED
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import apply
from worker_service.core.recipe.ledger import undo
from worker_service.core.table.canonical_text import render_table
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

ROWS = 150
DAYS = (np.datetime64("2020-01-01") + np.arange(ROWS).astype("timedelta64[D]")).astype("datetime64[us]")
Random = np.random.Generator

COLUMNS: dict[str, Callable[[Random], Any]] = {
    "huge": lambda random: random.normal(0, 1, ROWS) * 1e307,
    "opposite": lambda random: np.where(np.arange(ROWS) % 2, 1e308, -1e308),
    "tiny": lambda random: random.normal(0, 1, ROWS) * 1e-300,
    "large": lambda random: random.normal(0, 1, ROWS) * 1e40,
    "long": lambda random: random.integers(-(2**62), 2**62, ROWS),
    "same": lambda random: np.full(ROWS, 5.0),
    "two": lambda random: random.integers(0, 2, ROWS) * 1.0,
    "word": lambda random: [f"k{number}" for number in random.integers(0, 4, ROWS)],
    "yes": lambda random: random.random(ROWS) < 0.5,
    "day": lambda random: DAYS,
    "infinite": lambda random: ["inf" if row % 9 == 0 else str(row * 1.5) for row in range(ROWS)],
    "plain": lambda random: random.normal(50, 5, ROWS).round(1),
}


def hostile(seed: int) -> tuple[pa.Table, str | None, RunOptions]:
    random = np.random.default_rng(seed)
    names = [str(name) for name in random.choice(list(COLUMNS), int(random.integers(2, 6)), replace=False)]
    shares = {name: 0.0 if name == "day" else float(random.choice([0.2, 0.2, 0.85])) for name in names}
    columns = {name: _gaps(COLUMNS[name](random), random.random(ROWS) < shares[name]) for name in names}
    target = str(random.choice(names)) if random.random() < 0.6 else None
    strategy: Any = random.choice(["cap", "remove", "median", "null", "flag"])
    return pa.table(columns), target, RunOptions(outlier_strategy=str(strategy))


def _gaps(values: Any, gone: Any) -> pa.Array:
    return pa.array([None if missing else value for value, missing in zip(list(values), gone, strict=True)])


@pytest.mark.parametrize("seed", range(120))
def test_hostile_tables_are_prepared(seed: int) -> None:
    table, target, options = hostile(seed)
    frame = Frame.from_table(table)
    facts = profile(frame, target=target)
    outcome = apply(propose(facts, options), frame)
    assert undo(outcome.changes, outcome.cleaned.to_table()).equals(render_table(frame.to_table()))
    for name, column in outcome.engineered.columns.items():
        if name not in {facts.target.column, *facts.target.unsure}:
            assert column.is_number, name
            assert column.missing == 0, name
            assert np.isfinite(column.numbers()).all(), name
    assert all(result.state != "skipped" or result.kind in MAY_BE_SKIPPED for result in outcome.results)
