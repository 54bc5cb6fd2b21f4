"""Tests of the guards: refused steps become flags with a reason."""

import pyarrow as pa

from shared.contracts.run_options import RunOptions
from tests.conformance.steps import BECAUSE, fill, outliers, read, recipe
from worker_service.core.parsing import ReadInteger
from worker_service.core.profile import profile
from worker_service.core.recipe.steps import Bin, Flag, Ratio, Scale
from worker_service.core.table.frame import Frame
from worker_service.planner.guards import guard

FACTS = profile(Frame.from_table(pa.table({"a": ["1", "2", "3"], "b": ["3", "4", "5"], "y": ["0", "1", None]})))


def reasons(*steps: object, target: str | None = "y") -> list[str]:
    guarded = guard(recipe(*steps, target=target), FACTS, RunOptions())  # type: ignore[arg-type]
    return [step.why if isinstance(step, Flag) else step.kind for step in guarded.steps]


def test_the_target_may_be_read_and_nothing_else() -> None:
    spec = ReadInteger(kind="integer")
    ratio = Ratio(kind="ratio", numerator="a", denominator="y", name="r", **BECAUSE)
    refused = "is the target, which is never changed and never made into a feature."
    assert reasons(read("y", spec), fill("y", "mean", 1), outliers("y", "cap"), ratio) == [
        "read_column",
        f"A proposal to fill missing was refused: “y” {refused}",
        f"A proposal to treat outliers was refused: “y” {refused}",
        f"A proposal to ratio was refused: “y” {refused}",
    ]
    assert reasons(fill("y", "mean", 1), target=None) == ["fill_missing"]


def test_unknown_columns_and_taken_names_are_refused() -> None:
    bins = Bin(kind="bin", column="a", edges=(1.0,), name="b", **BECAUSE)
    assert reasons(fill("gone", "mean", 1), bins) == [
        "A proposal to fill missing was refused: there is no column “gone”.",
        "A proposal to bin was refused: there is a column “b” already.",
    ]


def test_a_step_may_use_what_an_earlier_one_made() -> None:
    made = Bin(kind="bin", column="a", edges=(1.0,), name="group", **BECAUSE)
    scale = Scale(kind="scale", column="group", method="standard", center=0.0, divisor=1.0, **BECAUSE)
    assert reasons(made, scale, made) == [
        "bin",
        "scale",
        "A proposal to bin was refused: there is a column “group” already.",
    ]


def test_steps_are_put_in_order() -> None:
    scale = Scale(kind="scale", column="a", method="standard", center=0.0, divisor=1.0, **BECAUSE)
    spec = ReadInteger(kind="integer")
    mixed = (scale, outliers("a", "cap"), fill("a", "mean", 1), read("a", spec))
    assert reasons(*mixed) == ["read_column", "fill_missing", "treat_outliers", "scale"]
