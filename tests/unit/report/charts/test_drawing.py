"""Every kind of chart can be drawn, for all data and names."""

import json
import re
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from report_service.charts import draw
from tests.unit.report.charts.charts import CHARTS, NASTY_NAMES, boxplot, chart, countplot, histogram

SVG = "{http://www.w3.org/2000/svg}"


def svg_text(data: dict[str, Any]) -> str:
    return " ".join(
        "".join(node.itertext()) for node in ElementTree.fromstring(draw(data, format="svg")).iter(f"{SVG}text")
    )


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_gives_a_picture_of_dots(name: str) -> None:
    picture = draw(json.loads(json.dumps(CHARTS[name])), format="png")
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(picture[offset : offset + 4]) for offset in (16, 20))
    assert width == 1200
    assert 390 <= height <= 1500


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_gives_a_picture_of_vectors_without_anything_active(name: str) -> None:
    root = ElementTree.fromstring(draw(CHARTS[name], format="svg"))
    assert root.tag == f"{SVG}svg"
    tags = {node.tag.removeprefix(SVG) for node in root.iter()}
    assert not tags & {"script", "image", "foreignObject", "a", "iframe"}
    assert not [key for node in root.iter() for key in node.attrib if key.startswith("on")]
    assert "text" in tags


@pytest.mark.parametrize("name", NASTY_NAMES)
@pytest.mark.parametrize("make", [histogram, boxplot, countplot])
def test_titles_of_any_name(make: Any, name: str) -> None:
    assert draw(make(name=name), format="png").startswith(b"\x89PNG")
    ElementTree.fromstring(draw(make(name=name), format="svg"))


def test_a_chart_is_drawn_the_same_each_time() -> None:
    for format in ("png", "svg"):
        assert draw(histogram(), format=format) == draw(histogram(), format=format)


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    before = dict(mpl.rcParams)
    draw(histogram(), format="svg")
    assert dict(mpl.rcParams) == before


def test_names_are_read_as_plain_text_and_cut() -> None:
    words = svg_text(countplot(("$x^2$", "日本語", "y" * 500, "", "  ", "two\nlines")))
    assert "$x^2$" in words
    assert "日本語" in words
    assert "y" * 500 not in words
    assert "yyy…" in words
    assert "(empty)" in words
    assert "(blank)" in words
    assert "two lines" in words


def test_both_tables_are_named_where_they_differ() -> None:
    assert "as uploaded" in svg_text(CHARTS["histogram"])
    assert "as uploaded" not in svg_text(CHARTS["histogram of one table"])
    assert "as uploaded" in svg_text(CHARTS["boxplot"])
    assert "as uploaded" not in svg_text(CHARTS["boxplot of one table"])


def test_the_first_year_of_an_axis_is_named() -> None:
    times = histogram(low=1.649e9, high=1.72e9, axis="time")
    assert "2022" in svg_text(times)
    assert "2023" in svg_text(times)


@pytest.mark.parametrize("make", [histogram, boxplot])
def test_whole_numbers_have_whole_ticks(make: Any) -> None:
    drawn = make(low=-0.5, high=9.5) if make is histogram else make(outliers=[9, 10])
    words = svg_text({**drawn, "data": {**drawn["data"], "whole": True}}).split()
    assert not [word for word in words if re.fullmatch(r"\d+\.\d+", word)]


def test_few_bars_make_a_low_picture() -> None:
    few, many = (draw(countplot(tuple(f"v{number}" for number in range(size))), format="png") for size in (2, 6))
    assert int.from_bytes(few[20:24]) < 500 < int.from_bytes(many[20:24]) == 750


def test_an_unchanged_bar_shows_both_tables() -> None:
    data = {"columns": ["a", "b"], "before": [5, 8], "after": [5, 0], "rows": 10}
    root = ElementTree.fromstring(draw(chart("missingness", data), format="svg"))
    fills = [node.get("style", "") for node in root.iter(f"{SVG}path")]
    bars = [style for style in fills if "#b9c2cb" in style and "stroke-width" not in style]
    assert len(bars) >= 2


def test_large_numbers_have_separators() -> None:
    assert "1,234 outliers" in svg_text(boxplot())
    assert "9,000 other values" in svg_text(CHARTS["countplot of many"])


def test_outliers_that_would_squeeze_the_box_are_written() -> None:
    words = svg_text(CHARTS["boxplot with far outliers"])
    assert "outliers up to 1,000,000" in words
    assert "outliers down to −50,000" in words


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind"):
        draw(chart("pie", {}), format="png")


def test_a_coefficient_that_rounds_to_nothing_has_no_sign() -> None:
    data = {"columns": ["a", "b"], "matrix": [[1.0, -0.001], [-0.001, 1.0]], "sampled_rows": 9}
    assert "−0.00" not in svg_text(chart("correlation", data))
