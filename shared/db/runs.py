"""The run aggregate: who may work on it, how far it is, and how it ended. PostgreSQL's clock decides all times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Label, Row, Select, Table, and_, case, func, insert, or_, select, tuple_, update

from shared.contracts.run_options import RunOptions
from shared.contracts.run_result import RunResult
from shared.contracts.vocabulary import Mode, Phase, RunState, Stage
from shared.db.session import Database
from shared.db.tables import (
    cleaning_logs,
    cleaning_reports,
    feature_logs,
    graph_metadata,
    outlier_logs,
    runs,
)
from shared.db.usage import refund
from shared.errors import NotFound
from shared.failpoints import failpoint

MAX_ATTEMPTS = 4
"""One first attempt and three repeats."""

MAX_CRASHES = 2
"""So many workers that died over a run are no coincidence."""

BACKOFF = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5))
"""Pause before the second, third and fourth attempt."""


_LOG_TABLES: dict[Phase, Table] = {"cleaning": cleaning_logs, "outliers": outlier_logs, "features": feature_logs}


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run as it stands."""

    id: UUID
    dataset_id: UUID
    queue: str
    mode: Mode
    options: RunOptions
    state: RunState
    attempt: int
    crashes: int
    due_at: datetime
    turn_at: datetime
    lease_token: UUID | None
    stage: Stage
    progress: int
    """In percent."""
    error_reason: str | None
    error_detail: str | None
    artifacts: str | None
    summary: dict[str, Any] | None
    features: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class DueRun(NamedTuple):
    """A run that wants to be delivered."""

    id: UUID
    queue: str
    turn_at: datetime


@dataclass(frozen=True)
class QueueLoad:
    """The work in one queue."""

    ready: int
    deferred: int
    running: int
    oldest_wait: timedelta


