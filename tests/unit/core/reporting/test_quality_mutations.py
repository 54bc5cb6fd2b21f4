"""The quality score falls with every kind of dirt, and clean tables keep a high one."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.bench.families import FAMILIES
from worker_service.core.profile import profile
from worker_service.core.reporting.quality import grade
from worker_service.core.table.frame import Frame

ROWS = 400
RATES = (0.01, 0.05, 0.1, 0.2)
Cells = dict[str, list[str | None]]


def score(cells: Cells) -> float:
    table = pa.table({name: pa.array(column, pa.string()) for name, column in cells.items()})
    return grade(profile(Frame.from_table(table), target="none")).score


def clean() -> Cells:
    source = np.random.default_rng(7)
    return {
        "order_id": [f"{number}" for number in range(10_001, 10_001 + ROWS)],
        "city": [str(city) for city in source.choice(["Oslo", "Rome", "Bern", "Lima"], ROWS)],
        "amount": [f"{value:.2f}" for value in source.gamma(3, 20, ROWS)],
        "weight": [f"{value:.1f}" for value in source.normal(70, 9, ROWS)],
    }


def _spoil(names: list[str], dirty: Callable[[str, random.Random], str | None]) -> Callable[[Cells, float], Cells]:
    def mutate(cells: Cells, rate: float) -> Cells:
        chance = random.Random(3)
        spoiled = {name: list(column) for name, column in cells.items()}
        everywhere = [(name, row) for name in names for row in range(ROWS)]
        for name, row in chance.sample(everywhere, int(rate * len(everywhere))):
            spoiled[name][row] = dirty(str(spoiled[name][row]), chance)
        return spoiled

    return mutate


def _repeat_rows(cells: Cells, rate: float) -> Cells:
    rows = random.Random(3).sample(range(ROWS), int(rate * ROWS))
    return {name: [*column, *(column[row] for row in rows)] for name, column in cells.items()}


EVERY = ["city", "amount", "weight"]
NUMBERS = ["amount", "weight"]
MUTATIONS: dict[str, Callable[[Cells, float], Cells]] = {
    "gaps": _spoil(EVERY, lambda cell, chance: None),
    "words for missing": _spoil(EVERY, lambda cell, chance: chance.choice(["n/a", "-", "?"])),
    "words among numbers": _spoil(NUMBERS, lambda cell, chance: chance.choice(["see note", "x5", "abc", "tba 1"])),
    "far numbers": _spoil(NUMBERS, lambda cell, chance: f"{float(cell) * 1000 + 1e5:.1f}"),
    "codes for missing": _spoil(NUMBERS, lambda cell, chance: "-999"),
    "letter case": _spoil(["city"], lambda cell, chance: chance.choice([cell.upper(), cell.lower()])),
    "repeated rows": _repeat_rows,
}


@pytest.mark.parametrize("kind", MUTATIONS)
def test_more_dirt_means_a_lower_score(kind: str) -> None:
    scores = [score(clean()), *(score(MUTATIONS[kind](clean(), rate)) for rate in RATES)]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 100.0
    assert scores[-1] < 93


@pytest.mark.parametrize("kind", ["gaps", "words for missing", "words among numbers", "far numbers"])
def test_a_fifth_of_dirty_cells_is_a_bad_table(kind: str) -> None:
    assert score(MUTATIONS[kind](clean(), 0.22)) < 80


def test_a_wrong_header_is_a_bad_table() -> None:
    cells = clean()
    below_first_row = {str(column[0]): column[1:] for column in cells.values()}
    assert score(below_first_row) < 80
    assert score({f"column_{index}": column for index, column in enumerate(cells.values(), start=1)}) < 80


def test_years_as_names_are_no_wrong_header() -> None:
    years: Any = {str(year): [f"{row * 3.5 + year / 7:.1f}" for row in range(60)] for year in range(2001, 2006)}
    assert score({"country": [f"c{row}" for row in range(60)], **years}) == 100.0


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_clean_families_score_high(name: str) -> None:
    frame = FAMILIES[name](np.random.default_rng(1))
    cells: Cells = {
        str(column): [None if value != value or value is None else str(value) for value in frame[column]]
        for column in frame
    }
    gaps = sum(cell is None for column in cells.values() for cell in column) / frame.size
    assert score(cells) >= 100 * (1 - gaps) ** 1.5 - 5
