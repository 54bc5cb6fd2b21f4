"""How the time and the memory of a run's child process grow with the rows and the columns of a table."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from ingest_service.decoding import decode_file
from shared.isolation.isolation import Isolation
from tests.bench.pipeline import LIMITS, Cost, measure_preparation
from tests.bench.tables import mixed_table, write_csv
from worker_service.worker.composition import PRELOAD

ROWS = [(1_000, 10), (10_000, 10), (100_000, 10), (1_000_000, 10)]
COLUMNS = [(10_000, 10), (10_000, 30), (10_000, 100), (10_000, 300)]
_REPEATS = 3


def print_scale(folder: Path) -> None:
    """Print the cost of each size, and the exponents of a power law through them."""
    isolation = Isolation(preload=PRELOAD)
    isolation.warm_up()
    shapes = dict.fromkeys((*ROWS, *COLUMNS))
    costs = {shape: _measure(isolation, folder / "{}x{}".format(*shape), *shape) for shape in shapes}
    for label, shapes_of, axis, before in (("rows", ROWS, 0, 0.9), ("columns", COLUMNS, 1, 1.05)):
        sizes = [shape[axis] for shape in shapes_of]
        seconds = _exponent(sizes, [costs[shape].seconds for shape in shapes_of])
        memory = _exponent(sizes, [costs[shape].peak_bytes for shape in shapes_of])
        print(f"{label}: seconds grow by the power {seconds:.2f} (was {before}), peak memory by {memory:.2f}")


def _measure(isolation: Isolation, folder: Path, rows: int, columns: int) -> Cost:
    folder.mkdir(parents=True)
    csv, table = write_csv(mixed_table(rows, columns), folder / "table.csv"), folder / "table.arrow"
    decode_file(csv, csv.name, table, LIMITS)
    run = isolation.run
    costs = [
        asyncio.run(run(measure_preparation, table, folder, deadline=900, memory_bytes=16 << 30))
        for _ in range(_REPEATS)
    ]
    cost = Cost(median(cost.seconds for cost in costs), max(cost.peak_bytes for cost in costs))
    print(f"{rows:>9,} × {columns:<4} {cost.seconds:6.2f} s, peak {cost.peak_bytes / 1024**2:,.0f} MiB")
    return cost


def _exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    slope, _ = np.polyfit(np.log(sizes), np.log(values), 1)
    return float(slope)
