"""Numbers, names and lists in sentences for people."""

import pytest

from worker_service.core.humanize import count, fraction, listing, number, percent, quoted


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (34.5, "34.5"),
        (34.0, "34"),
        (1204, "1,204"),
        (0.01234567, "0.01235"),
        (-37593.14, "-37,593.1"),
        (99.99999, "100"),
        (0, "0"),
        (1.2e20, "1.2e+20"),
        (0.00000123, "1.23e-06"),
        (float("nan"), "an undefined value"),
    ],
)
def test_number(value: float, expected: str) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.1234, "12.3 %"), (1, "100 %"), (0, "0 %"), (0.0002, "0.02 %"), (0.99999, "99.999 %"), (0.5, "50 %")],
)
def test_percent(share: float, expected: str) -> None:
    assert percent(share) == expected


def test_counts_lists_and_fractions() -> None:
    assert (count(1, "cell"), count(1204, "cell"), count(2, "box", "boxes")) == ("1 cell", "1,204 cells", "2 boxes")
    assert (listing([]), listing(["a"]), listing(["a", "b", "c"])) == ("", "a", "a, b and c")
    assert fraction(12, 1204, "cell") == "12 of 1,204 cells (1 %)"


def test_names_stay_on_one_line() -> None:
    assert quoted("line\nbreak") == "“line break”"
    assert quoted("x" * 500) == "“" + "x" * 59 + "…”"
    assert quoted("") == "“”"
