"""Gaps that depend on the target become a feature; gaps by chance do not."""

from typing import Any

import numpy as np
import pyarrow as pa

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

RNG = np.random.default_rng(9)
ROWS = 800


def prepared(columns: dict[str, Any], target: str | None = None, **options: Any) -> Outcome:
    frame = Frame.from_table(pa.table(columns))
    return apply(propose(profile(frame, target=target or "none"), RunOptions(**options)), frame)


def gaps(values: Any, where: Any) -> list[float | None]:
    return [None if gone else float(value) for value, gone in zip(values, where, strict=True)]


def test_gaps_that_depend_on_the_target_become_a_feature() -> None:
    bought = RNG.integers(0, 2, ROWS)
    where = RNG.random(ROWS) < np.where(bought == 1, 0.4, 0.05)
    outcome = prepared({"income": gaps(RNG.normal(40, 9, ROWS), where), "bought": bought}, target="bought")
    assert outcome.engineered["income_was_missing"].array.to_pylist() == where.astype(int).tolist()
    why = next(result.why for result in outcome.results if result.kind == "was_missing")
    assert "Where it is missing, “bought” is “" in why


def test_gaps_by_chance_do_not() -> None:
    bought = RNG.integers(0, 2, ROWS)
    where = RNG.random(ROWS) < 0.2
    outcome = prepared({"income": gaps(RNG.normal(40, 9, ROWS), where), "bought": bought}, target="bought")
    assert "income_was_missing" not in outcome.engineered


def test_refusals_become_a_feature() -> None:
    cells = ["refused" if row % 9 == 0 else str(20_000 + 37 * row) for row in range(ROWS)]
    outcome = prepared({"wage": cells, "age": RNG.integers(18, 80, ROWS)})
    assert sum(outcome.engineered["wage_was_missing"].array.to_pylist()) == len(range(0, ROWS, 9))


def test_rows_that_are_removed_keep_the_indicator_right() -> None:
    bought = RNG.integers(0, 2, ROWS)
    where = RNG.random(ROWS) < np.where(bought == 1, 0.4, 0.05)
    sizes = [*RNG.normal(50, 5, ROWS - 2), 900.0, 950.0]
    columns = {"income": gaps(RNG.normal(40, 9, ROWS), where), "size": sizes, "bought": bought}
    outcome = prepared(columns, target="bought", outlier_strategy="remove")
    assert outcome.engineered.rows == ROWS - 2
    assert outcome.engineered["income_was_missing"].array.to_pylist() == where[:-2].astype(int).tolist()
