"""Drawing of charts as PNG and SVG pictures, in a child process.

It holds a module for each kind of chart, and the figure and text layout they share. Computing the data of a chart
doesn't belong here; the worker stores it in `charts.json`.
"""

from collections.abc import Mapping
from typing import Any


def draw(chart: Mapping[str, Any], *, format: str) -> bytes:
    """Return a chart of `charts.json` as a `png` or `svg` picture."""
    # The import is local because the service only names this function; child processes have matplotlib preloaded.
    from report_service.charts.drawing import draw_png, draw_svg

    return draw_svg(chart) if format == "svg" else draw_png(chart)
