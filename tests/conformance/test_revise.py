"""Steps are switched off and on again: all of them gives back the decoded table, none changes nothing."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given

from shared.contracts.run_options import Revision, RunOptions
from tests.conformance.frames import EDGE_CASES
from tests.conformance.test_changed_files import decoded, sales
from tests.conformance.test_laws import LAWS, OPTIONS, TARGETS, tables
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.ledger import count_differing, undo
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.replay import carry_changes, replay, revise
from worker_service.core.recipe.settle import settle
from worker_service.core.table.canonical_text import render, render_table
from worker_service.core.table.frame import Frame
from worker_service.core.utility.selection import leave_out_harmful
from worker_service.planner.propose import propose

OPTIONS_OF_NOBODY = RunOptions()


def off(*steps: int) -> Revision:
    return Revision(base="", off=steps)


def prepared(frame: Frame, target: str | None, options: RunOptions = OPTIONS_OF_NOBODY) -> Outcome:
    outcome = settle(leave_out_harmful(apply(propose(profile(frame, target=target), options), frame)), frame)
    again = Recipe.model_validate_json(outcome.recipe.model_dump_json())
    assert again == outcome.recipe
    return outcome


def differing_cells(cleaned: Frame, decoded: Frame) -> int:
    """Return how many cells of a cleaned table have another text than in the decoded one."""
    return sum(
        now != before
        for name, column in cleaned.columns.items()
        for now, before in zip(
            render(column.array).to_pylist(),
            render(decoded[name].array.take(pa.array(cleaned.row_numbers))).to_pylist(),
            strict=True,
        )
    )


def assert_laws(outcome: Outcome, frame: Frame) -> None:
    recipe = outcome.recipe
    same = revise(recipe, off(), frame, OPTIONS_OF_NOBODY)
    assert same.cleaned.equals(outcome.cleaned)
    assert same.engineered.equals(outcome.engineered)
    assert same.changes.equals(outcome.changes, check_metadata=True)
    assert same.recipe.steps == recipe.steps
    assert count_differing(outcome.changes) == differing_cells(outcome.cleaned, frame)
    undone = revise(recipe, off(*range(1, len(recipe.steps) + 1)), frame, OPTIONS_OF_NOBODY)
    assert undone.cleaned.equals(frame)
    assert undone.changes.num_rows == 0


@pytest.mark.parametrize("name", EDGE_CASES)
def test_nothing_and_everything(name: str) -> None:
    frame = Frame.from_table(EDGE_CASES[name])
    assert_laws(prepared(frame, None), frame)


@LAWS
@given(table=tables(), target=TARGETS, options=OPTIONS)
def test_nothing_and_everything_of_any_table(table: pa.Table, target: str | None, options: RunOptions) -> None:
    frame = Frame.from_table(table)
    assert_laws(prepared(frame, target, options), frame)


@pytest.fixture(scope="module")
def frame() -> Frame:
    return decoded(sales(1))


@pytest.fixture(scope="module")
def outcome(frame: Frame) -> Outcome:
    return prepared(frame, "paid", RunOptions(fill="all"))


def test_any_step_can_be_switched_off(outcome: Outcome, frame: Frame) -> None:
    for step in range(1, len(outcome.recipe.steps) + 1):
        without = revise(outcome.recipe, off(step), frame, OPTIONS_OF_NOBODY)
        result = next(result for result in without.results if result.step == step)
        assert (result.state, result.why) == ("skipped", "Switched off.")
        assert not pc.any(pc.equal(without.changes.column("step"), step)).as_py()
        gaps = {name: column.missing for name, column in without.engineered.columns.items() if column.is_number}
        assert not any(missing for name, missing in gaps.items() if name != "paid"), step
        # It is settled, so that the next file can be prepared by it.
        again = replay(without.recipe, decoded(sales(2)))
        assert again.cleaned.names == without.cleaned.names
        assert again.engineered.names == without.engineered.names


def test_what_needs_a_step_says_so(outcome: Outcome, frame: Frame) -> None:
    reading = next(
        position
        for position, step in enumerate(outcome.recipe.steps, start=1)
        if step.kind == "read_column" and step.columns == ("price",)
    )
    without = revise(outcome.recipe, off(reading), frame, OPTIONS_OF_NOBODY)
    assert without.cleaned["price"].is_text
    reasons = {result.why for result in without.results if "price" in result.columns and result.state == "skipped"}
    assert "Skipped: “price” does not hold numbers." in reasons
    assert np.array_equal(without.cleaned["pieces"].numbers(), outcome.cleaned["pieces"].numbers())
    # From the recipe as it was proposed, everything comes back.
    assert revise(outcome.recipe, off(), frame, OPTIONS_OF_NOBODY).engineered.equals(outcome.engineered)


def test_parameters_are_set(outcome: Outcome, frame: Frame) -> None:
    position, step = next(
        (position, step)
        for position, step in enumerate(outcome.recipe.steps, start=1)
        if step.kind == "treat_outliers" and step.is_active
    )
    revision = Revision(base="", off=(), parameters={position: {"upper": 20.0}})
    edited = revise(outcome.recipe, revision, frame, OPTIONS_OF_NOBODY)
    changed = edited.recipe.steps[position - 1]
    assert (changed.kind, changed.rule, changed.model_dump()["upper"]) == ("treat_outliers", "user", 20.0)
    assert changed.why.startswith("A user set upper to 20.0.")
    result = next(result for result in edited.results if result.step == position)
    assert result.outliers > 0
    assert step.rule != "user"
    with pytest.raises(ValueError, match="upper"):
        revise(outcome.recipe, Revision(base="", off=(), parameters={position: {"upper": "high"}}), frame, RunOptions())


def assert_kept(outcome: Outcome, frame: Frame, kept: tuple[tuple[int, str], ...]) -> None:
    """Check that these cells are as they were read, all others as before, and that the ledger says how."""
    again = revise(outcome.recipe, Revision(base="", off=(), cells=kept), frame, OPTIONS_OF_NOBODY)
    for name, column in again.cleaned.columns.items():
        is_kept = np.isin(again.cleaned.row_numbers + 1, [row for row, other in kept if other == name])
        places = np.searchsorted(again.typed.row_numbers, again.cleaned.row_numbers)
        read = again.typed[name].array.take(pa.array(places)) if name in again.typed else column.array
        assert column.array.filter(pa.array(is_kept)).equals(read.filter(pa.array(is_kept)).cast(column.type)), name
        before = outcome.cleaned[name].array.filter(pa.array(~is_kept))
        assert column.array.filter(pa.array(~is_kept)).equals(before), name
    undone, decoded_text = undo(again.changes, again.cleaned.to_table()), render_table(frame.to_table())
    assert undone.equals(decoded_text)
    assert again.recipe.steps == outcome.recipe.steps


@LAWS
@given(table=tables(), target=TARGETS, options=OPTIONS)
def test_cells_are_kept_in_any_table(table: pa.Table, target: str | None, options: RunOptions) -> None:
    frame = Frame.from_table(table)
    outcome = prepared(frame, target, options)
    every_other = tuple((row, name) for row in range(1, frame.rows + 3, 2) for name in outcome.cleaned.names)
    assert_kept(outcome, frame, every_other)


def test_a_kept_cell_is_a_gap_that_models_never_see(outcome: Outcome, frame: Frame) -> None:
    filled = outcome.changes.filter(pc.equal(outcome.changes.column("kind").cast(pa.string()), "filled")).to_pylist()[0]
    kept = ((filled["row"], filled["column"]),)
    assert_kept(outcome, frame, kept)
    again = revise(outcome.recipe, Revision(base="", off=(), cells=kept), frame, OPTIONS_OF_NOBODY)
    assert again.results[-1].kind in ("kept_cells", "fill_missing")
    of_cells = next(result for result in again.results if result.kind == "kept_cells")
    assert (of_cells.cells_changed, of_cells.what) == (1, "Put 1 cell back as the file has it.")
    assert not any(column.missing for name, column in again.engineered.columns.items() if name != "paid")


def test_what_users_changed_goes_with_a_recipe_that_is_proposed_anew(outcome: Outcome, frame: Frame) -> None:
    steps = outcome.recipe.steps
    scales = [number for number, step in enumerate(steps, start=1) if step.kind == "scale" and step.is_active]
    fills = [number for number, step in enumerate(steps, start=1) if step.kind.startswith("fill")]
    added = {"kind": "drop_column", "phase": "features", "column": "city"}
    changes = Revision(
        base="", off=(fills[0],), parameters={scales[0]: {"center": 7.0}}, added=(added,), cells=((3, "price"),)
    )
    revised = revise(outcome.recipe, changes, frame, OPTIONS_OF_NOBODY)
    carried = carry_changes(revised.recipe, outcome.recipe)
    assert (carried.off, dict(carried.parameters)) == (changes.off, changes.parameters)
    assert [dict(step)["kind"] for step in carried.added] == ["drop_column"]
    again = revise(outcome.recipe, carried.model_copy(update={"cells": changes.cells}), frame, OPTIONS_OF_NOBODY)
    assert again.recipe == revised.recipe
    assert again.cleaned.equals(revised.cleaned) and again.engineered.equals(revised.engineered)
    assert carry_changes(outcome.recipe, outcome.recipe) == Revision(base="")
    assert carry_changes(again.recipe, outcome.recipe) == carried


def test_an_added_step_goes_with_it_whatever_was_set_of_it_since(outcome: Outcome, frame: Frame) -> None:
    last = len(outcome.recipe.steps) + 1
    added = {"kind": "bin", "column": "price", "edges": [1.0, 2.0], "name": "price_step"}
    changes = Revision(base="", added=(added,), parameters={last: {"edges": [3.0, 4.0]}})
    revised = revise(outcome.recipe, changes, frame, OPTIONS_OF_NOBODY)
    assert revised.recipe.steps[-1].user_set == ("edges",)
    (carried,) = carry_changes(revised.recipe, outcome.recipe).added
    assert (carried["kind"], carried["edges"]) == ("bin", [3.0, 4.0])
