"""Pictures of charts, drawn in a child process."""

from collections.abc import Mapping
from typing import Any


def draw(chart: Mapping[str, Any], *, format: str) -> bytes:
    """A chart of `charts.json` as a `png` or `svg` picture."""
    # The service only names this function; its children find matplotlib loaded.
    from report_service.charts.drawing import draw_png, draw_svg

    return draw_svg(chart) if format == "svg" else draw_png(chart)
