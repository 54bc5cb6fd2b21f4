"""Models get the numbers within texts, and a column for each of several values in a cell."""

import random

import pyarrow as pa
import pytest

from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

ROWS = 200
CHOSEN = random.Random(1)
COLUMNS: dict[str, list[str | None]] = {
    "installs": [CHOSEN.choice(["10,000+", "500+", "1,000+", "5,000,000+"]) for _ in range(ROWS)],
    "area": [CHOSEN.choice(["1056", "2100 - 2850", f"{CHOSEN.randint(900, 4000)}"]) for _ in range(ROWS)],
    "screen": [f"{CHOSEN.randint(1000, 4000)}x{CHOSEN.randint(500, 2000)}" for _ in range(ROWS)],
    "age": [CHOSEN.choice(["18-29", "30-44", "45-60", "60+"]) for _ in range(ROWS)],
    "income": [CHOSEN.choice(["$0 - $24,999", "$25,000 - $49,999", "$50,000 and up"]) for _ in range(ROWS)],
    "genres": ["|".join(CHOSEN.sample(["Action", "Drama", "War"], CHOSEN.randint(1, 3))) for _ in range(ROWS)],
    "member": [CHOSEN.choice(["ja", "nein", "yes", "no"]) for _ in range(ROWS)],
}


def prepared(**columns: list[str | None]) -> Outcome:
    frame = Frame.from_table(pa.table({**columns, "y": [CHOSEN.random() for _ in range(ROWS)]}))
    return apply(propose(profile(frame, target="y"), RunOptions()), frame)


def test_numbers_of_texts_are_columns_without_gaps() -> None:
    engineered = prepared(**{**COLUMNS, "installs": [*COLUMNS["installs"][:-2], None, "unknown"]}).engineered
    added = {"installs_number", "area_low", "area_high", "screen_1", "screen_2"}
    assert added <= set(engineered.names)
    assert all(engineered[name].is_number and engineered[name].missing == 0 for name in added)
    assert len(set(engineered["installs_number"].array.to_pylist())) == 4


def test_ordered_bins_are_numbered_and_get_no_more_columns() -> None:
    outcome = prepared(**COLUMNS)
    levels = {step.column: step.levels for step in outcome.recipe.steps if step.kind == "label_encode"}
    assert levels["income"] == ("$0 - $24,999", "$25,000 - $49,999", "$50,000 and up")
    assert not {"age_low", "income_low"} & set(outcome.engineered.names)


def test_each_value_of_a_cell_is_a_column() -> None:
    engineered = prepared(genres=COLUMNS["genres"]).engineered
    columns = [name for name in engineered.names if name.startswith("genres_") and "text" not in name]
    assert sorted(columns) == ["genres_Action", "genres_Drama", "genres_War"]
    expected = [int("Drama" in str(cell).split("|")) for cell in COLUMNS["genres"]]
    assert engineered["genres_Drama"].array.to_pylist() == expected


def test_words_of_other_languages_are_true_and_false() -> None:
    outcome = prepared(member=COLUMNS["member"])
    assert outcome.cleaned["member"].array.to_pylist() == [cell in ("ja", "yes") for cell in COLUMNS["member"]]


@pytest.mark.parametrize("words", [("ja", "nein", "nie"), ("SI", "NO", "NE"), ("F", "J", "Y"), ("sand", "no")])
def test_words_of_different_languages_are_no_booleans(words: tuple[str, ...]) -> None:
    outcome = prepared(answer=[CHOSEN.choice(words) for _ in range(ROWS)])
    assert outcome.cleaned["answer"].is_text


