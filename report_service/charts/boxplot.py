"""Box plots."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from report_service.charts.figure import ACCENT, AFTER, BEFORE, INK, MUTED, QUIET, RULE, ChartFigure
from report_service.charts.text_layout import AxisNumbers, Fit, amount, count, power_of_ten, scaled, ticks, unit
from shared.contracts.charts import BoxData, BoxplotChart

NARROWEST_SPAN = 0.04
"""Share of the axis the whiskers must span to be read; outliers further away are told, not drawn."""

_Row = tuple[str, BoxData, str]


def draw_boxplot(chart: BoxplotChart, *, fit: Fit) -> ChartFigure:
    """One box, or one above the other where cleaning moved it."""
    sheet, data = ChartFigure(chart.title, fit=fit), chart.data
    rows = _rows(data.before, data.after)
    if not rows:
        sheet.nothing("The column has no values.")
        return sheet
    axes = sheet.axes(left=1.25 if len(rows) > 1 else 0.5, bottom=0.8, right=0.5)
    exponent = power_of_ten(value for _, box, _ in rows for value in _values(box))
    rows = [(name, _scaled(box, exponent), color) for name, box, color in rows]
    low, high = _limits([box for _, box, _ in rows])
    for place, (_, box, color) in enumerate(rows):
        _draw(axes, box, y=-place, color=color)
        _describe(axes, box, y=-place, middle=(low + high) / 2)
        _tell_far(axes, box, low=low, high=high, y=-place)
    axes.set_yticks([-place for place in range(len(rows))], [name for name, _, _ in rows], size=10, color=INK)
    _frame(axes, low=low, high=high, rows=len(rows), whole=data.whole and not exponent)
    axes.set_xlabel(unit(exponent))
    sheet.subtitle("Box: the middle half of the values, line: the median, dots: outliers beyond the whiskers")
    return sheet


def _rows(before: BoxData | None, after: BoxData | None) -> Sequence[_Row]:
    if before == after:
        return [("", after, ACCENT)] if after else []
    both = ((BEFORE, before, MUTED), (AFTER, after, ACCENT))
    return [(name, box, color) for name, box, color in both if box]


def _values(box: BoxData) -> Sequence[float]:
    return [box.whisker_low, box.q1, box.median, box.q3, box.whisker_high, *box.outliers]


def _scaled(box: BoxData, exponent: int) -> BoxData:
    low, q1, median, q3, high, *outliers = scaled(_values(box), exponent)
    return BoxData(
        whisker_low=low,
        q1=q1,
        median=median,
        q3=q3,
        whisker_high=high,
        outliers=tuple(outliers),
        outlier_count=box.outlier_count,
    )


def _limits(boxes: Sequence[BoxData]) -> tuple[float, float]:
    """The ends of the axis: every outlier, unless the boxes would shrink to a line."""
    core_low, core_high = min(box.whisker_low for box in boxes), max(box.whisker_high for box in boxes)
    low = min(min(_values(box)) for box in boxes)
    high = max(max(_values(box)) for box in boxes)
    if low == high:
        return low - max(0.5, abs(low) * 1e-6), high + max(0.5, abs(high) * 1e-6)
    core = core_high - core_low
    if 0 < core < NARROWEST_SPAN * (high - low):
        low, high = max(low, core_low - 2 * core), min(high, core_high + 2 * core)
    pad = 0.04 * (high - low)
    return low - pad, high + pad


def _draw(axes: Axes, box: BoxData, *, y: float, color: str) -> None:
    # On a box without width, a white line would be all there is.
    line = "white" if color == ACCENT and box.q1 < box.q3 else INK
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
            "alpha": 0.45 if color == ACCENT else 0.7,
        },
    )


def _describe(axes: Axes, box: BoxData, *, y: float, middle: float) -> None:
    words = f"median {amount(box.median)}   ·   middle half {amount(box.q1)} to {amount(box.q3)}"
    words += f"   ·   whiskers {amount(box.whisker_low)} to {amount(box.whisker_high)}"
    words += f"   ·   {count(box.outlier_count)} outlier{'' if box.outlier_count == 1 else 's'}"
    if 0 < len(box.outliers) < box.outlier_count:
        words += f" ({count(len(box.outliers))} drawn)"
    axes.text(middle, y - 0.27, words, ha="center", va="top", size=8.5, color=QUIET)


def _tell_far(axes: Axes, box: BoxData, *, low: float, high: float, y: float) -> None:
    below = [value for value in box.outliers if value < low]
    above = [value for value in box.outliers if value > high]
    if below:
        axes.text(low, y + 0.24, f"◂ outliers down to {amount(min(below))}", ha="left", size=8.5, color=INK)
    if above:
        axes.text(high, y + 0.24, f"outliers up to {amount(max(above))} ▸", ha="right", size=8.5, color=INK)


def _frame(axes: Axes, *, low: float, high: float, rows: int, whole: bool) -> None:
    axes.set_xlim(low, high)
    axes.set_ylim(-rows + 0.4, 0.5)
    axes.xaxis.set_major_locator(ticks(low, high, whole=whole))
    axes.xaxis.set_major_formatter(AxisNumbers())
    axes.grid(axis="x", color=RULE)
    axes.spines["left"].set_visible(False)
