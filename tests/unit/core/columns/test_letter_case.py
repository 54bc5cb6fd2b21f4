"""The usual letter case of a category is that of most of its cells."""

import pyarrow as pa

from worker_service.core.columns.spellings import find_spellings
from worker_service.core.table.frame import Column


def spellings(**counts: int) -> dict[str, str]:
    cells = [text for text, number in counts.items() for _ in range(number)]
    return {spelling.before: spelling.after for spelling in find_spellings(Column(pa.array(cells)))}


def test_values_written_with_inverted_case_have_no_say() -> None:
    inverted = {"dENVER": 9, "lANSING": 9, "tUCSON": 9, "bOULDER": 9}
    result = spellings(Denver=100, denver=14, Lansing=90, LANSING=15, Tucson=80, Boulder=70, **inverted)
    assert result == {"denver": "Denver", "LANSING": "Lansing"}


def test_the_other_values_decide_where_two_spellings_are_equally_frequent() -> None:
    assert spellings(Müller=5, MÜLLER=6, Huber=40, Meier=30) == {"MÜLLER": "Müller"}


def test_a_value_that_most_cells_write_alike_keeps_its_letter_case() -> None:
    result = spellings(Secondary=80, secondary=11, SECONDARY=9, primary=200, tertiary=60)
    assert result == {"secondary": "Secondary", "SECONDARY": "Secondary"}
