"""Benchmark of the child process of a run; the baseline is Arrow reading and writing the same CSV file."""

import asyncio
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pyarrow.csv as pacsv

from ingest_service.decoding import Limits, decode_file
from shared.contracts.run_options import RunOptions
from shared.isolation.isolation import Isolation
from worker_service.worker.preparation import prepare
from worker_service.worker.preparation_task import PreparationTask

LIMITS = Limits(max_rows=10**9, max_columns=10**6)


@dataclass(frozen=True)
class Cost:
    """The cost of a task in its child process."""

    seconds: float
    peak_bytes: int


def measure_csv_round_trip(csv: Path, target: Path) -> Cost:
    """Read a CSV file with type inference and write it again, as the baseline."""
    started = time.perf_counter()
    pacsv.write_csv(pacsv.read_csv(csv), target / "baseline.csv")
    return Cost(time.perf_counter() - started, _peak_bytes())


def measure_preparation(table: Path, target: Path) -> Cost:
    """Do everything that a fast run does in its child process."""
    started = time.perf_counter()
    prepare(
        lambda stage, percent: None,
        PreparationTask(table=table, target=target, options=RunOptions(), profile=target / "none"),
    )
    return Cost(time.perf_counter() - started, _peak_bytes())


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def compare(isolation: Isolation, csv: Path, folder: Path, *, repeats: int) -> tuple[list[Cost], list[Cost]]:
    """Measure baseline and preparation alternately, so that both are exposed to the same noise."""
    table = folder / "table.arrow"
    decode_file(csv, csv.name, table, LIMITS)

    async def measure() -> tuple[list[Cost], list[Cost]]:
        baselines, preparations = [], []
        for _ in range(repeats):
            baselines.append(await _run(isolation, measure_csv_round_trip, csv, folder))
            preparations.append(await _run(isolation, measure_preparation, table, folder))
        return baselines, preparations

    return asyncio.run(measure())


async def _run(isolation: Isolation, task: object, *paths: Path) -> Cost:
    cost: Cost = await isolation.run(task, *paths, deadline=600, memory_bytes=8 << 30)  # type: ignore[arg-type]
    return cost


def median_seconds(costs: list[Cost]) -> float:
    """Return the median time in seconds."""
    return median(cost.seconds for cost in costs)