class Runs:
    """Runs in PostgreSQL. A method that takes a lease token changes nothing once the lease is somebody else's."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, run_id: UUID) -> RunRecord:
        """One run.

        Raises:
            NotFound: no run has this id.
        """
        async with self._database.transaction() as connection:
            row = (await connection.execute(select(*run_columns()).where(runs.c.id == run_id))).one_or_none()
        if row is None:
            raise NotFound(f"There is no run {run_id}.", reason="RUN_NOT_FOUND", metadata={"run_id": str(run_id)})
        return run_record(row)

    async def claim(self, run_id: UUID, *, lease: timedelta, token: UUID | None = None) -> RunRecord | None:
        """Take the lease of a run that is due or whose worker fell silent; None where it is not to be had.

        Whoever chooses the `token` can hand the run back even where the answer is lost.
        """
        statement = (
            update(runs)
            .where(runs.c.id.in_(_unlocked(runs.c.id == run_id, or_(_is_due(), and_(_is_silent(), ~_is_exhausted())))))
            .values(
                state="running",
                attempt=runs.c.attempt + 1,
                crashes=runs.c.crashes + case((runs.c.state == "running", 1), else_=0),
                lease_token=token or uuid4(),
                lease_until=func.now() + lease,
                started_at=func.coalesce(runs.c.started_at, func.now()),
                updated_at=func.now(),
                stage="loading",
                progress=0,
            )
            .returning(*run_columns())
        )
        async with self._database.transaction() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return run_record(row) if row else None

    async def holds(self, run_id: UUID, token: UUID) -> bool:
        """Whether the lease is still this one; not once the run is called off or its dataset removed."""
        async with self._database.transaction() as connection:
            return await connection.scalar(select(runs.c.id).where(_lease(run_id, token))) is not None

    async def cancel(self, run_id: UUID) -> bool:
        """Call off a run that has not ended, and give back what it was charged; False where it has."""
        unfinished = runs.c.state.in_(["queued", "running"])
        ended = {"finished_at": func.now(), "updated_at": func.now(), "lease_token": None, "lease_until": None}
        statement = (
            update(runs).where(runs.c.id == run_id, unfinished).values(state="cancelled", stage="cancelled", **ended)
        )
        async with self._database.transaction() as connection:
            if (await connection.execute(statement)).rowcount != 1:
                return False
            await refund(connection, run_id)
        return True

    async def extend(self, run_id: UUID, token: UUID, *, lease: timedelta) -> bool:
        """Give a sign of life; False when the lease is lost."""
        return await self._held(run_id, token, lease_until=func.now() + lease)

    async def progress(self, run_id: UUID, token: UUID, *, stage: Stage, progress: int) -> bool:
        """Tell how far the run has come; False when the lease is lost."""
        return await self._held(run_id, token, stage=stage, progress=progress)

    async def hand_back(self, run_id: UUID, token: UUID) -> bool:
        """Return an unfinished run at once, without burning an attempt."""
        return await self._held(run_id, token, **_released(), attempt=runs.c.attempt - 1, due_at=func.now())

    async def retry(self, run_id: UUID, token: UUID, *, reason: str, detail: str, attempt: int) -> bool:
        """Queue the run again after the backoff of this attempt, remembering why."""
        pause = BACKOFF[min(attempt, len(BACKOFF)) - 1]
        due = func.now() + pause
        return await self._held(run_id, token, **_released(), due_at=due, error_reason=reason, error_detail=detail)

    async def fail(self, run_id: UUID, token: UUID, *, reason: str, detail: str) -> bool:
        """End the run without a result, and give back what was charged for it."""
        failed = update(runs).where(_lease(run_id, token)).values(**_failed(reason, detail))
        async with self._database.transaction() as connection:
            if (await connection.execute(failed)).rowcount != 1:
                return False
            await refund(connection, run_id)
        return True

    async def publish(self, run_id: UUID, token: UUID, result: RunResult, *, artifacts: str) -> bool:
        """End the run with its result, in one transaction; False, with nothing changed, when the lease is lost.

        `artifacts` is the folder of its files in the object store.
        """
        completed = (
            update(runs)
            .where(_lease(run_id, token))
            .values(
                state="completed",
                stage="completed",
                progress=100,
                artifacts=artifacts,
                summary=result.summary,
                features=result.features,
                finished_at=func.now(),
                updated_at=func.now(),
                lease_token=None,
                lease_until=None,
                error_reason=None,
                error_detail=None,
            )
            .returning(runs.c.id)
        )
        tables = (
            *((table, _log_rows(table, result.logs.get(phase, ()))) for phase, table in _LOG_TABLES.items()),
            (graph_metadata, result.graphs),
            (cleaning_reports, [result.report] if result.report else []),
        )
        async with self._database.transaction() as connection:
            if await connection.scalar(completed) is None:
                return False
            for table, rows in tables:
                if rows:
                    await connection.execute(insert(table), [{**row, "run_id": run_id} for row in rows])
            if not result.ai_used:
                await refund(connection, run_id)
            await failpoint("committing")
        return True

    async def due(self, *, limit: int, after: DueRun | None = None) -> Sequence[DueRun]:
        """Runs a worker could claim now, in their turn, behind one of them."""
        statement = select(runs.c.id, runs.c.queue, runs.c.turn_at).where(or_(_is_due(), _is_silent()))
        if after is not None:
            statement = statement.where(tuple_(runs.c.turn_at, runs.c.id) > (after.turn_at, after.id))
        async with self._database.transaction() as connection:
            found = await connection.execute(statement.order_by(runs.c.turn_at, runs.c.id).limit(limit))
            return [DueRun(*row) for row in found]

    async def fail_exhausted(self) -> Sequence[UUID]:
        """End the runs whose worker fell silent in their last attempt, or for the second time."""
        hint = "; the data may need more memory than they have."
        died = case(
            (runs.c.crashes >= MAX_CRASHES - 1, f"The workers preparing this dataset died {MAX_CRASHES} times{hint}"),
            else_=f"The worker preparing this dataset died in the last of {MAX_ATTEMPTS} attempts{hint}",
        )
        statement = (
            update(runs)
            .where(runs.c.id.in_(_unlocked(_is_silent(), _is_exhausted())))
            .values(**_failed("WORKER_LOST", died))
            .returning(runs.c.id)
        )
        async with self._database.transaction() as connection:
            failed = [row.id for row in await connection.execute(statement)]
            for run_id in failed:
                await refund(connection, run_id)
        return failed

    async def load(self) -> dict[str, QueueLoad]:
        """How much work each queue holds; queues without any are absent."""
        now = func.now()
        ready = and_(runs.c.state == "queued", runs.c.due_at <= now)
        statement = (
            select(
                runs.c.queue,
                func.count().filter(ready).label("ready"),
                func.count().filter(runs.c.state == "queued", runs.c.due_at > now).label("deferred"),
                func.count().filter(runs.c.state == "running").label("running"),
                func.coalesce(now - func.min(runs.c.due_at).filter(ready), timedelta()).label("oldest_wait"),
            )
            .where(runs.c.state.in_(["queued", "running"]))
            .group_by(runs.c.queue)
        )
        async with self._database.transaction() as connection:
            rows = (await connection.execute(statement)).all()
        return {row.queue: QueueLoad(row.ready, row.deferred, row.running, row.oldest_wait) for row in rows}

    async def _held(self, run_id: UUID, token: UUID, **values: Any) -> bool:
        statement = update(runs).where(_lease(run_id, token)).values(**{"updated_at": func.now(), **values})
        async with self._database.transaction() as connection:
            return (await connection.execute(statement)).rowcount == 1


def _log_rows(table: Table, steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The fields of a step that its log table has columns for."""
    names = [column.name for column in table.columns if column.name not in ("id", "run_id", "created_at")]
    return [{name: step[name] for name in names} for step in steps]


