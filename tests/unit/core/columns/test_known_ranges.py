"""What the name of a column of numbers promises."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.columns.known_ranges import find_known_range
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.table.frame import Column, Frame
from worker_service.planner.propose import propose

RANDOM = np.random.default_rng(5)
HOURS = RANDOM.integers(0, 24, 300)
AGES = RANDOM.integers(18, 90, 300)


def prepared(**columns: Any) -> Outcome:
    frame = Frame.from_table(pa.table({**columns, "paid": RANDOM.normal(50, 9, 300).round(2)}))
    return apply(propose(profile(frame, target="none"), RunOptions()), frame)


@pytest.mark.parametrize("name", ["age", "Age", "patient_age", "PatientAge", "edad"])
def test_an_age_beyond_all_ages_is_reported_and_stays(name: str) -> None:
    ages = AGES.copy()
    ages[[3, 70]] = 190, -4
    outcome = prepared(**{name: ages})
    (flag,) = (result for result in outcome.results if result.rule == "outside_known_range")
    assert flag.why == (
        f"“{name}” seems to be an age in years, from 0 to 120; 2 cells lie outside, such as -4 and 190. "
        "They may be right in another sense, so they were left as they are."
    )
    assert outcome.cleaned[name].array.to_pylist() == ages.tolist()


@pytest.mark.parametrize(
    ("name", "values"), [("hour", HOURS + 100), ("hours", HOURS), ("age_group", AGES), ("mileage", AGES)]
)
def test_a_name_alone_promises_nothing(name: str, values: np.ndarray) -> None:
    assert find_known_range(name, Column(pa.array(values))) is None


def test_few_numbers_promise_nothing() -> None:
    assert find_known_range("age", Column(pa.array([20, 30, 400]))) is None


def test_the_last_hour_is_beside_the_first() -> None:
    engineered = prepared(pickup_hour=HOURS).engineered
    circle = np.column_stack([engineered[f"pickup_hour_{wave}"].numbers() for wave in ("sin", "cos")])
    at = {hour: circle[HOURS.tolist().index(hour)] for hour in (0, 12, 23)}
    assert np.linalg.norm(at[23] - at[0]) < 0.4 < np.linalg.norm(at[12] - at[0])


def test_a_part_of_a_cycle_is_a_line() -> None:
    engineered = prepared(month=RANDOM.integers(3, 8, 300)).engineered
    assert "month_sin" not in engineered
