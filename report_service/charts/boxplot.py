"""Box plots."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from report_service.charts.figure import (
    ACCENT_COLOR,
    AFTER_LABEL,
    BEFORE_LABEL,
    GRID_COLOR,
    MUTED_COLOR,
    SUBTLE_TEXT_COLOR,
    TEXT_COLOR,
    ChartFigure,
)
from report_service.charts.text_layout import (
    Fit,
    TickFormatter,
    common_exponent,
    format_count,
    format_exponent,
    format_value,
    scale_values,
    tick_locator,
)
from shared.contracts.charts import BoxData, BoxplotChart

MIN_WHISKER_SPAN = 0.04
"""Share of the axis that the whiskers have to span; outliers further away are written, not drawn."""

_Row = tuple[str, BoxData, str]


def draw_boxplot(chart: BoxplotChart, *, fit: Fit) -> ChartFigure:
    """Draw a box, or two boxes if cleaning changed it."""
    figure, data = ChartFigure(chart.title, fit=fit), chart.data
    rows = _rows(data.before, data.after)
    if not rows:
        figure.add_placeholder("The column has no values.")
        return figure
    axes = figure.add_axes(left=1.25 if len(rows) > 1 else 0.5, bottom=0.8, right=0.5)
    exponent = common_exponent(value for _, box, _ in rows for value in values_of(box))
    rows = [
        (name, box_of(scale_values(values_of(box), exponent), outlier_count=box.outlier_count), color)
        for name, box, color in rows
    ]
    low, high = box_limits([box for _, box, _ in rows])
    for position, (_, box, color) in enumerate(rows):
        draw_box(axes, box, y=-position, color=color)
        _add_description(axes, box, y=-position, middle=(low + high) / 2)
        _annotate_far_outliers(axes, box, low=low, high=high, y=-position)
    positions, names = [-position for position in range(len(rows))], [name for name, _, _ in rows]
    axes.set_yticks(positions, names, size=10, color=TEXT_COLOR)
    _format_axes(axes, low=low, high=high, rows=len(rows), whole=data.whole and not exponent)
    axes.set_xlabel(format_exponent(exponent))
    beyond = f"; {format_count(data.outside)} values lie far beyond the axis" if data.outside else ""
    figure.add_subtitle(f"Box: the middle half of the values, line: the median, dots: outliers{beyond}")
    return figure


def _rows(before: BoxData | None, after: BoxData | None) -> Sequence[_Row]:
    if before == after:
        return [("", after, ACCENT_COLOR)] if after else []
    both = ((BEFORE_LABEL, before, MUTED_COLOR), (AFTER_LABEL, after, ACCENT_COLOR))
    return [(name, box, color) for name, box, color in both if box]


def values_of(box: BoxData) -> Sequence[float]:
    """Return all values that are drawn of a box, from the lower whisker on."""
    return [box.whisker_low, box.q1, box.median, box.q3, box.whisker_high, *box.outliers]


def _scale_box(box: BoxData, exponent: int) -> BoxData:
    return box_of(scale_values(values_of(box), exponent), outlier_count=box.outlier_count)


def box_of(values: Sequence[float], *, outlier_count: int) -> BoxData:
    """Return the box of the values that `values_of` returns."""
    low, q1, median, q3, high, *outliers = values
    return BoxData(
        whisker_low=low,
        q1=q1,
        median=median,
        q3=q3,
        whisker_high=high,
        outliers=tuple(outliers),
        outlier_count=outlier_count,
    )


def box_limits(boxes: Sequence[BoxData]) -> tuple[float, float]:
    """Return the limits of the axis, with all outliers unless the boxes became too narrow."""
    core_low, core_high = min(box.whisker_low for box in boxes), max(box.whisker_high for box in boxes)
    low = min(min(values_of(box)) for box in boxes)
    high = max(max(values_of(box)) for box in boxes)
    if low == high:
        return low - max(0.5, abs(low) * 1e-6), high + max(0.5, abs(high) * 1e-6)
    core = core_high - core_low
    if 0 < core < MIN_WHISKER_SPAN * (high - low):
        low, high = max(low, core_low - 2 * core), min(high, core_high + 2 * core)
    pad = 0.04 * (high - low)
    return low - pad, high + pad


def draw_box(axes: Axes, box: BoxData, *, y: float, color: str) -> None:
    """Draw a box with whiskers, median and outliers at a height."""
    # A white median line would cover a box without width.
    line = "white" if color == ACCENT_COLOR and box.q1 < box.q3 else TEXT_COLOR
    statistics = {
        "whislo": box.whisker_low,
        "q1": box.q1,
        "med": box.median,
        "q3": box.q3,
        "whishi": box.whisker_high,
        "fliers": box.outliers,
    }
    axes.bxp(
        [statistics],
        positions=[y],
        widths=0.34,
        orientation="horizontal",
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": color, "edgecolor": color, "linewidth": 1.2},
        medianprops={"color": line, "linewidth": 2.2},
        whiskerprops={"color": color, "linewidth": 1.4},
        capprops={"color": color, "linewidth": 1.4},
        flierprops={
            "marker": "o",
            "markersize": 4,
            "markerfacecolor": color,
            "markeredgecolor": "none",
            "alpha": 0.45 if color == ACCENT_COLOR else 0.7,
        },
    )


def _add_description(axes: Axes, box: BoxData, *, y: float, middle: float) -> None:
    text = f"median {format_value(box.median)}   ·   middle half {format_value(box.q1)} to {format_value(box.q3)}"
    text += f"   ·   whiskers {format_value(box.whisker_low)} to {format_value(box.whisker_high)}"
    text += f"   ·   {format_count(box.outlier_count)} outlier{'' if box.outlier_count == 1 else 's'}"
    if 0 < len(box.outliers) < box.outlier_count:
        text += f" ({format_count(len(box.outliers))} drawn)"
    axes.text(middle, y - 0.27, text, ha="center", va="top", size=8.5, color=SUBTLE_TEXT_COLOR)


def _annotate_far_outliers(axes: Axes, box: BoxData, *, low: float, high: float, y: float) -> None:
    below = [value for value in box.outliers if value < low]
    above = [value for value in box.outliers if value > high]
    if below:
        text = f"◂ outliers down to {format_value(min(below))}"
        axes.text(low, y + 0.24, text, ha="left", size=8.5, color=TEXT_COLOR)
    if above:
        text = f"outliers up to {format_value(max(above))} ▸"
        axes.text(high, y + 0.24, text, ha="right", size=8.5, color=TEXT_COLOR)


def _format_axes(axes: Axes, *, low: float, high: float, rows: int, whole: bool) -> None:
    axes.set_xlim(low, high)
    axes.set_ylim(-rows + 0.4, 0.5)
    axes.xaxis.set_major_locator(tick_locator(low, high, whole=whole))
    axes.xaxis.set_major_formatter(TickFormatter(may_be_years=whole))
    axes.grid(axis="x", color=GRID_COLOR)
    axes.spines["left"].set_visible(False)
