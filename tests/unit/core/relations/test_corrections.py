"""A value is corrected where the other columns of its row agree on another one, and left where they do not."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.ledger import undo
from worker_service.core.relations.sources import find_reported
from worker_service.core.table.frame import Column, Frame
from worker_service.planner.propose import propose

TOWNS = [f"{first}{last}" for first in ("Nor", "Sud", "Ost", "Wes", "Mit") for last in ("berg", "stadt", "hausen")]


def clinics(rows: int = 900) -> dict[str, list[Any]]:
    """Return rows about 45 clinics, of which three are in each town."""
    return {
        "clinic": [f"Clinic of {TOWNS[row % 45 % 15]} {'ABC'[row % 45 // 15]}" for row in range(rows)],
        "phone": [str(55_501_000 + 137 * (row % 45)) for row in range(rows)],
        "town": [TOWNS[row % 45 % 15] for row in range(rows)],
        "measure": [("fever", "cough", "pain", "rash")[row * 7 % 4] for row in range(rows)],
        "patients": [str(20 + row * 31 % 53) for row in range(rows)],
    }


def reports(sources: list[str], keys: int = 40) -> dict[str, list[Any]]:
    """Return what each source reports about each train."""
    random = np.random.default_rng(5)
    times = [f"{hour}:{minute:02d} a.m." for hour, minute in zip(*random.integers(1, 60, (2, keys)), strict=True)]
    return {
        "source": [source for _ in range(keys) for source in sources],
        "train": [f"IC {key}" for key in range(keys) for _ in sources],
        "departure": [times[key] for key in range(keys) for _ in sources],
        "note": ["-"] * (keys * len(sources)),
    }


def prepared(columns: dict[str, list[Any]]) -> Outcome:
    frame = Frame.from_table(pa.table(columns))
    return apply(propose(profile(frame, target="none"), RunOptions()), frame)


def cleaned(columns: dict[str, list[Any]], name: str) -> list[Any]:
    cells: list[Any] = prepared(columns).cleaned[name].array.to_pylist()
    return cells


@pytest.mark.parametrize("wrong", ["Sudberg", "Atlantis", "Norbxrg", "norberg?"])
def test_a_value_that_two_columns_contradict_is_replaced(wrong: str) -> None:
    columns = clinics()
    assert columns["town"][45] == "Norberg"
    columns["town"][45] = wrong
    assert cleaned(columns, "town") == clinics()["town"]


def test_a_value_that_another_column_goes_with_stays() -> None:
    columns = clinics()
    # The town and its mayor both say that this clinic moved.
    mayors = {town: f"Mayor {number} of {town}" for number, town in enumerate(TOWNS)}
    columns["town"][45] = "Sudberg"
    columns["mayor"] = [mayors[town] for town in columns["town"]]
    assert cleaned(columns, "town") == columns["town"]


def test_the_column_that_determines_is_corrected_where_it_is_the_wrong_one() -> None:
    columns = clinics()
    columns["clinic"][45] = columns["clinic"][46]
    columns["street"] = [f"{row % 45} Main Street" for row in range(900)]
    outcome = prepared(columns)
    assert outcome.cleaned["clinic"].array.to_pylist() == clinics()["clinic"]
    assert outcome.cleaned["town"].array.to_pylist() == clinics()["town"]


@pytest.mark.parametrize("wrong", ["555o1000", "5550100x", "55501O00", "5x501000"])
def test_a_number_with_a_wrong_character_is_restored(wrong: str) -> None:
    columns = clinics()
    columns["phone"][45] = wrong
    outcome = prepared(columns)
    assert outcome.cleaned["phone"].array.to_pylist() == [int(phone) for phone in clinics()["phone"]]
    assert undo(outcome.changes, outcome.cleaned.to_table())["phone"].to_pylist() == columns["phone"]


@pytest.mark.parametrize("wrong", ["see note", "unknown", "none of us knows"])
def test_a_remark_among_numbers_is_no_wrong_number(wrong: str) -> None:
    columns = clinics()
    columns["phone"][45] = wrong
    assert cleaned(columns, "phone")[45] is None


def test_few_levels_are_never_outvoted() -> None:
    columns = clinics()
    columns["region"] = ["north" if row % 45 % 15 < 7 else "south" for row in range(900)]
    columns["region"][45] = "south"
    assert cleaned(columns, "region") == columns["region"]


def test_many_errors_are_corrected_as_few() -> None:
    columns, random = clinics(), np.random.default_rng(2)
    wrong = random.random(900) < 0.15
    columns["town"] = [
        TOWNS[random.integers(15)] if is_wrong else town for town, is_wrong in zip(columns["town"], wrong, strict=True)
    ]
    after = zip(columns["town"], cleaned(columns, "town"), clinics()["town"], strict=True)
    outcomes = [(before != truth, value == truth) for before, value, truth in after]
    assert all(is_right for was_wrong, is_right in outcomes if not was_wrong)
    assert sum(is_right for was_wrong, is_right in outcomes if was_wrong) >= 0.95 * wrong.sum() - 10


def test_the_majority_of_the_sources_is_right() -> None:
    sources = ["railnow", "onrails", "timetable", "commuter", "stationboard"]
    columns, random = reports(sources), np.random.default_rng(6)
    truth = list(columns["departure"])
    for row in np.flatnonzero(random.random(200) < 0.15):
        columns["departure"][row] = f"{random.integers(1, 13)}:{random.integers(0, 60):02d} p.m."
    after = cleaned(columns, "departure")
    assert sum(left != right for left, right in zip(after, truth, strict=True)) <= 2
    assert columns["departure"] != truth


@pytest.mark.parametrize(
    "names",
    [
        ["January", "February", "March", "April"],
        ["wave 1", "wave 2", "wave 3"],
        ["before", "during", "after"],
        ["2019", "2020", "2021"],
    ],
)
def test_what_changes_in_time_is_no_report(names: list[str]) -> None:
    columns = reports(names)
    assert find_reported({name: Column(pa.array(columns[name])) for name in ("source", "train")}) == frozenset()


def test_sources_report_each_thing_once() -> None:
    columns = reports(["railnow", "onrails", "timetable"])
    usable = {name: Column(pa.array(columns[name])) for name in ("source", "train", "departure")}
    assert find_reported(usable) >= {"train"} and "source" not in find_reported(usable)
    doubled = {name: Column(pa.array([*columns[name], *columns[name]])) for name in usable}
    assert find_reported(doubled) == frozenset()
