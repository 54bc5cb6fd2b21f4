"""The events of a run, in order: a row for each change of its state, stage, progress or attempt."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Float, Row, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.vocabulary import ENDED_STATES, RunState, Stage
from shared.db.dataset_ids import unknown_dataset
from shared.db.session import Database
from shared.db.tables import datasets, run_events, runs

MAX_EVENTS = 500
RECENT_RUNS = 200
"""How many of the latest completed runs of a queue an estimate is based on."""
SIMILAR_RUNS = 15
"""How many of the recent runs, the nearest in size, give the expected duration by their median."""


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """A run as it was after one change."""

    sequence: int
    """Ascends within a run, with gaps."""
    state: RunState
    attempt: int
    """How many attempts had begun."""
    stage: Stage
    progress: int
    """In percent."""
    created_at: datetime
    queue_position: int | None
    """How many runs of its queue are before it now; None if the run is not queued."""
    remaining: timedelta | None
    """Estimated time to the end, from runs of similar size; None if no run has completed yet or this one has ended."""
    error_reason: str | None = None
    error_detail: str | None = None
    """Why the run failed; set in the last event of a failed run only."""


class Events:
    """Run events in PostgreSQL, where a trigger writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def expected_duration(self, *, queue: str, cells: int) -> timedelta | None:
        """Return how long a run on a table of so many cells takes, without its wait; None if none completed lately."""
        async with self._database.reading() as connection:
            expected, _ = await _expected_durations(connection, queue=queue, cells=cells)
        return expected

    async def after(self, dataset_id: UUID, sequence: int) -> tuple[Sequence[RunEvent], bool]:
        """Return the events of a dataset's run after a sequence number, and True if the run has ended.

        Only the last event carries an estimate, because it would not hold for the earlier ones.

        Args:
            dataset_id: the dataset.
            sequence: the last event that the caller knows; 0 for none.

        Raises:
            NotFound: no dataset has this id.
        """
        async with self._database.reading() as connection:
            run = await _run(connection, dataset_id)
            later = select(run_events).where(run_events.c.run_id == run.id, run_events.c.id > sequence)
            rows = (await connection.execute(later.order_by(run_events.c.id).limit(MAX_EVENTS))).all()
            if rows and rows[-1].state != run.state:
                run = await _run(connection, dataset_id)  # its state changed between the two queries
            estimate = await _estimate(connection, run) if rows else _Estimate()
        events = [_run_event(row, _Estimate()) for row in rows]
        if events and rows[-1].state == run.state:
            events[-1] = _latest(rows[-1], run, estimate)
        return events, (rows[-1] if rows else run).state in ENDED_STATES

    async def last_of(self, dataset_ids: Collection[UUID]) -> dict[UUID, int]:
        """Return the sequence of the last event of each dataset's run; removed datasets are absent."""
        last = select(func.max(run_events.c.id)).where(run_events.c.run_id == runs.c.id).scalar_subquery()
        statement = select(runs.c.dataset_id, last).where(runs.c.dataset_id.in_(dataset_ids))
        async with self._database.reading() as connection:
            return {row[0]: row[1] for row in await connection.execute(statement)}

    async def latest(self, dataset_id: UUID) -> RunEvent:
        """Return the last event of a dataset's run, with the estimate as of now.

        Raises:
            NotFound: no dataset has this id.
        """
        async with self._database.reading() as connection:
            run = await _run(connection, dataset_id)
            last = select(run_events).where(run_events.c.run_id == run.id).order_by(run_events.c.id.desc()).limit(1)
            row = (await connection.execute(last)).one()
            return _latest(row, run, await _estimate(connection, run))


_RUN_COLUMNS = ("id", "state", "queue", "turn_at", "due_at", "started_at", "progress", "error_reason", "error_detail")
"""What events and estimates need of a run, whose other columns are large."""


@dataclass(frozen=True)
class _Estimate:
    """The position of a run in its queue, and the estimated time to its end."""

    queue_position: int | None = None
    remaining: timedelta | None = None


