"""Cells with several values are told from sentences, names and numbers."""

import random

import pyarrow as pa
import pytest

from worker_service.core.columns.cell_parts import find_parts, split_parts
from worker_service.core.table.frame import Column

GENRES = ("Action", "Comedy", "Drama", "Horror", "Sci-Fi", "War")


def cells(separator: str, rows: int = 200) -> list[str]:
    chosen = random.Random(1)
    return [separator.join(chosen.sample(GENRES, chosen.randint(1, 3))) for _ in range(rows)]


@pytest.mark.parametrize(("separator", "joined"), [("|", "|"), (";", "; "), (",", ", "), ("/", "/")])
def test_parts_are_found(separator: str, joined: str) -> None:
    texts = cells(joined)
    parts = find_parts(Column(pa.array([*texts, None])))
    assert parts is not None and parts.separator == separator
    assert {part.value: part.count for part in parts.counts} == {
        genre: sum(genre in text.split(joined) for text in texts) for genre in GENRES
    }


@pytest.mark.parametrize("brackets", ["[]", "()", "{}"])
def test_brackets_and_quotes_are_no_part(brackets: str) -> None:
    texts = [f"{brackets[0]}'{text}'{brackets[1]}" for text in cells("', '")]
    parts = find_parts(Column(pa.array(texts)))
    assert parts is not None
    assert {part.value for part in parts.counts} == set(GENRES)


@pytest.mark.parametrize(
    "texts",
    [
        [f"Name{number}, First{number}" for number in range(200)],
        [f"This is sentence {number}, which goes on, and on." for number in range(200)],
        [f"{number % 7},{number % 5}" for number in range(200)],  # numbers with a comma
        ["Berlin", "Paris", "Rome"] * 60,
        ["a", "b,c"] * 20,
        [None] * 10,
    ],
)
def test_one_value_each(texts: list[str | None]) -> None:
    assert find_parts(Column(pa.array(texts, pa.string()))) is None


def test_a_part_counts_once_in_a_cell() -> None:
    assert split_parts("a;b; a ;;", ";") == ("a", "b")
    assert split_parts('["a", "b c"]', ",") == ("a", "b c")
    assert split_parts("", ";") == ()