@pytest.mark.parametrize(
    "cells",
    [
        [f"{n % 9 + 1},{n % 9 + 1}00 per month" for n in range(ROWS)],
        [f"{n % 5 - 13.5}, {n % 4 - 17.25}" for n in range(ROWS)],
        [f"{CHOSEN.choice(['Smith', 'Doe', 'Lee'])}, {CHOSEN.choice(['Bob', 'Ann', 'Eve'])}" for _ in range(ROWS)],
        [f"{CHOSEN.choice(['image', 'text'])}/{CHOSEN.choice(['png', 'csv', 'gif'])}" for _ in range(ROWS)],
        [f'{{"a": {n % 5}, "b": {n % 7}}}' for n in range(ROWS)],
    ],
    ids=["amount", "coordinates", "names", "media types", "json"],
)
def test_values_composed_of_parts_are_not_taken_apart(cells: list[str | None]) -> None:
    assert all(step.kind != "multi_hot" for step in prepared(composed=cells).recipe.steps)


def test_columns_that_say_nothing_of_their_own_are_left_out() -> None:
    others = [CHOSEN.sample(["TV", "Pool", "Bath"], CHOSEN.randint(1, 2)) for _ in range(ROWS)]
    kitchens = ["|".join(["Kitchen", *names]) for names in others]
    lists: list[str | None] = [cell.replace("TV", "TV|Cable") for cell in kitchens]
    squares: list[str | None] = [CHOSEN.choice(["20x20", "30x30", "40x40", "50x50"]) for _ in range(ROWS)]
    names = prepared(lists=lists, squares=squares).engineered.names
    assert {"lists_Kitchen", "squares_2"}.isdisjoint(names)
    assert len({"lists_TV", "lists_Cable"} & set(names)) == 1


def cabins(rows: int = ROWS) -> list[str | None]:
    chosen = random.Random(2)
    return [f"{chosen.choice('ABCDEFG')}/{chosen.randint(0, 90)}/{chosen.choice('PS')}" for _ in range(rows)]


def test_composed_values_become_their_parts() -> None:
    outcome = prepared(cabin=[*cabins()[:-2], None, "unknown"])
    (split,) = [step for step in outcome.recipe.steps if step.kind == "split_text"]
    assert (split.separator, split.width, split.positions) == ("/", 3, (0, 1, 2))
    assert split.is_number == (False, True, False)
    engineered = outcome.engineered
    assert {"cabin_part_1_A", "cabin_part_2", "cabin_part_3_P", "cabin_part_3_S"} <= set(engineered.names)
    assert "cabin_part_1" not in engineered
    assert engineered["cabin_part_1_A"].array.to_pylist()[:-2] == [int(str(cell)[0] == "A") for cell in cabins()[:-2]]
    assert engineered["cabin_part_2"].missing == 0


@pytest.mark.parametrize(
    "cells",
    [
        [f"{CHOSEN.choice('ABCD')}{CHOSEN.randint(1, 60)}" for _ in range(ROWS)],
        [f"{CHOSEN.choice(['CA', 'TX', 'NY'])}-{CHOSEN.randint(1, 30)}" for _ in range(ROWS)],
        [f"Town {row % 90}, {CHOSEN.choice(['Iowa', 'Ohio'])}" for row in range(ROWS)],
    ],
)
def test_values_are_split_where_letters_meet_digits_and_at_other_signs(cells: list[str | None]) -> None:
    assert any(step.kind == "split_text" for step in prepared(code=cells).recipe.steps)


@pytest.mark.parametrize(
    "cells",
    [
        [f"{CHOSEN.choice(['red', 'blue'])}-{CHOSEN.choice(['big', 'small'])}" for _ in range(ROWS)],
        [f"{row:05d}-{CHOSEN.randint(0, 10**6)}" for row in range(ROWS)],
        [f"user{row}@example.org" for row in range(ROWS)],
        ["".join(CHOSEN.choices("abcdefghij", k=8)) for _ in range(ROWS)],
    ],
    ids=["few levels have a column each", "numbers that never repeat", "addresses", "one word"],
)
def test_values_whose_parts_say_nothing_more_stay_whole(cells: list[str | None]) -> None:
    assert all(step.kind != "split_text" for step in prepared(code=cells).recipe.steps)
