"""The command that measures: upload many small tables, wait for all, and say how long it took."""

import asyncio
import io
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from neuralearn.async_client import AsyncClient
from neuralearn.cli.output import AsJson, Connection, err, make_table, out, print_json
from neuralearn.errors import NeuraLearnError
from neuralearn.models import Event

app = typer.Typer()
_ROWS = 200
_MODES = Literal["fast", "smart", "deep"]


@dataclass(frozen=True)
class Upload:
    """What became of one dataset."""

    outcome: str
    """A state, or the reason or the name of an error."""
    accepted_seconds: float
    """From the begin of the upload to its answer."""
    ended_seconds: float
    """From the begin of the upload to the end of the preparation."""
    stages: dict[str, float] = field(default_factory=dict)
    """The seconds in each stage."""


@dataclass(frozen=True)
class LoadReport:
    """The figures of a load test; times in seconds."""

    datasets: int
    errors: int
    outcomes: dict[str, int]
    seconds: float
    datasets_per_second: float
    accepted: dict[str, float]
    """Percentiles of the time until an upload is answered."""
    completed: dict[str, float]
    """Percentiles of the time from the begin of an upload until its dataset is completed."""
    stages: dict[str, float]
    """The mean time of each stage."""


@app.command(name="load-test")
def load_test(
    context: typer.Context,
    num: Annotated[int, typer.Option(min=1, max=100_000, help="How many datasets.")] = 200,
    concurrent: Annotated[int, typer.Option(min=1, max=500, help="How many at the same time.")] = 30,
    mode: Annotated[_MODES, typer.Option(help="Who proposes; smart and deep cost quota.")] = "fast",
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The table; a small made-up one if not given.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="The longest wait for one dataset, in seconds.")] = 300.0,
    keep: Annotated[bool, typer.Option(help="Keep the datasets; they are deleted otherwise.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure throughput and times with many small datasets.

    They are uploaded, waited for, and deleted.
    """
    connection: Connection = context.obj
    load = _Load(connection, content=file.read_bytes() if file else None, mode=mode, timeout=timeout, is_kept=keep)
    report = asyncio.run(load.run(num, concurrent))
    if as_json:
        print_json(asdict(report))
    else:
        _print(report)
    if report.errors:
        raise typer.Exit(1)


class _Load:
    """Uploads datasets and follows each to its end."""

    def __init__(
        self, connection: Connection, *, content: bytes | None, mode: _MODES, timeout: float, is_kept: bool
    ) -> None:
        self._connection = connection
        self._content = content
        self._mode = mode
        self._timeout = timeout
        self._is_kept = is_kept

    async def run(self, number: int, concurrent: int) -> LoadReport:
        """Prepare so many datasets, at most `concurrent` at a time."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        waiting = iter(range(number))
        uploads: list[Upload] = []
        started = time.monotonic()
        async with AsyncClient(self._connection.base_url, token=self._connection.token) as service:
            with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
                task = progress.add_task("Preparing", total=number)

                async def work() -> None:
                    for index in waiting:
                        uploads.append(await self._prepare(service, index))
                        failed = sum(upload.outcome != "completed" for upload in uploads)
                        progress.update(task, advance=1, description=f"Preparing ({failed} failed)")

                await asyncio.gather(*(work() for _ in range(min(concurrent, number))))
        return _report(uploads, time.monotonic() - started)

    async def _prepare(self, service: AsyncClient, index: int) -> Upload:
        content = io.BytesIO(small_table(index) if self._content is None else self._content)
        started = accepted = time.monotonic()
        dataset_id, events = "", []
        try:
            name = f"load-test-{index}.csv"
            dataset_id = await service.upload(content, filename=name, mode=self._mode, target="none")
            accepted = time.monotonic()
            async with asyncio.timeout(self._timeout):
                events = [event async for event in service.watch(dataset_id)]
            outcome: str = events[-1].status if events else "no event"
        except TimeoutError:
            outcome = "timed out"
        except NeuraLearnError as error:
            outcome = getattr(error, "reason", type(error).__name__)
        ended = time.monotonic()
        if dataset_id and not self._is_kept:
            await _remove(service, dataset_id)
        return Upload(outcome, accepted - started, ended - started, _stage_seconds(events))


async def _remove(service: AsyncClient, dataset_id: str) -> None:
    try:
        await service.delete(dataset_id)
    except NeuraLearnError as error:
        err.print(f"{dataset_id} was not removed: {error}", markup=False)


def small_table(seed: int) -> bytes:
    """Return a small table with a few faults, another one for each seed."""
    source = random.Random(seed)  # noqa: S311  # made-up data, no secret
    lines = ["id,city,age,income,joined"]
    for row in range(_ROWS):
        age = "" if source.random() < 0.05 else str(source.randint(18, 90))
        city = source.choice(("Oslo", "oslo", "Rome", "Bern", "Lima"))
        day = f"{source.randint(1, 28):02d}"
        lines.append(f"{seed}-{row},{city},{age},{source.gauss(3000, 600):.2f},2024-03-{day}")
    return "\n".join(lines).encode()


def _stage_seconds(events: Sequence[Event]) -> dict[str, float]:
    """Return how long each stage took, from the times of the events."""
    seconds: dict[str, float] = {}
    for event, following in pairwise(events):
        took = (following.created_at - event.created_at).total_seconds()
        seconds[event.stage] = seconds.get(event.stage, 0.0) + took
    return seconds


def _report(uploads: Sequence[Upload], seconds: float) -> LoadReport:
    completed = [upload for upload in uploads if upload.outcome == "completed"]
    stages = {stage for upload in completed for stage in upload.stages}
    return LoadReport(
        datasets=len(uploads),
        errors=len(uploads) - len(completed),
        outcomes=dict(Counter(upload.outcome for upload in uploads)),
        seconds=round(seconds, 3),
        datasets_per_second=round(len(completed) / seconds, 3),
        accepted=_percentiles(upload.accepted_seconds for upload in uploads),
        completed=_percentiles(upload.ended_seconds for upload in completed),
        stages={
            stage: round(statistics.fmean(upload.stages.get(stage, 0.0) for upload in completed), 4)
            for stage in sorted(stages)
        },
    )


def _percentiles(values: Iterable[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {}
    ranks = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    at = {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for name, share in ranks.items()}
    return {name: round(value, 4) for name, value in {**at, "max": ordered[-1]}.items()}


def _print(report: LoadReport) -> None:
    rate = f"{report.datasets_per_second:.1f} a second"
    out.print(f"{report.datasets:,} datasets in {report.seconds:.1f} s, {rate}, {report.errors} errors", markup=False)
    if report.errors:
        out.print(make_table(("outcome", "datasets"), [(word, str(cells)) for word, cells in report.outcomes.items()]))
    rows: list[tuple[Any, ...]] = [
        (what, *(f"{times[name]:.2f} s" for name in times))
        for what, times in (("upload answered", report.accepted), ("completed", report.completed))
        if times
    ]
    out.print(make_table(("time until", "p50", "p95", "p99", "max"), rows))
    out.print(
        make_table(("stage", "mean"), [(stage, f"{took * 1000:.0f} ms") for stage, took in report.stages.items()])
    )
