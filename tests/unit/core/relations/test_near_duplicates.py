"""Rows that are nearly equal are reported, rows that are alike by chance are not."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose


def survey(rows: int, questions: int, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {f"q{number}": np.where(random.random(rows) < 0.4, "yes", "no") for number in range(questions)}


def people(rows: int, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    names = np.array(["north", "south", "east", "west"])
    return {
        "region": names[random.integers(0, 4, rows)],
        "member": np.where(random.random(rows) < 0.3, "yes", "no"),
        "weight": random.normal(70, 10, rows).round(2).astype(str),
        "steps": random.poisson(9000, rows).astype(str),
        "pulse": random.normal(64, 7, rows).round(1).astype(str),
        "income": random.lognormal(8, 0.5, rows).round(2).astype(str),
        "distance": random.exponential(30, rows).round(2).astype(str),
    }


def with_copies(columns: dict[str, Any], copies: int) -> dict[str, Any]:
    rows = len(next(iter(columns.values())))
    again = np.random.default_rng(5).choice(rows, copies, replace=False)
    return {name: np.concatenate([cells, cells[again]]) for name, cells in columns.items()}


def prepared(columns: dict[str, Any], target: str | None = None) -> Outcome:
    frame = Frame.from_table(pa.table(columns))
    return apply(propose(profile(frame, target=target), RunOptions()), frame)


def near_duplicate_reasons(outcome: Outcome) -> list[str]:
    return [result.why for result in outcome.results if result.rule == "near_duplicate_rows"]


def with_names(rows: int) -> dict[str, Any]:
    names = np.array(
        [f"{first} {last}" for first in ("Martha", "Johannes", "Elisabeth") for last in ("Miller", "Baker")]
    )
    return {"name": names[np.random.default_rng(3).integers(0, 6, rows)].astype("U40"), **people(rows)}


def test_rows_that_differ_in_a_spelling_are_reported_and_stay() -> None:
    syllables = np.array(["mar", "tha", "jo", "han", "nes", "eli", "sa", "beth", "ko", "lin"])
    indices = np.random.default_rng(8).integers(0, 10, (1000, 8))
    names = np.array([" ".join("".join(syllables[part]) for part in (row[:4], row[4:])) for row in indices])
    columns = with_copies({"name": names.astype("U60"), **people(1000)}, 3)
    earlier = np.random.default_rng(5).choice(1000, 3, replace=False)
    columns["name"][1000:] = [f"{name[:5]}x{name[6:]}" for name in columns["name"][1000:]]
    outcome = prepared(columns)
    assert outcome.cleaned.rows == 1003
    (why,) = near_duplicate_reasons(outcome)
    assert why.startswith("3 rows differ from an earlier one only in the spelling of “name”, more than chance explains")
    assert all(f"row {1001 + copy:,} and row {row + 1:,}" in why for copy, row in enumerate(earlier))


def test_copies_whose_spelling_is_corrected_are_removed() -> None:
    columns = with_copies({"order": np.array([f"A{row}" for row in range(1000)]), **with_names(1000)}, 3)
    earlier = np.random.default_rng(5).choice(1000, 3, replace=False)
    columns["name"][1000:] = ["martha miller", "Johannes-Baker", "ELISABETH MILLER"]
    columns["name"][earlier] = ["Martha Miller", "Johannes Baker", "Elisabeth Miller"]
    outcome = prepared(columns)
    assert outcome.cleaned.rows == 1000
    assert near_duplicate_reasons(outcome) == []


def test_rows_that_differ_in_their_identifier_are_reported() -> None:
    columns = {"order_id": [f"A{row}" for row in range(1004)], **with_copies(people(1000), 4)}
    assert near_duplicate_reasons(prepared(columns))[0].startswith(
        "4 rows differ from an earlier one only in their identifier"
    )


@pytest.mark.parametrize("rows", [60, 300, 2000])
def test_a_customer_who_is_written_differently_under_another_id_is_reported(rows: int) -> None:
    random = np.random.default_rng(rows)
    syllables = np.array(["bar", "ta", "lo", "min", "ke", "ru", "san", "vel", "or", "dun"])
    names = np.array([" ".join("".join(random.choice(syllables, 3)).title() for _ in "fl") for _ in range(rows)])
    columns = {
        "customer_id": np.arange(1000, 1000 + rows + 3),
        **with_copies(
            {
                "name": names.astype("U40"),
                "email": np.array(
                    [f"{name.lower().replace(' ', '.')}{row}@mail.com" for row, name in enumerate(names)]
                ),
                "city": random.choice(["Oslo", "Rome", "Bern"], rows),
                "phone": np.array([f"+47 {10_000_000 + 7919 * row}" for row in range(rows)]),
            },
            3,
        ),
    }
    columns["name"][rows:] = [name.upper() for name in columns["name"][rows:]]
    (why,) = near_duplicate_reasons(prepared(columns))
    assert why.startswith("3 rows differ from an earlier one only in the spelling of “name”")


def test_another_value_makes_another_row() -> None:
    columns = with_copies(with_names(1000), 3)
    columns["name"][1000:] = ["Somebody Else", "Nobody", "Anybody At All"]
    assert near_duplicate_reasons(prepared(columns)) == []


@pytest.mark.parametrize("questions", [3, 6, 10])
def test_people_who_answer_alike_are_not_near_duplicates(questions: int) -> None:
    columns = survey(400, questions)
    columns["comment"] = [("Excellent", "Excelent", "Good enough", "Good enogh")[row % 4] for row in range(400)]
    assert near_duplicate_reasons(prepared({"person_id": [f"P{row}" for row in range(400)], **columns})) == []
