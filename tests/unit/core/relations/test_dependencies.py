"""Dependencies are found, what the other columns agree on is corrected, and everything else is left alone."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.ledger import undo
from worker_service.core.relations.dependencies import Dependency, find_dependencies
from worker_service.core.table.frame import Column, Frame
from worker_service.planner.propose import propose

CITIES = {
    "Birmingham": "Alabama",
    "Phoenix": "Arizona",
    "Tucson": "Arizona",
    "Denver": "Colorado",
    "Boulder": "Colorado",
}


def addresses(rows: int = 600, seed: int = 0) -> dict[str, list[Any]]:
    random = np.random.default_rng(seed)
    zips = {f"{code:05d}": city for code, city in zip(range(1000, 21000, 1000), [*CITIES] * 4, strict=True)}
    chosen = [list(zips)[index] for index in random.integers(0, len(zips), rows)]
    return {
        "zip": list(chosen),
        "city": [zips[code] for code in chosen],
        "state": [CITIES[zips[code]] for code in chosen],
        "weather": [("sunny", "cloudy", "rainy")[index] for index in random.integers(0, 3, rows)],
    }


def dependencies(columns: dict[str, list[Any]]) -> dict[tuple[str, str], Dependency]:
    rules = find_dependencies({name: Column(pa.array(cells)) for name, cells in columns.items()})
    return {(rule.determinant, rule.dependent): rule for rule in rules}


def prepared(columns: dict[str, list[Any]], target: str | None = None) -> Outcome:
    frame = Frame.from_table(pa.table(columns))
    return apply(propose(profile(frame, target=target), RunOptions()), frame)


def reasons(outcome: Outcome, rule: str) -> list[str]:
    return [result.why for result in outcome.results if result.rule == rule]


def corrections(columns: dict[str, list[Any]]) -> set[tuple[str, str, str]]:
    return {
        (rule.dependent, correction.before, correction.after)
        for rule in dependencies(columns).values()
        for correction in rule.corrections
    }


def test_few_rows_may_agree_by_chance() -> None:
    few = {"shape": ["round", "square", "flat"] * 4, "colour": ["red", "green", "blue"] * 4}
    many = {name: cells * 10 for name, cells in few.items()}
    assert dependencies(few) == {}
    assert set(dependencies(many)) == {("shape", "colour"), ("colour", "shape")}


def test_a_quantity_determines_nothing() -> None:
    random = np.random.default_rng(3)
    size = random.integers(60, 330, 400).tolist()
    columns = {"engine_size": size, "cylinders": [min(8, 2 + value // 50) for value in size], "id": [*range(400)]}
    facts = profile(Frame.from_table(pa.table(columns)), target="none")
    assert not any(rule.determinant == "engine_size" for rule in facts.dependencies)


def test_only_what_follows_is_a_dependency() -> None:
    rules = dependencies(addresses())
    assert set(rules) == {("zip", "city"), ("zip", "state"), ("city", "state")}
    assert all(rule.agreement == 1 and rule.violations == 0 for rule in rules.values())


@pytest.mark.parametrize("seed", range(5))
def test_independent_and_nearly_constant_columns_have_none(seed: int) -> None:
    random = np.random.default_rng(seed)
    columns = {f"c{levels}": random.integers(0, levels, 1000).astype(str).tolist() for levels in (2, 5, 30, 300)}
    columns["rarely"] = np.where(random.random(1000) < 0.08, "yes", "no").tolist()
    columns["key"] = [str(row) for row in range(1000)]
    assert dependencies(columns) == {}


def test_a_typo_is_corrected() -> None:
    columns = addresses()
    columns["state"][7] = columns["state"][7][:-1] + "x"
    usual = addresses()["state"][7]
    assert corrections(columns) == {("state", usual[:-1] + "x", usual)}


@pytest.mark.parametrize("wrong", ["Bavaria", "unknown place", "Alabama", "Arizona", "Colorado", "New"])
def test_another_value_is_only_reported(wrong: str) -> None:
    columns = addresses()
    columns["state"][7] = wrong if columns["state"][7] != wrong else "Nevada"
    assert corrections(columns) == set()
    outcome = prepared(columns)
    assert outcome.cleaned["state"].array.to_pylist() == columns["state"]
    assert any("row 8 " in why for why in reasons(outcome, "dependency_violation"))


@pytest.mark.parametrize(
    ("usual", "wrong"),
    [
        ("Model 12", "Model 13"),
        ("Grade A", "Grade B"),
        ("Iran", "Iraq"),
        ("symptomatic", "asymptomatic"),
        ("male", "mule"),
    ],
)
def test_words_that_only_look_alike_stay(usual: str, wrong: str) -> None:
    code = [str(row % 10) for row in range(300)]
    word = [usual if digit in "01234" else "something else" for digit in code]
    word[0] = wrong
    assert corrections({"code": code, "word": word}) == set()


def test_a_frequent_value_is_no_typo() -> None:
    columns = addresses()
    for row in [row for row, state in enumerate(columns["state"]) if state == "Arizona"][:40]:
        columns["state"][row] = "Arizone"
    assert corrections(columns) == set()


def test_determinants_that_contradict_each_other_change_nothing() -> None:
    columns = addresses()
    row = columns["city"].index("Birmingham")
    columns["city"][row], columns["state"][row] = "Denver", "Alabana"
    assert corrections(columns) == set()


def test_missing_cells_are_no_errors() -> None:
    columns = addresses()
    columns["state"][::7] = [None] * len(columns["state"][::7])
    columns["zip"][::11] = [None] * len(columns["zip"][::11])
    assert all(rule.violations == 0 for rule in dependencies(columns).values())
    assert ("zip", "state") in dependencies(columns)


def test_the_target_is_neither_repaired_nor_a_determinant() -> None:
    columns = addresses()
    columns["state"][7] = columns["state"][7][:-1] + "x"
    assert prepared(columns, target="state").cleaned["state"].array.to_pylist() == columns["state"]
    frame = Frame.from_table(pa.table(columns))
    for target in ("zip", "city", "state"):
        rules = profile(frame, target=target).dependencies
        assert rules and all(target not in (rule.determinant, rule.dependent) for rule in rules)


def test_repairs_are_reported_and_can_be_undone() -> None:
    code = [str(row % 10) for row in range(400)]
    name = ["Marina" if digit in "01234" else "Martina" for digit in code]
    # Beside the other column it is clear which of the two names was meant.
    wrong = ["Maritna" if row in (5, 105, 220) else text for row, text in enumerate(name)]
    outcome = prepared({"code": code, "name": wrong})
    assert outcome.cleaned["name"].array.to_pylist() == name
    (why,) = reasons(outcome, "dependency")
    assert why.startswith("Corrected 3 cells of “name” by “code”: “Maritna” is now “")
    assert undo(outcome.changes, outcome.cleaned.to_table())["name"].to_pylist() == wrong


def test_a_corrected_value_is_no_level_of_the_engineered_table() -> None:
    columns = addresses()
    wrong = [row for row, state in enumerate(columns["state"]) if state == "Alabama"][:3]
    for row, typo in zip(wrong, ("Blabama", "Clabama", "Dlabama"), strict=True):
        columns["state"][row] = typo
    outcome = prepared(columns)
    names = {name for name in outcome.engineered.names if name.startswith("state_")}
    assert names == {"state_Alabama", "state_Arizona", "state_Colorado"}
    (facts,) = (column for column in profile(Frame.from_table(pa.table(columns))).columns if column.name == "state")
    assert facts.distinct == 3
    assert sum(level.count for level in facts.top_values) == 600
