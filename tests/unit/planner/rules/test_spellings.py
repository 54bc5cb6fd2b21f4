"""Tests of spellings: those of one value are merged, similar values are not."""

import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.columns.spellings import find_possible_typos, find_spellings
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.recipe.ledger import undo
from worker_service.core.table.frame import Column, Frame
from worker_service.planner.propose import propose


def spellings(*rare: str, usual: tuple[str, ...]) -> dict[str, str]:
    cells = [*rare, *(text for text in (*usual, "something else") for _ in range(200))]
    return {spelling.before: spelling.after for spelling in find_spellings(Column(pa.array(cells)))}


def possible_typos(*rare: str, usual: tuple[str, ...]) -> dict[str, str]:
    cells = [*rare, *(text for text in (*usual, "something else") for _ in range(200))]
    return {typo.before: typo.after for typo in find_possible_typos(Column(pa.array(cells)))}


def prepared(columns: dict[str, list[str | None]], target: str | None = None) -> Outcome:
    frame = Frame.from_table(pa.table(columns))
    return apply(propose(profile(frame, target=target), RunOptions()), frame)


@pytest.mark.parametrize(
    ("rare", "usual"),
    [
        ("berlin", "Berlin"),
        (" Berlin ", "Berlin"),
        ("New  York", "New York"),
        ("new_york", "New York"),
        ("E Mail", "e-mail"),
        ("Inc.", "Inc"),
    ],
)
def test_merged(rare: str, usual: str) -> None:
    assert spellings(rare, usual=(usual,)) == {rare: usual}


@pytest.mark.parametrize(
    ("rare", "usual"),
    [
        ("Berlni", "Berlin"),
        ("Berln", "Berlin"),
        ("BERLIIN", "Berlin"),
        ("Self employd", "Self-employed"),
        ("Electronnics", "Electronics"),
        ("Elwctronics", "Electronics"),
    ],
)
def test_a_rare_typo_is_possible_but_not_certain(rare: str, usual: str) -> None:
    assert spellings(rare, usual=(usual,)) == {}
    assert possible_typos(rare, usual=(usual,)) == {rare: usual}


@pytest.mark.parametrize("usual", ["ak_hf-1", "A5 Auto", "p53", "AM5"])
def test_codes_are_no_spellings_of_each_other(usual: str) -> None:
    for rare in (usual.swapcase(), usual.replace("k", "l").replace("A", "S"), f"{usual}s"):
        assert spellings(rare, usual=(usual,)) == possible_typos(rare, usual=(usual,)) == {}


def test_the_letter_case_of_the_other_values_decides() -> None:
    places = ["Oslo", "Bergen", "Hamar"] * 20
    assert find_spellings(Column(pa.array([*places, *["dresser"] * 5, *["Dresser"] * 2])))[0].after == "Dresser"
    names = ["Weber", "Schmidt"] * 20
    assert find_spellings(Column(pa.array([*names, *["MÜLLER"] * 6, *["Müller"] * 2])))[0].after == "Müller"
    assert find_spellings(Column(pa.array(["WEBER", "SCHMIDT", "MÜLLER", "Müller"] * 5)))[0].after == "MÜLLER"


@pytest.mark.parametrize(
    ("rare", "usual"),
    [
        ("A-", "A+"),
        ("C", "C++"),
        ("us", "US"),
        ("Grade A", "Grade B"),
        ("Model 12 Classic", "Model 13 Classic"),
        ("Iran", "Iraq"),
        ("nitrite", "nitrate"),
        ("Gabriela", "Gabriel"),
        ("oranges", "orange"),
        ("hypotension", "hypertension"),
        ("MBps", "Mbps"),
        ("Slovakia", "Slovenia"),
        ("Austria", "Australia"),
        ("symptomatic", "asymptomatic"),
        ("inactive", "active"),
        ("male", "female"),
        ("1.5", "1-5"),
    ],
)
def test_kept_apart(rare: str, usual: str) -> None:
    assert spellings(rare, usual=(usual,)) == possible_typos(rare, usual=(usual,)) == {}


def test_only_what_is_rare_may_be_a_typo() -> None:
    assert possible_typos(*["Berlni"] * 4, usual=("Berlin",)) == {}
    assert possible_typos("Marla", usual=("Maria", "Marta")) == {}
    names = [f"Maria{letter}" for letter in "abcdefghijk"]
    assert possible_typos(*names, usual=("Maria",)) == {}


def test_a_merged_column_is_described_and_prepared_as_one() -> None:
    cells: list[str | None] = ["Berlin", "Hamburg", None] * 60
    cells[:5] = ["berlin", "HAMBURG", None, "Berlni", " Hamburg"]
    outcome = prepared({"city": cells, "x": [str(row % 17) for row in range(180)]})
    assert set(outcome.cleaned["city"].array.to_pylist()) == {"Berlin", "Hamburg", "Berlni", None}
    assert outcome.engineered.names[:1] == ("x",)
    assert {"city_Berlin", "city_Hamburg", "city_missing"} <= set(outcome.engineered.names[1:])
    assert undo(outcome.changes, outcome.cleaned.to_table())["city"].to_pylist() == cells
    (merge,) = (result for result in outcome.results if result.kind == "merge_levels")
    assert merge.why == (
        "Gave 2 cells of “city” the usual spelling, “Berlin” for “berlin” and “Hamburg” for “HAMBURG”. "
        "They differ by case, spaces, dots or dashes only, or by slips of a column typed by hand; 3 values are left."
    )
    (typo,) = (result for result in outcome.results if result.rule == "possible_typo")
    assert typo.why == (
        "“city” has 1 value that may be a typo, “Berlni” for “Berlin”. It stays, because no other column shows it."
    )


def test_the_target_keeps_its_spellings() -> None:
    cells: list[str | None] = ["Berlin", "berlin", "Hamburg"] * 20
    outcome = prepared({"x": [str(row % 17) for row in range(60)], "city": cells}, target="city")
    assert outcome.engineered["city"].array.to_pylist() == cells
    assert any("such as “berlin” and “Berlin”" in result.why for result in outcome.results)


def test_white_space_around_text_is_left_out() -> None:
    cells: list[str | None] = [f"P{row}" for row in range(60)]
    cells[3], cells[9], cells[20] = " P3", "P9\t", "n/a"
    outcome = prepared({"provider": cells, "x": [str(row % 17) for row in range(60)]})
    assert outcome.cleaned["provider"].array.to_pylist()[:21] == [*(f"P{row}" for row in range(20)), None]
    results = [result for result in outcome.results if result.kind == "read_column"]
    (parsing,) = (result for result in results if result.columns == ("provider",))
    assert parsing.why.startswith(
        "Left out the white space around 2 cells of “provider”; took 1 cell of “provider”, “n/a”, for missing."
    )
    assert undo(outcome.changes, outcome.cleaned.to_table())["provider"].to_pylist() == cells