async def _run(connection: AsyncConnection, dataset_id: UUID) -> Row[Any]:
    of_run = [runs.c[name] for name in _RUN_COLUMNS]
    columns = (*of_run, func.now().label("now"), (datasets.c.rows * datasets.c.columns).label("cells"))
    joined = select(*columns).join(datasets, runs.c.dataset_id == datasets.c.id)
    run = (await connection.execute(joined.where(runs.c.dataset_id == dataset_id))).one_or_none()
    if run is None:
        raise unknown_dataset(str(dataset_id))
    return run


async def _estimate(connection: AsyncConnection, run: Row[Any]) -> _Estimate:
    if run.state in ENDED_STATES:
        return _Estimate()
    position = None
    if run.state == "queued":
        position = await connection.scalar(
            select(func.count()).where(
                runs.c.queue == run.queue, runs.c.state == "queued", runs.c.turn_at < run.turn_at
            )
        )
    expected, typical = await _expected_durations(connection, queue=run.queue, cells=run.cells)
    if expected is None:
        return _Estimate(position)
    if run.state == "queued":
        running = select(func.count()).where(runs.c.queue == run.queue, runs.c.state == "running")
        concurrency = await connection.scalar(running) or 0
        # The runs under way have to end first, and then the runs that are before this one.
        wait = typical * (((position or 0) + 1) / concurrency) if concurrency else typical * (position or 0)
        return _Estimate(position, max(timedelta(), run.due_at - run.now) + wait + expected)
    # The time of earlier attempts does not count, as they gave no result.
    attempt_start = select(func.max(run_events.c.created_at)).where(
        run_events.c.run_id == run.id, run_events.c.stage == "loading"
    )
    elapsed = run.now - (await connection.scalar(attempt_start) or run.started_at)
    # The remaining time of a run that takes longer than expected is extrapolated from its own progress.
    remaining = expected - elapsed if expected > elapsed else elapsed * (100 - run.progress) / max(run.progress, 10)
    return _Estimate(None, remaining)


async def _expected_durations(
    connection: AsyncConnection, *, queue: str, cells: int
) -> tuple[timedelta | None, timedelta]:
    """Return the median duration of recent runs of similar size, and of recent runs of any size."""
    duration = (runs.c.finished_at - runs.c.started_at).label("duration")
    recent = (
        select(duration, (datasets.c.rows * datasets.c.columns).label("cells"))
        .join(datasets, runs.c.dataset_id == datasets.c.id)
        .where(runs.c.queue == queue, runs.c.state.in_(["completed", "proposed"]), runs.c.finished_at.is_not(None))
        .order_by(runs.c.finished_at.desc())
        .limit(RECENT_RUNS)
        .cte("recent")
    )
    size_distance = func.abs(func.ln(cast(recent.c.cells + 1, Float)) - func.ln(cast(cells + 1, Float)))
    similar = select(recent.c.duration).order_by(size_distance).limit(SIMILAR_RUNS).subquery()

    def median(column: Any) -> Any:
        return select(func.percentile_cont(0.5).within_group(column)).scalar_subquery()

    row = (await connection.execute(select(median(similar.c.duration), median(recent.c.duration)))).one()
    return row[0], row[1] or timedelta()


def _latest(row: Row[Any], run: Row[Any], estimate: _Estimate) -> RunEvent:
    """Return the last event of a run, with the error of a failed run."""
    event = _run_event(row, estimate)
    if event.state != "failed":
        return event
    return replace(event, error_reason=run.error_reason, error_detail=run.error_detail)


def _run_event(row: Row[Any], estimate: _Estimate) -> RunEvent:
    is_queued = row.state == "queued"
    return RunEvent(
        sequence=row.id,
        state=row.state,
        stage=row.stage,
        attempt=row.attempt,
        progress=row.progress,
        created_at=row.created_at,
        queue_position=estimate.queue_position if is_queued else None,
        remaining=None if row.state in ENDED_STATES else estimate.remaining,
    )
