"""The utility certificate shows what a preparation gains, and nothing of the test rows leaks into it."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.table.frame import Frame
from worker_service.planner.certificate import FOLDS, TABLES, Certificate, certify, to_json
from worker_service.planner.privacy import hide_personal_data
from worker_service.planner.propose import propose

ROWS = 300


def certified(columns: Mapping[str, Any], target: str, **options: object) -> Certificate | None:
    frame = Frame.from_table(pa.table(columns))
    chosen = RunOptions.model_validate({"target": target, **options})
    table = hide_personal_data(frame, chosen)
    recipe = table.apply(propose(table.profile(), table.options, hidden=table.steps)).recipe
    return certify(frame, chosen, recipe)


def mean_score(certificate: Certificate, table: str, model: str = "mean") -> float:
    (score,) = [part.score for part in certificate.scores if (part.table, part.model) == (table, model)]
    assert score.low <= score.mean <= score.high
    return score.mean


def test_numbers_with_units_gain_what_a_plain_reader_can_not_see() -> None:
    random = np.random.default_rng(1)
    length = random.uniform(50, 200, ROWS)
    columns = {
        "length": [f"{value:.1f} min" for value in length],
        "noise": random.normal(0, 1, ROWS),
        "y": length + random.normal(0, 5, ROWS),
    }
    certificate = certified(columns, "y")
    assert certificate is not None
    assert (certificate.metric, certificate.rows, certificate.folds, certificate.baseline) == ("r2", ROWS, FOLDS, 0)
    assert mean_score(certificate, "raw") < 0.1
    assert mean_score(certificate, "engineered") > 0.8
    assert certificate.gain.low > 0.5
    assert len(certificate.scores) == 4 * len(TABLES)
    json.dumps(to_json(certificate), allow_nan=False)


def test_nothing_is_gained_where_nothing_is_to_be_known() -> None:
    random = np.random.default_rng(2)
    columns = {f"x{number}": random.normal(0, 1, ROWS) for number in range(4)}
    levels = [f"k{number}" for number in random.integers(0, 90, ROWS)]
    certificate = certified({**columns, "level": levels, "y": [f"c{n}" for n in random.integers(0, 2, ROWS)]}, "y")
    assert certificate is not None and certificate.metric == "accuracy"
    for table in TABLES:
        assert abs(mean_score(certificate, table) - certificate.baseline) < 0.15


def test_families_name_their_steps() -> None:
    random = np.random.default_rng(3)
    size, city = random.normal(1000, 300, ROWS).round(), random.choice(["Oslo", "Rome", "Bern"], ROWS)
    columns = {
        "size": [None if n % 9 == 0 else value for n, value in enumerate(size.tolist())],
        "city": city.tolist(),
        "y": ((city == "Oslo") * 5 + random.normal(0, 1, ROWS)).tolist(),
    }
    certificate = certified(columns, "y")
    assert certificate is not None
    families = {family.family: family for family in certificate.families}
    assert {"encoding", "scaling"} <= set(families)
    assert all(family.steps and family.gain.low <= family.gain.mean for family in families.values())
    # Neighbours are of no use where one column is measured in hundreds.
    assert families["scaling"].gain.low > 0


def test_columns_that_are_dropped_for_privacy_are_not_looked_at() -> None:
    random = np.random.default_rng(4)
    signal = random.normal(0, 1, ROWS)
    columns = {"secret": signal, "x": random.normal(0, 1, ROWS), "y": signal + random.normal(0, 0.1, ROWS)}
    certificate = certified(columns, "y", column_privacy={"secret": "drop"})
    assert certificate is not None
    assert all(mean_score(certificate, table) < 0.2 for table in TABLES)


@pytest.mark.parametrize("target", ["none", "same", "name"])
def test_no_certificate_without_a_target_that_can_be_predicted(target: str) -> None:
    columns = {
        "x": np.arange(100.0),
        "same": ["a"] * 100,
        "name": [f"n{number}" for number in range(100)],
    }
    assert certified(columns, target) is None


def test_it_is_the_same_each_time() -> None:
    random = np.random.default_rng(5)
    columns = {"x": random.normal(0, 1, 80), "y": random.choice(["a", "b"], 80).tolist()}
    assert certified(columns, "y") == certified(columns, "y")
