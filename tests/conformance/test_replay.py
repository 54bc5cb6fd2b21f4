"""A settled recipe makes the same of its own table again, and columns of the same types of any other one."""

from itertools import islice, pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from shared.contracts.run_options import RunOptions
from tests.conformance.frames import EDGE_CASES
from tests.conformance.steps import BECAUSE, STEPS, hide, read, recipe
from tests.conformance.test_laws import LAWS, OPTIONS, TARGETS, tables
from worker_service.core.parsing import ReadTimestamp, infer
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.contract import ContractBroken
from worker_service.core.recipe.recipe import Recipe
from worker_service.core.recipe.replay import output_columns, replay, replay_batches
from worker_service.core.recipe.settle import settle
from worker_service.core.recipe.steps import AnyStep, DropDuplicates
from worker_service.core.table.frame import Column, Frame
from worker_service.core.utility.selection import leave_out_harmful
from worker_service.planner.propose import propose

FRAMES = {name: Frame.from_table(table) for name, table in EDGE_CASES.items()}


def carried_out(steps: list[AnyStep], frame: Frame) -> Outcome:
    """Return the settled outcome of steps on a frame, its recipe read back from JSON."""
    return stored(settle(apply(recipe(*steps), frame), frame))


def stored(outcome: Outcome) -> Outcome:
    again = Recipe.model_validate_json(outcome.recipe.model_dump_json())
    assert again == outcome.recipe
    assert again.content_hash() == outcome.recipe.content_hash()
    return outcome


def assert_same(outcome: Outcome, again: Outcome) -> None:
    assert again.typed.equals(outcome.typed)
    assert again.cleaned.equals(outcome.cleaned)
    assert again.engineered.equals(outcome.engineered)
    assert again.changes.equals(outcome.changes, check_metadata=True)


def readings(frame: Frame) -> list[AnyStep]:
    return [read(column, spec) for column in frame.names if (spec := infer(frame[column]).read_as)]


@pytest.mark.parametrize("name", EDGE_CASES)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.kind)
def test_every_step_repeats_itself_and_has_the_same_columns_elsewhere(step: AnyStep, name: str) -> None:
    frame = FRAMES[name]
    for before in ([], readings(frame)):
        outcome = carried_out([*before, step], frame)
        if outcome.recipe.steps[-1].skipped is not None:
            continue
        assert_same(outcome, replay(outcome.recipe, frame))
        cleaned, engineered = output_columns(outcome.recipe)
        assert cleaned.equals(outcome.cleaned.to_table().schema)
        assert engineered.equals(outcome.engineered.to_table().schema)
        position = list(EDGE_CASES).index(name)
        others = [other for other in islice(EDGE_CASES, position + 1, position + 5) if other != name]
        for other in others:
            try:
                elsewhere = replay(outcome.recipe, FRAMES[other])
            except ContractBroken as error:
                assert error.reason in ("COLUMN_MISSING", "TYPE_CHANGED")
                continue
            assert elsewhere.cleaned.to_table().schema.equals(cleaned)
            assert elsewhere.engineered.to_table().schema.equals(engineered)


@pytest.mark.parametrize("name", EDGE_CASES)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.kind)
def test_parts_together_are_the_whole(step: AnyStep, name: str) -> None:
    frame = FRAMES[name]
    outcome = carried_out([*readings(frame), step], frame)
    if step.scope == "table" or outcome.recipe.steps[-1].skipped is not None:
        return
    for cuts in ([1], [2, 3], list(range(1, frame.rows))):
        edges = [0, *(cut for cut in cuts if 0 < cut < frame.rows), frame.rows]
        parts = [part(frame, start, stop) for start, stop in pairwise(edges)]
        outcomes = list(replay_batches(outcome.recipe, parts))
        for table in ("cleaned", "engineered"):
            joined = pa.concat_tables([getattr(of_part, table).to_table() for of_part in outcomes])
            assert joined.combine_chunks().equals(getattr(outcome, table).to_table().combine_chunks())


def part(frame: Frame, start: int, stop: int) -> Frame:
    columns = {name: Column(column.array.slice(start, stop - start)) for name, column in frame.columns.items()}
    return Frame(columns, frame.row_numbers[start:stop])


