"""Commands of operators over REST: what waits, who works, where datasets stand."""

import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from neuralearn.cli.output import (
    AsJson,
    client,
    dataset_json,
    make_table,
    moment,
    out,
    print_json,
    print_rows,
    state,
)
from neuralearn.client import Client
from neuralearn.errors import ApiError, NeuraLearnError
from neuralearn.models import Queue, RedisServer, State, Worker

app = typer.Typer()
_MANY_WAITING = 50
"""From this number on, a queue is shown in red: the autoscaler starts workers there."""


@app.command()
def monitor(
    context: typer.Context,
    watch: Annotated[bool, typer.Option(help="Show it again and again, until Ctrl-C.")] = False,
    interval: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Show queues, workers and Redis.

    In token mode this needs a credential with the scope operate.
    """
    with client(context) as service:
        if as_json:
            workers = _workers(service)
            listed = None if workers is None else [asdict(worker) for worker in workers]
            print_json({**asdict(service.queues()), "workers": listed})
        elif watch:
            _watch(service, interval)
        else:
            out.print(_view(service))


@app.command()
def jobs(
    context: typer.Context,
    only: Annotated[State | None, typer.Option("--state", help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most datasets that are looked at.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show where preparations stand, as the database has it."""
    with client(context) as service:
        looked_at = [dataset for dataset, _ in zip(service.datasets(), range(limit), strict=False)]
    shown = [dataset for dataset in looked_at if only in (None, dataset.status)]
    if as_json:
        print_json([dataset_json(dataset) for dataset in shown])
        return
    rows = [
        (
            item.dataset_id,
            state(item.status),
            item.mode,
            item.stage if item.has_ended else f"{item.stage} {item.progress} %",
            moment(item.created_at),
            item.error.reason if item.error else "",
        )
        for item in shown
    ]
    print_rows(("id", "status", "mode", "stage", "uploaded", "reason"), rows)
    if not out.is_terminal:
        return  # a program counts for itself
    counts: Counter[State] = Counter(dataset.status for dataset in looked_at)
    out.print("  ".join(f"{state(word)} {cells:,}" for word, cells in counts.most_common()) or "There are no datasets.")


def _watch(service: Client, interval: float) -> None:
    with suppress(KeyboardInterrupt), Live(console=out, auto_refresh=False, screen=out.is_terminal) as live:
        while True:
            try:
                view: RenderableType = _view(service)
            except NeuraLearnError as error:
                view = Text(str(error), style="red")
            live.update(view, refresh=True)
            time.sleep(interval)


def _view(service: Client) -> Group:
    queues, workers, now = service.queues(), _workers(service), datetime.now(UTC)
    columns = ("queue", "waiting", "deferred", "running", "oldest", "completed/h", "failed/h", "workers")
    staff = None if workers is None else Counter(worker.queue for worker in workers)
    rows = [_queue_row(queue, None if staff is None else staff[queue.name]) for queue in queues.queues]
    return Group(
        Text(f"{now.astimezone():%Y-%m-%d %H:%M:%S}  {service.base_url}", style="dim"),
        make_table(columns, rows),
        Text(""),
        _workers_view(workers, now),
        Text(""),
        Text(_redis_line(queues.redis)),
    )


def _workers(service: Client) -> list[Worker] | None:
    """Return the workers; None while Redis, where they give their signs of life, does not answer."""
    try:
        return service.workers()
    except ApiError as error:
        if error.reason != "QUEUE_UNAVAILABLE":
            raise
        return None


def _queue_row(queue: Queue, workers: int | None) -> tuple[str, ...]:
    style = "red" if queue.ready >= _MANY_WAITING or (queue.ready and not workers) else "default"
    staff = "?" if workers is None else f"{workers:,}"
    failed = f"[red]{queue.failed:,}[/red]" if queue.failed else "0"
    wait = f"{queue.oldest_wait_seconds:.1f} s" if queue.ready else "–"
    counts = (f"{queue.deferred:,}", f"{queue.running:,}", wait, f"{queue.completed:,}", failed, staff)
    return (queue.name, f"[{style}]{queue.ready:,}[/{style}]", *counts)


def _worker_row(worker: Worker, now: datetime) -> tuple[str, ...]:
    silence = max(0.0, (now - worker.heartbeat_at).total_seconds())
    running = ", ".join(run_id[:8] for run_id in worker.run_ids) or "idle"
    port = "–" if worker.metrics_port is None else str(worker.metrics_port)
    runs = f"{len(worker.run_ids)}/{worker.slots} {running}"
    return (worker.name, worker.queue, runs, f"{silence:.0f} s ago", moment(worker.started_at), port)


def _workers_view(workers: list[Worker] | None, now: datetime) -> RenderableType:
    if workers is None:
        return Text("Who works is not known without Redis; workers go on with what they prepare.", style="red")
    if not workers:
        return Text("No worker gave a sign of life: nothing is prepared.", style="red")
    columns = ("worker", "queue", "runs", "heartbeat", "up since", "metrics")
    return make_table(columns, [_worker_row(worker, now) for worker in workers])


def _redis_line(redis: RedisServer | None) -> str:
    if redis is None:
        return "Redis does not answer; new runs start with a delay of some seconds once it does."
    limit = f" of {_megabytes(redis.max_memory_bytes)}" if redis.max_memory_bytes else ""
    hits = "" if redis.hit_rate is None else f", {redis.hit_rate:.0%} of look-ups hit"
    return f"Redis {redis.version}: {_megabytes(redis.used_memory_bytes)}{limit}, {redis.clients} clients{hits}"


def _megabytes(size: int) -> str:
    return f"{size / 1024**2:,.1f} MiB"
