"""Answers of persons are recognised by the question, the words of a scale, or a battery of questions."""

import pyarrow as pa
import pytest

from worker_service.core.profile import profile
from worker_service.core.relations.survey_answers import is_answer
from worker_service.core.table.frame import Frame

WORDS = ["agree", "disagree", "strongly agree", "neither"]


@pytest.mark.parametrize("name", ["q7", "Q12_3", "Do you smoke?", "item_4", "Frage 9"])
def test_the_name_is_a_question(name: str) -> None:
    (column,) = profile(Frame.from_table(pa.table({name: ["yes", "no", "maybe"] * 20}))).columns
    assert is_answer(column)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (WORDS, True),
        (["often", "never", "sometimes"], True),
        (["red", "green", "blue"], False),
        (["gas", "oil"], False),
    ],
)
def test_words_of_a_scale(cells: list[str], expected: bool) -> None:
    (column,) = profile(Frame.from_table(pa.table({"opinion": cells * 20}))).columns
    assert is_answer(column) is expected


def test_a_battery_has_the_same_answers() -> None:
    answers = ["yes", "no", "unsure", "later"]
    columns = {f"topic {name}": [*answers[start:], *answers[:start]] * 20 for start, name in enumerate("abcd")}
    table = pa.table(columns)
    assert profile(Frame.from_table(table)).batteries == (tuple(columns),)
    assert profile(Frame.from_table(table.select([0, 1, 2]))).batteries == ()