@LAWS
@given(tables(), TARGETS, OPTIONS)
def test_prepared_tables_are_prepared_again(table: pa.Table, target: str | None, options: RunOptions) -> None:
    frame = Frame.from_table(table)
    plan = propose(profile(frame, target=target), options)
    outcome = stored(settle(leave_out_harmful(apply(plan, frame)), frame))
    assert_same(outcome, replay(outcome.recipe, Frame.from_table(table)))
    # Other rows of the same kinds of values, in another order, with the columns the other way round.
    order = np.random.default_rng(len(table.schema)).permutation(frame.rows)
    other = table.take(pa.array(order)).select(table.column_names[::-1])
    again = replay(outcome.recipe, Frame.from_table(other))
    assert again.cleaned.to_table().schema.equals(outcome.cleaned.to_table().schema)
    assert again.engineered.to_table().schema.equals(outcome.engineered.to_table().schema)


@LAWS
@given(tables(), tables(), TARGETS)
def test_other_tables_get_the_same_columns(table: pa.Table, other: pa.Table, target: str | None) -> None:
    frame = Frame.from_table(table)
    outcome = settle(apply(propose(profile(frame, target=target), RunOptions()), frame), frame)
    renamed = other.rename_columns([f"other {position}" for position in range(other.num_columns)])
    cells = [renamed.column(position % other.num_columns) for position in range(table.num_columns)]
    again = replay(outcome.recipe, Frame.from_table(pa.table(dict(zip(table.column_names, cells, strict=True)))))
    contract = outcome.recipe.contract
    assert contract is not None
    assert again.cleaned.to_table().schema.equals(outcome.cleaned.to_table().schema)
    assert again.engineered.to_table().schema.equals(outcome.engineered.to_table().schema)
    for column in contract.engineered:
        if column.fill is not None:
            assert np.isfinite(again.engineered[column.name].numbers()).all(), column.name


def test_the_target_need_not_be_there() -> None:
    random = np.random.default_rng(0)
    table = pa.table({"a": random.normal(size=90), "b": random.integers(0, 9, 90), "y": random.normal(size=90)})
    frame = Frame.from_table(table)
    outcome = settle(apply(propose(profile(frame, target="y"), RunOptions()), frame), frame)
    again = replay(outcome.recipe, Frame.from_table(table.drop_columns(["y"])))
    assert again.engineered.equals(outcome.engineered.without_columns(["y"]))


def test_a_recipe_that_was_never_carried_out_is_refused() -> None:
    with pytest.raises(ContractBroken, match="never carried out"):
        replay(recipe(), FRAMES["one row"])
    with pytest.raises(ContractBroken, match="version 1"):
        replay(recipe().model_copy(update={"version": 1}), FRAMES["one row"])


def test_typed_cells_are_not_read_in_the_notation_of_a_text_file() -> None:
    rows = range(60)
    written = pa.table(
        {
            "price": [f"{1000 + row}.{row % 10}".replace(".", ",") for row in rows],
            "day": [f"{1 + row % 28:02d}.{1 + row % 12:02d}.2024" for row in rows],
            "sold": [("yes", "no")[row % 2] for row in rows],
            "kind": [("x", "y", "z")[row % 3] for row in rows],
        }
    )
    frame = Frame.from_table(written)
    outcome = settle(apply(propose(profile(frame, target="none"), RunOptions()), frame), frame)
    typed = outcome.cleaned.to_table()
    assert [str(kind) for kind in typed.schema.types] == ["double", "timestamp[us]", "bool", "string"]
    again = replay(outcome.recipe, Frame.from_table(typed))
    assert again.cleaned.equals(outcome.cleaned)
    assert again.engineered.equals(outcome.engineered)


TYPED = pa.table({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5], "c": [True, False, True]})


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"a": ["1", "2.0"]}, [1, 2]),
        ({"a": [1.0, 2.0]}, [1, 2]),
        ({"b": ["1.25", "nan"]}, [1.25, None]),
        ({"b": [1, 2]}, [1.0, 2.0]),
        ({"c": ["True", "false"]}, [True, False]),
        ({"a": ["1", "2.5"]}, "“a” holds text, such as “1”, where the recipe expects whole numbers."),
        ({"a": [1.0, 2.5]}, "“a” holds decimal numbers, such as “1”, where the recipe expects whole numbers. One"),
        ({"b": ["1,5", "2"]}, "“b” holds text, such as “1,5”, where the recipe expects decimal numbers."),
        ({"b": [2**53 + 1, 2]}, "can't be kept exactly"),
        ({"c": [1, 5]}, "expects true or false"),
        ({"a": [np.datetime64("2024-01-05", "us")] * 2}, "“a” holds moments, such as “2024-01-05”, where"),
    ],
)
def test_types_are_changed_where_that_means_one_thing(cells: dict[str, list[object]], expected: object) -> None:
    outcome = carried_out([], Frame.from_table(TYPED))
    (name,) = cells
    table = TYPED.slice(0, 2).drop_columns([name]).append_column(name, pa.array(cells[name]))
    if isinstance(expected, list):
        assert replay(outcome.recipe, Frame.from_table(table)).cleaned[name].array.to_pylist() == expected
    else:
        with pytest.raises(ContractBroken, match=str(expected)) as error:
            replay(outcome.recipe, Frame.from_table(table))
        assert error.value.reason == "TYPE_CHANGED"