def run_columns(prefix: str = "") -> list[Label[Any]]:
    """The columns of a RunRecord, labelled with a prefix for joins."""
    return [runs.c[name].label(prefix + name) for name in RunRecord.__dataclass_fields__]


def run_record(row: Row[Any], prefix: str = "") -> RunRecord:
    """The record in a row selected with `run_columns(prefix)`."""
    values = {name: row._mapping[prefix + name] for name in RunRecord.__dataclass_fields__}
    return RunRecord(**{**values, "options": RunOptions.model_validate(values["options"])})


def _unlocked(*conditions: ColumnElement[bool]) -> Select[tuple[UUID]]:
    """The runs that nobody else is changing: a lease counts from the beginning of its transaction and can't wait."""
    return select(runs.c.id).where(*conditions).with_for_update(skip_locked=True)


def _lease(run_id: UUID, token: UUID) -> ColumnElement[bool]:
    return and_(runs.c.id == run_id, runs.c.state == "running", runs.c.lease_token == token)


def _is_due() -> ColumnElement[bool]:
    return and_(runs.c.state == "queued", runs.c.due_at <= func.now())


def _is_silent() -> ColumnElement[bool]:
    return and_(runs.c.state == "running", runs.c.lease_until < func.now())


def _is_exhausted() -> ColumnElement[bool]:
    """Whether a run that is silent may not be begun again."""
    return or_(runs.c.attempt >= MAX_ATTEMPTS, runs.c.crashes >= MAX_CRASHES - 1)


def _released() -> dict[str, Any]:
    return {"state": "queued", "stage": "queued", "progress": 0, "lease_token": None, "lease_until": None}


def _failed(reason: str, detail: str | ColumnElement[str]) -> dict[str, Any]:
    return {
        "state": "failed",
        "stage": "failed",
        "lease_token": None,
        "lease_until": None,
        "error_reason": reason,
        "error_detail": detail,
        "finished_at": func.now(),
        "updated_at": func.now(),
    }
