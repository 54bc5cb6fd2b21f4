"""Every kind of chart gives a picture, whatever the data and the names."""

import json
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from report_service.charts import draw
from tests.unit.report.charts import CHARTS, NASTY_NAMES, boxplot, chart, countplot, histogram

SVG = "{http://www.w3.org/2000/svg}"


def svg_text(data: dict[str, Any]) -> str:
    return " ".join(
        "".join(node.itertext()) for node in ElementTree.fromstring(draw(data, format="svg")).iter(f"{SVG}text")
    )


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_gives_a_picture_of_dots(name: str) -> None:
    picture = draw(json.loads(json.dumps(CHARTS[name])), format="png")
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(picture[place : place + 4]) for place in (16, 20))
    assert width == 1200
    assert 750 <= height <= 1500


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


def test_large_numbers_have_separators() -> None:
    assert "1,234 outliers" in svg_text(boxplot())
    assert "9,000 other values" in svg_text(CHARTS["countplot of many"])


def test_outliers_that_would_squeeze_the_box_are_told() -> None:
    words = svg_text(CHARTS["boxplot with far outliers"])
    assert "outliers up to 1,000,000" in words
    assert "outliers down to −50,000" in words


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind"):
        draw(chart("pie", {}), format="png")


def test_a_coefficient_that_rounds_to_nothing_has_no_sign() -> None:
    data = {"columns": ["a", "b"], "matrix": [[1.0, -0.001], [-0.001, 1.0]], "sampled_rows": 9}
    assert "−0.00" not in svg_text(chart("correlation", data))
