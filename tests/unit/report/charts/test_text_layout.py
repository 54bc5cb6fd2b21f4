"""Labels fit into their width, and numbers are formatted for people."""

import pytest

from report_service.charts.fonts import BASE_FAMILY, families, font_of
from report_service.charts.text_layout import (
    TickFormatter,
    fit_to_font,
    fit_to_viewer,
    format_percentage,
    format_value,
    text_width,
)


@pytest.mark.parametrize("text", ["W" * 100, "i" * 100, "日" * 100, "plain words " * 10])
def test_a_cut_text_is_no_wider_than_asked(text: str) -> None:
    cut = fit_to_viewer(text, 10.0)
    assert cut.endswith("…")
    assert text_width(cut, size=72) <= 10.0


def test_a_text_that_fits_stays() -> None:
    assert fit_to_font("price in €", 20.0) == "price in €"


def test_what_all_fonts_lack_becomes_a_box() -> None:
    assert fit_to_font("a 𓀀 b", 20.0) == "a □ b"
    assert fit_to_viewer("a 𓀀 b", 20.0) == "a 𓀀 b"


def test_the_fonts_of_the_machine_have_what_the_base_font_lacks() -> None:
    has_cjk = "Noto Sans CJK JP" in families()
    assert fit_to_font("a 日 b", 20.0) == ("a 日 b" if has_cjk else "a □ b")
    assert families()[0] == BASE_FAMILY and font_of("a") is not None


def test_years_are_no_quantities() -> None:
    assert TickFormatter(may_be_years=True).format_ticks([1960.0, 1980.0]) == ["1960", "1980"]
    assert TickFormatter(may_be_years=True).format_ticks([1960.0, 2400.0]) == ["1,960", "2,400"]
    assert TickFormatter().format_ticks([1960.0, 1980.0]) == ["1,960", "1,980"]


def test_control_characters_and_direction_marks_vanish() -> None:
    assert fit_to_viewer("a\x00\x0b\u202eb\r\nc\ufffe", 20.0) == "a b c"


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (1234567.8, "1,234,568"), (-50_000, "−50,000"), (44.25, "44.25"), (1e300, "1e+300"), (2e-9, "2e−09")],
)
def test_amounts(value: float, words: str) -> None:
    assert format_value(value) == words


@pytest.mark.parametrize(
    ("part", "whole", "words"),
    [
        (0, 5, "0 %"),
        (5, 5, "100 %"),
        (1, 3, "33.3 %"),
        (1, 10**6, "<0.1 %"),
        (10**6 - 1, 10**6, ">99.9 %"),
        (0, 0, "0 %"),
    ],
)
def test_shares(part: int, whole: int, words: str) -> None:
    assert format_percentage(part, whole) == words


@pytest.mark.parametrize(
    ("tick_values", "labels"),
    [
        ([0, 1_500_000], ["0", "1,500,000"]),
        ([-0.5, 0.0, 0.5], ["−0.5", "0.0", "0.5"]),
        ([2.55, 2.7], ["2.55", "2.70"]),
        ([-0.0], ["0"]),
        ([], []),
    ],
)
def test_ticks_have_the_decimals_they_need(tick_values: list[float], labels: list[str]) -> None:
    assert TickFormatter().format_ticks(tick_values) == labels
