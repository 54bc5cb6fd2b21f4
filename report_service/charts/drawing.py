"""Drawing of chart data as pictures."""

import io
import warnings
from collections.abc import Mapping
from typing import Any, assert_never

from report_service.charts.boxplot import draw_boxplot
from report_service.charts.correlation import draw_correlation
from report_service.charts.countplot import draw_countplot
from report_service.charts.figure import ChartFigure, chart_style
from report_service.charts.histogram import draw_histogram
from report_service.charts.missingness import draw_missingness
from report_service.charts.text_layout import Fit, fit_to_font, fit_to_viewer
from shared.contracts.charts import (
    CHART,
    BoxplotChart,
    Chart,
    CorrelationChart,
    CountplotChart,
    HistogramChart,
    MissingnessChart,
)


def draw_png(chart: Mapping[str, Any]) -> bytes:
    """Draw a chart as a PNG picture with 150 dots per inch, at least 1200 dots wide."""
    with chart_style():
        figure = _draw(CHART.validate_python(chart), fit=fit_to_font).figure
        picture = io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def draw_svg(chart: Mapping[str, Any]) -> bytes:
    """Draw a chart as an SVG picture whose text stays text.

    The same chart always gives the same bytes.
    """
    with chart_style(), warnings.catch_warnings():
        # The font is only used for measuring here; the viewer draws with its own fonts.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = _draw(CHART.validate_python(chart), fit=fit_to_viewer).figure
        picture = io.BytesIO()
        figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None})
    return picture.getvalue()


def _draw(chart: Chart, *, fit: Fit) -> ChartFigure:
    match chart:
        case HistogramChart():
            return draw_histogram(chart, fit=fit)
        case BoxplotChart():
            return draw_boxplot(chart, fit=fit)
        case CountplotChart():
            return draw_countplot(chart, fit=fit)
        case CorrelationChart():
            return draw_correlation(chart, fit=fit)
        case MissingnessChart():
            return draw_missingness(chart, fit=fit)
    assert_never(chart)
