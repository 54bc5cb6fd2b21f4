"""Drawing of chart data as pictures."""

import io
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from report_service.charts.boxplot import draw_boxplot
from report_service.charts.correlation import draw_correlation
from report_service.charts.countplot import draw_countplot
from report_service.charts.figure import ChartFigure, chart_style
from report_service.charts.grouped_boxplot import draw_grouped_boxplot
from report_service.charts.histogram import draw_histogram
from report_service.charts.missing_patterns import draw_missing_patterns
from report_service.charts.missingness import draw_missingness
from report_service.charts.scatter import draw_scatter
from report_service.charts.stacked_bar import draw_stacked_bar
from report_service.charts.text_layout import Fit, fit_to_font, fit_to_viewer
from report_service.charts.timeline import draw_timeline
from shared.contracts.charts import CHART, Chart
from shared.contracts.vocabulary import ChartKind

_DRAW: Mapping[ChartKind, Callable[..., ChartFigure]] = MappingProxyType(
    {
        "histogram": draw_histogram,
        "boxplot": draw_boxplot,
        "countplot": draw_countplot,
        "correlation": draw_correlation,
        "missingness": draw_missingness,
        "missing_patterns": draw_missing_patterns,
        "scatter": draw_scatter,
        "grouped_boxplot": draw_grouped_boxplot,
        "stacked_bar": draw_stacked_bar,
        "timeline": draw_timeline,
    }
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
    return _DRAW[chart.kind](chart, fit=fit)
