"""Draw the picture of the README: six real rows before and after, beside a real chart of the same preparation.

    python -m docs.generate.picture

writes docs/assets/before-after.png from sample_dataset.csv, by the same code that a run executes.
"""

import csv
import io
import tempfile
from pathlib import Path

import matplotlib.image
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ingest_service.decoding import Limits, decode_file
from report_service.charts.drawing import draw_png
from shared.contracts.run_options import RunOptions
from worker_service.core.profile import profile
from worker_service.core.recipe.apply import Outcome, apply
from worker_service.core.reporting.charts import build_charts
from worker_service.core.table.canonical_text import render_table
from worker_service.core.table.frame import Frame
from worker_service.planner.propose import propose

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_dataset.csv"
TARGET = ROOT / "docs" / "assets" / "before-after.png"
COLUMNS = ("age", "city", "monthly_spend", "income", "newsletter")
ROWS = (93, 188, 352, 395, 529, 10)
"""Rows of the file, from 1."""
CHART = "histogram-8"
INK, SOFT, CHANGED, LINE = "#1b2430", "#8b95a1", "#1f6f5c", "#d8d6cf"


def prepare_sample(folder: Path) -> tuple[Outcome, dict[str, object]]:
    """Prepare the sample as fast mode does, and return the outcome with the chart's data."""
    table = folder / "table.arrow"
    decode_file(SAMPLE, SAMPLE.name, table, Limits(max_rows=100_000, max_columns=100))
    with pa.OSFile(str(table)) as file:
        frame = Frame.from_table(pa.ipc.open_file(file).read_all())
    facts = profile(frame)
    outcome = apply(propose(facts, RunOptions()), frame)
    chart = next(chart for chart in build_charts(facts, outcome) if chart.graph_id == CHART)
    return outcome, chart.model_dump(mode="json")


def draw(outcome: Outcome, chart: dict[str, object]) -> Figure:
    """Draw the rows as two tables, one below the other, and the chart beside them."""
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    before = [[lines[row - 1][name] for name in COLUMNS] for row in ROWS]
    cleaned = render_table(outcome.cleaned.to_table()).select(list(COLUMNS)).to_pylist()
    position = {row + 1: index for index, row in enumerate(outcome.cleaned.row_numbers.tolist())}
    after = [[cleaned[position[row]][name] or "" for name in COLUMNS] for row in ROWS]
    figure = Figure(figsize=(13, 5.2), dpi=110, facecolor="white")
    upper, lower, right = (
        figure.add_axes(box) for box in ((0.01, 0.52, 0.5, 0.47), (0.01, 0.01, 0.5, 0.47), (0.54, 0.03, 0.45, 0.94))
    )
    _table(upper, "before: as uploaded", before, before)
    _table(lower, "after: cleaned, every change with its reason in the ledger", after, before)
    right.imshow(matplotlib.image.imread(io.BytesIO(draw_png(chart))))
    right.axis("off")
    return figure


def _table(axes: Axes, title: str, cells: list[list[str]], before: list[list[str]]) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 8)
    axes.axis("off")
    axes.text(0.01, 7.4, title, fontsize=11, color=SOFT, va="center")
    starts = (0.01, 0.14, 0.34, 0.6, 0.79)
    for start, name in zip(starts, COLUMNS, strict=True):
        axes.text(start, 6.45, name, fontsize=11, color=INK, weight="bold", va="center")
    for index, (row, old) in enumerate(zip(cells, before, strict=True)):
        height = 5.5 - index
        axes.axhline(height + 0.5, color=LINE, linewidth=0.8)
        for start, cell, was in zip(starts, row, old, strict=True):
            changed = cell != was
            text = cell if cell.strip() else "·"
            axes.text(
                start,
                height,
                text,
                fontsize=11,
                family="monospace",
                va="center",
                color=CHANGED if changed else INK if cell.strip() else SOFT,
                weight="bold" if changed else "normal",
            )


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        outcome, chart = prepare_sample(Path(folder))
    TARGET.parent.mkdir(exist_ok=True)
    draw(outcome, chart).savefig(TARGET, metadata={"Software": None})


if __name__ == "__main__":
    main()
