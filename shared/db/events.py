"""What happened to a run, in order: a row for each change of its state, stage or progress."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Float, Row, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.vocabulary import ENDED_STATES, RunState, Stage
from shared.db.datasets import unknown_dataset
from shared.db.session import Database
from shared.db.tables import datasets, run_events, runs

MOST_AT_ONCE = 500
RECENT_RUNS = 200
"""Completed runs of the queue that an expectation looks back at."""
SIMILAR_RUNS = 15
"""Those of them, nearest in size, whose median is expected."""


@dataclass(frozen=True, kw_only=True)
class RunEvent:
    """A run as it was at one moment."""

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
    """How many due runs of its queue are before it now; None where it does not wait."""
    remaining: timedelta | None
    """How long it will still take, judged by runs of similar size; None where none has completed or it has ended."""
    error_reason: str | None = None
    error_detail: str | None = None
    """Why it failed; in the last event of a run that did."""


class Events:
    """The events that the database writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def after(self, dataset_id: UUID, sequence: int) -> tuple[Sequence[RunEvent], bool]:
        """The events of a dataset's run behind one of them, and whether the run has ended.

        What lies before the run is told with the last of them; with those that are past it would be wrong.

        Raises:
            NotFound: no dataset has this id.
        """
        async with self._database.transaction() as connection:
            run = await _run(connection, dataset_id)
            rows = select(run_events).where(run_events.c.run_id == run.id, run_events.c.id > sequence)
            found = (await connection.execute(rows.order_by(run_events.c.id).limit(MOST_AT_ONCE))).all()
            if found and found[-1].state != run.state:
                run = await _run(connection, dataset_id)  # it went on between the two questions
            outlook = await _outlook(connection, run) if found else _Outlook()
        events = [_event(row, _Outlook()) for row in found]
        if events and found[-1].state == run.state:
            events[-1] = _latest(found[-1], run, outlook)
        return events, (found[-1] if found else run).state in ENDED_STATES

    async def last_of(self, dataset_ids: Collection[UUID]) -> dict[UUID, int]:
        """The sequence of the last event of each dataset's run; those that are gone are absent."""
        last = select(func.max(run_events.c.id)).where(run_events.c.run_id == runs.c.id).scalar_subquery()
        statement = select(runs.c.dataset_id, last).where(runs.c.dataset_id.in_(dataset_ids))
        async with self._database.transaction() as connection:
            return {row[0]: row[1] for row in await connection.execute(statement)}

    async def latest(self, dataset_id: UUID) -> RunEvent:
        """The last event of a dataset's run, with its outlook as it is now.

        Raises:
            NotFound: no dataset has this id.
        """
        async with self._database.transaction() as connection:
            run = await _run(connection, dataset_id)
            rows = select(run_events).where(run_events.c.run_id == run.id).order_by(run_events.c.id.desc()).limit(1)
            row = (await connection.execute(rows)).one()
            return _latest(row, run, await _outlook(connection, run))


@dataclass(frozen=True)
class _Outlook:
    """What lies before a run."""

    queue_position: int | None = None
    remaining: timedelta | None = None


async def _run(connection: AsyncConnection, dataset_id: UUID) -> Row[Any]:
    columns = (*runs.c, func.now().label("now"), (datasets.c.rows * datasets.c.columns).label("cells"))
    joined = select(*columns).join(datasets, runs.c.dataset_id == datasets.c.id)
    run = (await connection.execute(joined.where(runs.c.dataset_id == dataset_id))).one_or_none()
    if run is None:
        raise unknown_dataset(str(dataset_id))
    return run


async def _outlook(connection: AsyncConnection, run: Row[Any]) -> _Outlook:
    if run.state in ENDED_STATES:
        return _Outlook()
    position = None
    if run.state == "queued":
        position = await connection.scalar(
            select(func.count()).where(
                runs.c.queue == run.queue, runs.c.state == "queued", runs.c.turn_at < run.turn_at
            )
        )
    expected, typical = await _expected(connection, run)
    if expected is None:
        return _Outlook(position)
    if run.state == "queued":
        working = select(func.count()).where(runs.c.queue == run.queue, runs.c.state == "running")
        at_once = await connection.scalar(working) or 0
        # Those that are being prepared have to end first, and then those that are before it.
        ahead = typical * (((position or 0) + 1) / at_once) if at_once else typical * (position or 0)
        return _Outlook(position, max(timedelta(), run.due_at - run.now) + ahead + expected)
    # Attempts that came to nothing don't count.
    begun = select(func.max(run_events.c.created_at)).where(
        run_events.c.run_id == run.id, run_events.c.stage == "loading"
    )
    elapsed = run.now - (await connection.scalar(begun) or run.started_at)
    # One that takes longer than expected is judged by its own pace.
    ahead = expected - elapsed if expected > elapsed else elapsed * (100 - run.progress) / max(run.progress, 10)
    return _Outlook(None, ahead)


async def _expected(connection: AsyncConnection, run: Row[Any]) -> tuple[timedelta | None, timedelta]:
    """How long a run of this size takes, and one of any size, by the medians of those that completed lately."""
    taken = (runs.c.finished_at - runs.c.started_at).label("taken")
    recent = (
        select(taken, (datasets.c.rows * datasets.c.columns).label("cells"))
        .join(datasets, runs.c.dataset_id == datasets.c.id)
        .where(runs.c.queue == run.queue, runs.c.state == "completed", runs.c.finished_at.is_not(None))
        .order_by(runs.c.finished_at.desc())
        .limit(RECENT_RUNS)
        .cte("recent")
    )
    apart = func.abs(func.ln(cast(recent.c.cells + 1, Float)) - func.ln(cast(run.cells + 1, Float)))
    similar = select(recent.c.taken).order_by(apart).limit(SIMILAR_RUNS).subquery()

    def median(column: Any) -> Any:
        return select(func.percentile_cont(0.5).within_group(column)).scalar_subquery()

    row = (await connection.execute(select(median(similar.c.taken), median(recent.c.taken)))).one()
    return row[0], row[1] or timedelta()


def _latest(row: Row[Any], run: Row[Any], outlook: _Outlook) -> RunEvent:
    """The last event of a run, with what is known of the run besides."""
    event = _event(row, outlook)
    if event.state != "failed":
        return event
    return replace(event, error_reason=run.error_reason, error_detail=run.error_detail)


def _event(row: Row[Any], outlook: _Outlook) -> RunEvent:
    waits = row.state == "queued"
    return RunEvent(
        sequence=row.id,
        state=row.state,
        stage=row.stage,
        attempt=row.attempt,
        progress=row.progress,
        created_at=row.created_at,
        queue_position=outlook.queue_position if waits else None,
        remaining=None if row.state in ENDED_STATES else outlook.remaining,
    )
