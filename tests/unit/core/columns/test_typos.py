"""A column shows by its own values whether it was mistyped."""

import numpy as np
import pytest

from worker_service.core.columns.typos import find_mistyped

VEGETABLES = ("aubergine", "broccoli", "courgette", "artichoke", "asparagus", "beetroot", "celeriac", "chicory")
FIRST_NAMES = ["maria", "marie", "mario", "marion", "hanna", "hannah", "johan", "johann", "daniel", "daniela"]


def counts(values: tuple[str, ...] | list[str], rare: list[str], cells: int = 60) -> dict[str, int]:
    return {**dict.fromkeys(values, cells), **dict.fromkeys(rare, 1)}


def mistype(text: str, random: np.random.Generator) -> str:
    position = int(random.integers(0, len(text) - 1))
    letter = "abcdefghijklmnopqrstuvwxyz"[random.integers(0, 26)]
    return (
        text[:position] + letter + text[position + 1 :],
        text[:position] + text[position + 1 :],
        text[:position] + letter + text[position:],
        text[:position] + text[position + 1] + text[position] + text[position + 2 :],
    )[random.integers(0, 4)]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("typos", [5, 40, 120])
def test_typos_of_a_mistyped_column_are_found(seed: int, typos: int) -> None:
    random = np.random.default_rng(seed)
    truth = {mistype(value, random): value for value in random.choice(VEGETABLES, typos).tolist()}
    truth = {text: value for text, value in truth.items() if text not in VEGETABLES}
    assert find_mistyped(counts(VEGETABLES, list(truth))) == truth


def test_true_values_that_look_alike_are_no_typos() -> None:
    others = ["marian", "hanno", "johana", "daniele", "martini", "mariam", "marios"]
    assert find_mistyped(counts(FIRST_NAMES, others)) == {}


def test_other_rare_values_show_that_the_column_is_open() -> None:
    rare = [f"{first}{last}" for first in ("sweet", "red", "wild", "sea") for last in ("corn", "kale", "leek", "pea")]
    assert find_mistyped(counts(VEGETABLES, [*rare, "broccolli", "asperagus", "beatroot"])) == {}


@pytest.mark.parametrize(
    "rare",
    [
        ["aubergines", "artichokes", "courgettes", "chicorys"],
        ["aubergin3", "br0ccoli"],
        ["broccolli", "brocoli", "brokkoli"],
        ["aubergine", "broccoli-", "celeriac+"],
    ],
    ids=["plurals", "digits", "one value only", "plus and minus"],
)
def test_kept_apart(rare: list[str]) -> None:
    assert find_mistyped(counts(VEGETABLES, rare)).keys().isdisjoint(set(rare) - set(VEGETABLES))


def test_parts_of_codes_are_no_typos() -> None:
    usual = ["XA-1000", "XB-2000", "QC-3000"]
    rare = [f"{letters}-{number}" for letters in ("XC", "XD", "YA", "QA", "QB") for number in (1000, 2000, 3000)]
    assert find_mistyped(counts(usual, rare)) == {}
    doses = ["aspirin 100", "ibuprofen 400", "paracetamol 500"]
    assert find_mistyped(counts(doses, ["aspirxn 100", "ibuprifen 400", "paracetmol 500", "ibuprofen 600"])) == {
        "aspirxn 100": "aspirin 100",
        "ibuprifen 400": "ibuprofen 400",
        "paracetmol 500": "paracetamol 500",
    }


def test_attached_marks_and_repetitions_are_left_out() -> None:
    rare = {"aubergine-*": "aubergine", '"broccoli': "broccoli", "celeriac?": "celeriac", "chicory chicory": "chicory"}
    assert find_mistyped(counts(VEGETABLES, list(rare))) == rare
    assert find_mistyped(counts(["hiv", "hbv"], ["hiv+", "hiv-", "hbv+", "hbv-"])) == {}


def test_two_values_as_near_leave_it_open() -> None:
    usual = ["given within 4 hours", "given within 24 hours", *VEGETABLES]
    rare = ["given within g4 hours", "brocxoli", "aubexgine", "celexiac", "chixory"]
    assert "given within g4 hours" not in find_mistyped(counts(usual, rare))
    assert find_mistyped(counts(usual, rare))["brocxoli"] == "broccoli"
