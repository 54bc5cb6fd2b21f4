"""The quality of the cleaned table beside that of the uploaded one."""

from typing import Any

import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from tests.planted.faults import plant
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import apply
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.reporting.cleaned_quality import grade_cleaned
from worker_service.core.reporting.quality import Quality, assess, grade
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose


def graded(table: pa.Table, **options: Any) -> tuple[Quality, Quality]:
    frame = Frame.from_table(table)
    facts = profile(frame, target="none")
    return grade(facts), grade_cleaned(facts, apply(propose(facts, RunOptions(**options)), frame))


def part(quality: Quality, name: str) -> Any:
    return next(part for part in quality.parts if part.name == name)


def test_each_part_is_of_what_is_left() -> None:
    rows = range(200)
    table = pa.table(
        {
            "id": [f"K{min(row, 195)}" for row in rows],
            "age": [None if row % 20 == 3 else "x" if row == 7 else str(20 + min(row, 195) % 50) for row in rows],
            "city": ["Oslo", "Rome", "oslo ", "Oslo", "Rome"][0:5] * 40,
        }
    )
    before, after = graded(table, fill="all")
    assert part(before, "validity").faults == 1
    assert part(after, "validity").faults == 0
    assert part(after, "completeness").faults == 1, "the unfit cell is a gap now"
    assert part(before, "consistency").faults > 0
    assert part(after, "consistency").faults == 0
    assert after.score > before.score


def test_what_is_only_flagged_stays_a_fault() -> None:
    table = pa.table({"id": [f"K{row}" for row in range(200)], "v": [*(str(row % 40) for row in range(199)), "90000"]})
    before, after = graded(table)
    assert part(before, "plausibility").faults == part(after, "plausibility").faults == 1
    assert part(graded(table, outlier_strategy="cap")[1], "plausibility").faults == 0


def test_a_code_for_missing_is_no_gap_twice() -> None:
    table = pa.table(
        {
            "id": [f"K{row}" for row in range(200)],
            "age": ["999" if row % 20 == 0 else str(20 + row % 50) for row in range(200)],
        }
    )
    before, after = graded(table, fill="none")
    assert part(before, "completeness").faults == part(after, "completeness").faults == 10


def test_nothing_done_changes_no_score() -> None:
    frame = Frame.from_table(pa.table({"a": ["1", "2", None, "4"] * 20, "b": ["x", "y", "x", "y"] * 20}))
    facts = profile(frame, target="none")
    steps = tuple(step for step in propose(facts, RunOptions()).steps if step.kind in ("read_column", "flag"))
    recipe = Recipe(version=propose(facts, RunOptions()).version, target=facts.target, steps=steps)
    assert grade_cleaned(facts, apply(recipe, frame)) == grade(facts)


@pytest.mark.parametrize("seed", range(3))
def test_planted_faults_are_fewer_afterwards(seed: int) -> None:
    before, after = graded(plant(seed, rows=600).decoded)
    assert after.score > before.score
    for name in ("uniqueness", "validity", "consistency", "plausibility"):
        assert part(after, name).score >= part(before, name).score, name


def test_an_alert_says_that_a_target_stays_text() -> None:
    table = pa.table({"x": [str(row) for row in range(40)], "y": ["on request", *(f"$ {row}" for row in range(39))]})
    facts = profile(Frame.from_table(table), target="y")
    (alert,) = [alert for alert in assess(facts, unread={"y"}).alerts if alert.kind == "unfit_cells"]
    assert (alert.severity, alert.affected) == ("error", 40)
    assert alert.why.endswith(
        "“on request”, so all 40 cells stay text in both tables. With the type integer named for it, they are read."
    )
    (ordinary,) = [alert for alert in assess(facts).alerts if alert.kind == "unfit_cells"]
    assert (ordinary.severity, ordinary.affected) == ("warning", 1)
