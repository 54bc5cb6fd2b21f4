"""The recipe of one file meets another whose schema or content has changed: the right outcome, or one clear error."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import ContractMode
from shared.errors import InvalidInput
from worker_service.core.recipe.contract import conform
from worker_service.core.recipe.ledger import undo
from worker_service.core.table.canonical_text import render_table
from worker_service.core.table.frame import Frame
from worker_service.planner.privacy import hide_personal_data
from worker_service.planner.propose import propose
from worker_service.planner.repeated_run import RepeatedRun, repeat_recipe
from worker_service.worker.discarded_rows import write_discarded_rows

Change = Callable[[pd.DataFrame], pd.DataFrame]


def sales(seed: int, rows: int = 400) -> pd.DataFrame:
    """Return a month of sales; months differ by chance alone."""
    random = np.random.default_rng(seed)
    price = random.lognormal(3, 0.4, rows).round(2)
    table = pd.DataFrame(
        {
            "city": random.choice(["Oslo", "Rome", "Lima"], rows),
            "price": price,
            "pieces": random.integers(1, 9, rows),
            "day": pd.to_datetime("2026-01-01") + pd.to_timedelta(random.integers(0, 28, rows), unit="D"),
            "paid": random.choice(["yes", "no"], rows),
        }
    )
    table["day"] = table["day"].dt.strftime("%Y-%m-%d")
    table.loc[random.random(rows) < 0.1, "price"] = np.nan
    return table


def decoded(table: pd.DataFrame) -> Frame:
    texts = {name: [None if pd.isna(cell) else str(cell) for cell in table[name]] for name in table}
    return Frame.from_table(pa.table({name: pa.array(cells, pa.string()) for name, cells in texts.items()}))


def recipe(**options: Mapping[str, ContractMode]) -> tuple[str, tuple[str, ...]]:
    table = hide_personal_data(decoded(sales(1)), RunOptions.model_validate(options))
    outcome = table.apply(propose(table.profile(), table.options, hidden=table.steps))
    return outcome.recipe.model_dump_json(), outcome.engineered.names


@pytest.fixture(scope="module")
def january() -> tuple[str, tuple[str, ...]]:
    return recipe()


def repeat(
    january: tuple[str, tuple[str, ...]], table: pd.DataFrame, modes: Mapping[str, ContractMode] | None = None
) -> RepeatedRun:
    run = repeat_recipe(january[0], decoded(table), modes=modes or {}, hash_key=None)
    assert run.outcome.engineered.names == january[1]
    back = undo(run.outcome.changes, run.outcome.cleaned.to_table())
    assert back.equals(render_table(conform(decoded(table), run.outcome.recipe).to_table()))
    return run


def with_column(name: str, cells: Callable[[pd.DataFrame], Any]) -> Change:
    return lambda table: table.assign(**{name: cells(table)})


def other_dates(table: pd.DataFrame) -> Any:
    return pd.to_datetime(table["day"]).dt.strftime("%d.%m.%Y")


UNMOVED: dict[str, Change] = {
    "as it is": lambda table: table,
    "reordered": lambda table: table[["paid", "day", "price", "city", "pieces"]],
    "letter case of names": lambda table: table.rename(columns=str.upper),
    "one more column": with_column("discount", lambda table: 5),
}


@pytest.mark.parametrize("change", UNMOVED.values(), ids=UNMOVED)
def test_what_does_not_matter(january: tuple[str, tuple[str, ...]], change: Change) -> None:
    run = repeat(january, change(sales(2)))
    assert (run.drift.verdict, run.drift.steps) == ("stable", ())
    assert run.facts.rows == 400


def test_a_new_column_is_left_out_and_said(january: tuple[str, tuple[str, ...]]) -> None:
    run = repeat(january, sales(2).assign(discount=5))
    assert run.drift.new_columns == ("discount",)
    assert run.outcome.results[-1].why == "1 column that the recipe does not know was left out: “discount”."
    with pytest.raises(InvalidInput, match="does not know, and its contract allows none: “discount”"):
        repeat(january, sales(2).assign(discount=5), {"*": "freeze"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="price"), "needs the column “price”, which the table does not have."),
        (lambda table: table.rename(columns={"price": "prices"}), "“prices” may be “price”?"),
        (lambda table: table.drop(columns=["price", "city"]), "needs 2 columns that the table does not have"),
    ],
    ids=["missing", "renamed", "two missing"],
)
def test_a_column_that_is_missing(january: tuple[str, tuple[str, ...]], change: Change, message: str) -> None:
    with pytest.raises(InvalidInput, match=message.replace("?", r"\?")) as error:
        repeat(january, change(sales(2)))
    assert error.value.reason == "COLUMN_MISSING"


MOVED: dict[str, tuple[Change, str, str, set[str]]] = {
    "retyped": (with_column("pieces", lambda table: "many"), "pieces", "broken", {"read_column"}),
    "another date format": (with_column("day", other_dates), "day", "broken", {"read_column"}),
    "a new level": (
        with_column("city", lambda table: table["city"].replace("Rome", "Roma")),
        "city",
        "moved",
        {"one_hot"},
    ),
    "another unit": (with_column("price", lambda table: table["price"] * 2.2046), "price", "moved", {"scale"}),
    "empty cells": (
        with_column("pieces", lambda table: table["pieces"].where(np.arange(len(table)) % 5 > 0)),
        "pieces",
        "moved",
        set(),
    ),
}


@pytest.mark.parametrize(("change", "column", "verdict", "kinds"), MOVED.values(), ids=MOVED)
def test_what_has_moved(
    january: tuple[str, tuple[str, ...]], change: Change, column: str, verdict: str, kinds: set[str]
) -> None:
    drift = repeat(january, change(sales(2))).drift
    assert {item.column: item.verdict for item in drift.columns if item.verdict != "stable"} == {column: verdict}
    assert kinds <= {step.kind for step in drift.steps if step.columns == (column,)}
    assert f"“{column}”" in drift.summary


def test_a_frozen_column_names_what_was_expected(january: tuple[str, tuple[str, ...]]) -> None:
    renamed = sales(2).replace({"city": {"Rome": "Roma"}})
    with pytest.raises(InvalidInput, match=r"cells of “city” \(such as “Roma”\) are not one of the levels") as error:
        repeat(january, renamed, {"city": "freeze"})
    assert error.value.reason == "CONTRACT_BROKEN"
    strict = recipe(contract={"city": "freeze"})
    with pytest.raises(InvalidInput):
        repeat(strict, renamed)
    assert repeat(strict, renamed, {"city": "evolve"}).drift.verdict == "moved"


def test_rows_and_values_are_discarded(january: tuple[str, tuple[str, ...]]) -> None:
    table = sales(2)
    table.loc[3, "city"], table.loc[5, "pieces"], table.loc[7, "pieces"] = "Roma", 900, 800
    run = repeat(january, table, {"city": "discard_row", "pieces": "discard_value"})
    assert run.outcome.cleaned.rows == 399
    assert run.facts.rows == 400 and run.outcome.typed.rows == 400
    (discard,) = run.outcome.discards
    assert (discard.rows.tolist(), discard.column) == ([3], "city")
    (result,) = (result for result in run.outcome.results if result.rule == "contract")
    assert result.what == "By the contract of the recipe, left out 1 row and emptied 2 cells."
    with pytest.raises(InvalidInput, match="No row would be left"):
        repeat(january, table.assign(city="Roma"), {"city": "discard_row"})


def test_discarded_rows_are_listed_by_the_names_of_the_file(
    january: tuple[str, tuple[str, ...]], tmp_path: Path
) -> None:
    table = sales(2)
    table.loc[3, "city"] = "Roma"
    renamed = table.rename(columns=str.upper)
    run = repeat(january, renamed, {"city": "discard_row"})
    write_discarded_rows(run.outcome.discards, decoded(renamed), tmp_path / "rejects.parquet", earlier=None)
    (reject,) = pq.read_table(tmp_path / "rejects.parquet").to_pylist()
    assert reject["why"].startswith("row 4: “city” holds “Roma”, not one of the levels")


def test_a_recipe_of_a_replay_can_be_repeated_again(january: tuple[str, tuple[str, ...]]) -> None:
    again = repeat(january, sales(2)).outcome.recipe.model_dump_json()
    assert repeat((again, january[1]), sales(3)).drift.verdict == "stable"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{}", "RECIPE_INVALID"),
        ("no JSON", "RECIPE_INVALID"),
        ('{"version": 1, "target": {"column": null, "confidence": 0, "why": ""}, "steps": []}', "RECIPE_NOT_SETTLED"),
    ],
)
def test_what_is_no_recipe(document: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as error:
        repeat_recipe(document, decoded(sales(1)), modes={}, hash_key=None)
    assert error.value.reason == reason
