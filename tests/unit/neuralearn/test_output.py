"""Cells of strangers are shown as they are, in one short line."""

import pytest
from rich.text import Text

from neuralearn.cli.output import cell_text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("[red]no colour[/red]", "[red]no colour[/red]"),
        ("two\nlines", "two lines"),
        (None, "–"),
        ("x" * 50, "x" * 29 + "…"),
    ],
)
def test_a_cell_in_a_table(value: object, shown: str) -> None:
    assert Text.from_markup(cell_text(value)).plain == shown