def test_a_column_stands_for_one_name_only() -> None:
    outcome = carried_out([], Frame.from_table(pa.table({"a": [1], "A": [2]})))
    with pytest.raises(ContractBroken, match="needs the column “A”"):
        replay(outcome.recipe, Frame.from_table(pa.table({"a": [5]})))
    assert replay(outcome.recipe, Frame.from_table(pa.table({"A": [5], "a": [6]}))).cleaned["a"].array.to_pylist() == [
        6
    ]
    cased = carried_out([], Frame.from_table(pa.table({"a": [1], "b": [2]})))
    assert replay(cased.recipe, Frame.from_table(pa.table({"B": [5], "A": [6]}))).cleaned.names == ("a", "b")


def test_numbers_that_are_not_finite_are_filled() -> None:
    outcome = carried_out([], Frame.from_table(pa.table({"a": [1.0, 2.0, 4.0]})))
    again = replay(outcome.recipe, Frame.from_table(pa.table({"a": [float("inf"), 7.0]})))
    assert again.engineered["a"].array.to_pylist() == [2.0, 7.0]
    large = carried_out([], Frame.from_table(pa.table({"a": [2**63 - 1] * 3})))
    filled = replay(large.recipe, Frame.from_table(pa.table({"a": pa.array([None, 1], pa.int64())})))
    assert filled.engineered["a"].array.to_pylist() == [2**63 - 1, 1]


def test_what_is_hidden_is_not_quoted() -> None:
    numbers = pa.table({"a": [491700000000 + row for row in range(9)], "b": list(range(9))})
    outcome = settle(apply(recipe(hide("mask", "phone")), Frame.from_table(numbers)), Frame.from_table(numbers))
    words = pa.table({"a": ["call Anna", "0170-123"], "b": [1, 2]})
    assert replay(outcome.recipe, Frame.from_table(words)).cleaned["a"].array.to_pylist()[0].startswith("***")
    hashing = settle(
        apply(recipe(hide("hash", "phone")), Frame.from_table(numbers), hash_key=b"k"), Frame.from_table(numbers)
    )
    with pytest.raises(ContractBroken, match="needs the key"):
        replay(hashing.recipe, Frame.from_table(numbers))
    with pytest.raises(ContractBroken) as error:
        replay(hashing.recipe, Frame.from_table(words), hash_key=b"k")
    assert "Anna" not in str(error.value)


def test_what_is_dropped_as_personal_data_need_not_be_there() -> None:
    frame = Frame.from_table(pa.table({"a": ["x@y.org"] * 3, "b": [1, 2, 3]}))
    outcome = settle(apply(recipe(hide("drop")), frame), frame)
    again = replay(outcome.recipe, Frame.from_table(pa.table({"b": [1, 2]})))
    assert again.cleaned.names == ("b",)


def test_rows_are_not_equal_because_the_target_is_missing() -> None:
    table = pa.table({"a": [1, 1, 2], "y": [1, 1, 3]})
    step = DropDuplicates(kind="drop_duplicates", **BECAUSE)
    frame = Frame.from_table(table)
    outcome = settle(apply(recipe(step, target="y"), frame), frame)
    assert outcome.cleaned.rows == 2
    assert replay(outcome.recipe, Frame.from_table(pa.table({"a": [1, 1, 2, 2]}))).cleaned.rows == 4


def test_a_cell_is_read_alone_as_among_others() -> None:
    spec = ReadTimestamp(kind="timestamp", format="ISO 8601")
    outcome = carried_out([read("a", spec)], Frame.from_table(pa.table({"a": ["2024-01-05", "2024-01-06 10:00"]})))
    for cells in (["2024-01-05 10"], ["2024-01-05 10", "oops"]):
        cleaned = replay(outcome.recipe, Frame.from_table(pa.table({"a": cells}))).cleaned
        assert cleaned["a"].array[0].as_py() is None
