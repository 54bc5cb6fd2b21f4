"""Sums and products are found, and a number that alone can be wrong is corrected by them."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.ledger import undo
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

Bills = dict[str, list[str]]


def bills(rows: int = 200, seed: int = 1) -> Bills:
    """Return bills with `net = price × quantity`, `tax = 0.19 × net` and `total = net + tax`."""
    random = np.random.default_rng(seed)
    price, quantity = random.choice([2.5, 4.75, 12.25, 49.5], rows), random.integers(2, 30, rows)
    net = np.round(price * quantity, 2)
    tax = np.round(0.19 * net, 2)
    columns = {"price": price, "quantity": quantity, "net": net, "tax": tax, "total": np.round(net + tax, 2)}
    return {name: [str(value) for value in values.tolist()] for name, values in columns.items()}


def prepared(columns: dict[str, Any], target: str = "none") -> Outcome:
    frame = Frame.from_table(pa.table(columns))
    return apply(propose(profile(frame, target=target), RunOptions()), frame)


def formulas(columns: dict[str, Any], target: str = "none") -> set[tuple[str, str, tuple[str, ...], float]]:
    facts = profile(Frame.from_table(pa.table(columns)), target=target).formulas
    return {(of.formula.result, of.formula.operation, of.formula.operands, of.formula.factor) for of in facts}


def changed(columns: Bills) -> dict[tuple[str, int], float]:
    outcome = prepared(columns)
    return {
        (change["column"], change["row"] - 1): float(change["after"])
        for change in outcome.changes.to_pylist()
        if change["rule"] == "formula"
    }


def test_formulas_are_found() -> None:
    expected = {
        ("net", "product", ("price", "quantity"), 1.0),
        ("tax", "product", ("net",), 0.19),
        ("total", "sum", ("net", "tax"), 1.0),
    }
    assert formulas(bills()) >= expected
    assert all("total" not in (result, *operands) for result, _, operands, _ in formulas(bills(), target="total"))


def test_a_long_sum_of_neighbours() -> None:
    random = np.random.default_rng(2)
    parts = {f"part{number}": random.integers(0, 500, 100) for number in range(6)}
    assert ("all", "sum", tuple(parts), 1.0) in formulas(
        {"id": np.arange(100) * 7, **parts, "all": sum(parts.values())}
    )


@pytest.mark.parametrize("seed", range(5))
def test_independent_columns_have_none(seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = {f"c{number}": random.integers(0, 10**number, 300) for number in range(1, 7)}
    assert formulas({**columns, "zero": np.zeros(300, int), "one": np.ones(300, int)}) == set()


@pytest.mark.parametrize(("name", "wrong"), [("net", "9"), ("tax", "7"), ("total", "8")])
def test_the_wrong_number_of_a_row_is_corrected(name: str, wrong: str) -> None:
    columns = bills()
    row = next(row for row, text in enumerate(columns[name]) if len(text) >= 5 and text[0] != wrong)
    right = float(columns[name][row])
    columns[name][row] = wrong + columns[name][row][1:]
    assert changed(columns) == {(name, row): right}
    outcome = prepared(columns)
    assert undo(outcome.changes, outcome.cleaned.to_table())[name].to_pylist() == columns[name]
    (result,) = (result for result in outcome.results if result.rule == "formula")
    assert result.why.startswith("Corrected 1 number by “net” = “price” × “quantity”")


def test_where_any_number_may_be_wrong_none_is_changed() -> None:
    random = np.random.default_rng(4)
    first, second = random.integers(100, 900, 200), random.integers(100, 900, 200)
    columns = {"first": first.tolist(), "second": second.tolist(), "sum": (first + second).tolist()}
    # Each of the three may have got its first digit wrong.
    columns["sum"][7] += 100
    assert "formula" not in prepared(columns).changes.column("rule").to_pylist()


@pytest.mark.parametrize("extra", [4.5, 60.0])
def test_what_is_added_again_and_again_has_a_meaning(extra: float) -> None:
    columns = bills()
    for row in range(0, 200, 15):
        columns["total"][row] = f"{float(columns['total'][row]) + extra:.2f}"
    assert changed(columns) == {}


def test_rounding_is_no_error() -> None:
    columns = bills()
    columns["total"] = [f"{float(total) + 0.01 * (row % 3 - 1):.2f}" for row, total in enumerate(columns["total"])]
    assert changed(columns) == {}


def test_an_amount_is_not_wrong_where_a_rate_with_many_digits_may_be() -> None:
    random = np.random.default_rng(5)
    pupils, cost = random.integers(200, 900, 200), random.integers(1_000_000, 3_000_000, 200)
    columns = {
        "pupils": [str(value) for value in pupils.tolist()],
        "cost": [str(value) for value in cost.tolist()],
        "per_pupil": [f"{value:.8f}" for value in (cost / pupils).astype(np.float32).tolist()],
    }
    columns["per_pupil"][9] = f"{10 * float(columns['per_pupil'][9]):.7f}"
    assert changed(columns) == {}  # the amount may have lost a digit, or the rate its point


def test_two_cells_that_are_wrong_alike_do_not_make_the_third_wrong() -> None:
    random = np.random.default_rng(3)
    home, away = random.integers(50, 99, 200), random.integers(50, 99, 200)
    columns = {
        name: [str(value) for value in values.tolist()]
        for name, values in {"home": home, "away": away, "both": home + away}.items()
    }
    for row in (20, 40):
        columns["away"][row] += "0"
        columns["both"][row] += "0"
    assert formulas(columns) == {("both", "sum", ("home", "away"), 1.0)}
    assert changed(columns) == {}
