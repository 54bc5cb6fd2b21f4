"""Command line of the benchmarks: `python -m tests.bench`."""

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

from deploy.local.stack import Stack
from shared.isolation.isolation import Isolation
from tests.bench import (
    ai,
    calibration,
    drift,
    harm,
    models,
    mutations,
    pipeline,
    pollock,
    quality,
    reading,
    reads,
    scale,
    service,
    sizing,
)
from tests.bench.processor_time import cpu_seconds
from tests.bench.tables import mixed_table, small_table, write_csv
from worker_service.worker.composition import PRELOAD

MIB = 1024**2
PARTS = [
    *("reading", "quality", "models", "harm", "calibration", "drift", "ai"),
    *("pipeline", "service", "reads", "scale", "sizing"),
]


def main() -> None:
    """Run the requested parts and print their figures."""
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--pollock", type=Path, help="polluted_files of the Pollock benchmark, for reading")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    print(f"machine: {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    parts = arguments.parts or PARTS
    with tempfile.TemporaryDirectory(prefix="neuralearn-bench-") as folder:
        _print_judgements(parts, Path(folder), arguments.pollock)
        if "pipeline" in parts or "service" in parts:
            large = write_csv(mixed_table(arguments.rows, arguments.columns), Path(folder) / "large.csv")
            print(f"large table: {arguments.rows:,} × {arguments.columns}, {large.stat().st_size / MIB:.0f} MiB of CSV")
        if "pipeline" in parts:
            print_pipeline(large, Path(folder), repeats=arguments.repeats)
        if "service" in parts:
            print_service(large, Path(folder))
        if "reads" in parts:
            reads.print_reads()
        if "scale" in parts:
            scale.print_scale(Path(folder) / "scale")
        if "sizing" in parts:
            sizing.print_sizing(Path(folder) / "sizing")


def _print_judgements(parts: list[str], folder: Path, polluted: Path | None) -> None:
    """Print the parts that judge what is done; their figures do not depend on the machine."""
    if "reading" in parts:
        print_reading(polluted)
    if "quality" in parts:
        print_quality(folder)
    if "models" in parts:
        models.print_curated_models()
    if "harm" in parts:
        harm.print_harm()
    if "calibration" in parts:
        calibration.print_calibration()
    if "drift" in parts:
        drift.print_drift()
    if "ai" in parts:
        ai.print_ai(folder)


def print_reading(polluted: Path | None) -> None:
    """Print how many files are read right, of our own families and of the Pollock benchmark."""
    reading.print_reading()
    if polluted is not None:
        pollock.print_pollock(polluted)


def print_quality(folder: Path) -> None:
    """Print the accuracy of the preparation and of models trained on it; this does not depend on the machine."""
    started = time.perf_counter()
    quality.print_faults(folder)
    quality.print_pairs(folder)
    quality.print_families(folder)
    mutations.print_mutations(folder)
    models.print_models(folder)
    print(f"quality: {time.perf_counter() - started:.0f} s")


def print_pipeline(large: Path, folder: Path, *, repeats: int) -> None:
    """Print (a): the child process of a run compared with a CSV round trip by Arrow."""
    isolation = Isolation(preload=PRELOAD)
    isolation.warm_up()
    baselines, preparations = pipeline.compare(isolation, large, folder, repeats=repeats)
    baseline, preparation = pipeline.median_seconds(baselines), pipeline.median_seconds(preparations)
    peak = max(cost.peak_bytes for cost in preparations) / MIB
    print(f"(a) preparation {preparation:.2f} s, CSV read and write by Arrow {baseline:.2f} s (medians of {repeats})")
    print(f"    = {preparation / baseline:.2f} × the baseline (aim 3), peak memory {peak:,.0f} MiB (aim 1,536)")


def print_service(large: Path, folder: Path) -> None:
    """Print (b) the throughput of small datasets, and (c) one large dataset and the charts of 16 columns."""
    small = write_csv(small_table(1000, seed=1), folder / "small.csv")
    warm = service.time_in_process(small)
    sixteen = write_csv(mixed_table(1000, 16, seed=2), folder / "sixteen.csv")
    started = time.perf_counter()
    with Stack(folder / "stack", ports="free") as stack:
        print(f"started after {time.perf_counter() - started:.1f} s")
        service.measure_throughput(stack.gateway_url, small, count=10)
        before, count = cpu_seconds(stack), 200
        rate = service.measure_throughput(stack.gateway_url, small, count=count)
        spent = {name: (after - before[name]) / count * 1000 for name, after in cpu_seconds(stack).items()}
        print(f"(b) {rate:.1f} datasets of 1,000 × 10 completed per second (aim 25)")
        parts = ", ".join(f"{name} {milliseconds:.0f}" for name, milliseconds in spent.items())
        print(f"    {sum(spent.values()):.0f} ms of a core each (aim 80): {parts}")
        print(f"    = {sum(spent.values()) / warm:.1f} × {warm:.0f} ms in a warm process (aims 2.2, 20)")
        seconds, _ = service.time_dataset(stack.gateway_url, large)
        print(f"(c) {seconds:.1f} s from upload to completed for the large table (aim 10)")
        _, dataset_id = service.time_dataset(stack.gateway_url, sixteen)
        seconds, count = service.time_charts(stack.gateway_url, dataset_id)
        print(f"    {seconds:.1f} s more to all {count} charts of a table of 16 columns")


if __name__ == "__main__":
    main()
