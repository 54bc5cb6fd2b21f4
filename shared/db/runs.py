"""The run aggregate: lease, progress and result. All times come from the clock of PostgreSQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import (
    Case,
    ColumnElement,
    Label,
    Row,
    Select,
    Table,
    and_,
    case,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

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
from shared.db.versions import add_version, keep_logs
from shared.errors import NotFound
from shared.failpoints import failpoint

MAX_ATTEMPTS = 4
"""The first attempt and three retries."""

MAX_CRASHES = 2
"""A run whose workers died this often is failed, as the run itself must be the cause."""

BACKOFF = (timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5))
"""Pause before the second, third and fourth attempt."""

_LOG_TABLES: dict[Phase, Table] = {"cleaning": cleaning_logs, "outliers": outlier_logs, "features": feature_logs}


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A row of `runs`."""

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
    traceparent: str | None
    """The trace context of the request that queued it."""
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class DueRun(NamedTuple):
    """A run that a worker could claim now."""

    id: UUID
    queue: str
    turn_at: datetime


RECENT = timedelta(hours=1)
"""How long ended runs count in the load of their queue."""


@dataclass(frozen=True)
class QueueLoad:
    """The number of runs in a queue, and the longest wait among them."""

    ready: int = 0
    deferred: int = 0
    running: int = 0
    oldest_wait: timedelta = timedelta()
    completed: int = 0
    """Those that completed within the last hour."""
    failed: int = 0
    """Those that failed within the last hour."""


class Runs:
    """Runs in PostgreSQL. A method that takes a lease token changes nothing once the lease is lost."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, run_id: UUID) -> RunRecord:
        """Return a run.

        Raises:
            NotFound: no run has this id.
        """
        async with self._database.reading() as connection:
            row = (await connection.execute(select(*run_columns()).where(runs.c.id == run_id))).one_or_none()
        if row is None:
            raise NotFound(f"There is no run {run_id}.", reason="RUN_NOT_FOUND", metadata={"run_id": str(run_id)})
        return run_record(row)

    async def claim(self, run_id: UUID, *, lease: timedelta, token: UUID | None = None) -> RunRecord | None:
        """Take the lease of a run that is due or whose lease expired; None if it can't be claimed.

        Args:
            run_id: the run.
            lease: how long the lease lasts.
            token: the token of the lease; random by default. A caller that chooses it can hand the run back even if
                the response is lost.
        """
        statement = (
            update(runs)
            .where(runs.c.id.in_(_unlocked(runs.c.id == run_id, or_(_is_due(), and_(_is_expired(), ~_is_exhausted())))))
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
        """Return True if the run still has this lease; a cancelled or removed run has none."""
        async with self._database.reading() as connection:
            return await connection.scalar(select(runs.c.id).where(_has_lease(run_id, token))) is not None

    async def cancel(self, run_id: UUID) -> bool:
        """Cancel a run that has not ended and refund its charge; False if it has ended."""
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
        """Extend the lease; False when it is lost."""
        return await self._update_leased(run_id, token, lease_until=func.now() + lease)

    async def progress(self, run_id: UUID, token: UUID, *, stage: Stage, progress: int) -> bool:
        """Store stage and progress (in percent); False when the lease is lost."""
        return await self._update_leased(run_id, token, stage=stage, progress=progress)

    async def hand_back(self, run_id: UUID, token: UUID) -> bool:
        """Queue an unfinished run again at once, without counting the attempt; False when the lease is lost."""
        return await self._update_leased(
            run_id, token, **_queued_values(), attempt=runs.c.attempt - 1, due_at=func.now()
        )

    async def retry(self, run_id: UUID, token: UUID, *, reason: str, detail: str, attempt: int) -> bool:
        """Queue the run again after the backoff of this attempt, with its error; False when the lease is lost."""
        pause = BACKOFF[min(attempt, len(BACKOFF)) - 1]
        due = func.now() + pause
        return await self._update_leased(
            run_id, token, **_queued_values(), due_at=due, error_reason=reason, error_detail=detail
        )

    async def fail(self, run_id: UUID, token: UUID, *, reason: str, detail: str) -> bool:
        """End the run with an error and refund its charge; False when the lease is lost."""
        failed = update(runs).where(_has_lease(run_id, token)).values(**_failed_values(reason, detail))
        async with self._database.transaction() as connection:
            if (await connection.execute(failed)).rowcount != 1:
                return False
            await refund(connection, run_id)
        return True

    async def publish(self, run_id: UUID, token: UUID, result: RunResult, *, artifacts: str) -> bool:
        """End the run with its result in one transaction; False, without any change, when the lease is lost.

        Args:
            run_id: the run.
            token: the token of its lease.
            result: the result to store.
            artifacts: the folder of its files in the object store.
        """
        completed = (
            update(runs)
            .where(_has_lease(run_id, token))
            .values(
                state=_published_state(),
                stage=_published_state(),
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
            await keep_logs(connection, run_id)
            for table, rows in tables:
                if rows:
                    await connection.execute(insert(table), [{**row, "run_id": run_id} for row in rows])
            await add_version(connection, run_id)
            if not result.ai_used:
                await refund(connection, run_id)
            await failpoint("committing")
        return True

    async def due(self, *, limit: int, after: DueRun | None = None) -> Sequence[DueRun]:
        """Return up to `limit` runs that a worker could claim now, in order of turn, those behind `after`."""
        statement = select(runs.c.id, runs.c.queue, runs.c.turn_at).where(or_(_is_due(), _is_expired()))
        if after is not None:
            statement = statement.where(tuple_(runs.c.turn_at, runs.c.id) > (after.turn_at, after.id))
        async with self._database.reading() as connection:
            rows = await connection.execute(statement.order_by(runs.c.turn_at, runs.c.id).limit(limit))
            return [DueRun(*row) for row in rows]

    async def fail_exhausted(self) -> Sequence[UUID]:
        """Fail the runs whose lease expired in their last attempt, or too often; return their ids."""
        hint = "; the data may need more memory than they have."
        detail = case(
            (runs.c.crashes >= MAX_CRASHES - 1, f"The workers preparing this dataset died {MAX_CRASHES} times{hint}"),
            else_=f"The worker preparing this dataset died in the last of {MAX_ATTEMPTS} attempts{hint}",
        )
        statement = (
            update(runs)
            .where(runs.c.id.in_(_unlocked(_is_expired(), _is_exhausted())))
            .values(**_failed_values("WORKER_LOST", detail))
            .returning(runs.c.id)
        )
        async with self._database.transaction() as connection:
            failed = [row.id for row in await connection.execute(statement)]
            for run_id in failed:
                await refund(connection, run_id)
        return failed

    async def load(self) -> dict[str, QueueLoad]:
        """Return the load of each queue; queues without unfinished or recent runs are absent."""
        now = func.now()
        # With the state, as the index of ended runs has it.
        is_recent = and_(runs.c.state.in_(["completed", "proposed", "failed"]), runs.c.finished_at > now - RECENT)
        ready = and_(runs.c.state == "queued", runs.c.due_at <= now)
        statement = (
            select(
                runs.c.queue,
                func.count().filter(ready).label("ready"),
                func.count().filter(runs.c.state == "queued", runs.c.due_at > now).label("deferred"),
                func.count().filter(runs.c.state == "running").label("running"),
                func.coalesce(now - func.min(runs.c.due_at).filter(ready), timedelta()).label("oldest_wait"),
                func.count().filter(runs.c.state.in_(["completed", "proposed"]), is_recent).label("completed"),
                func.count().filter(runs.c.state == "failed", is_recent).label("failed"),
            )
            .where(or_(runs.c.state.in_(["queued", "running"]), is_recent))
            .group_by(runs.c.queue)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        return {row.queue: QueueLoad(*row[1:]) for row in rows}

    async def _update_leased(self, run_id: UUID, token: UUID, **values: Any) -> bool:
        statement = update(runs).where(_has_lease(run_id, token)).values(**{"updated_at": func.now(), **values})
        async with self._database.transaction() as connection:
            return (await connection.execute(statement)).rowcount == 1


def _log_rows(table: Table, steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the fields of each step that the log table has columns for."""
    names = [column.name for column in table.columns if column.name not in ("id", "run_id", "version", "created_at")]
    return [{name: step[name] for name in names} for step in steps]


def run_columns(prefix: str = "") -> list[Label[Any]]:
    """Return the columns of a RunRecord, each labelled with a prefix for joins."""
    return [runs.c[name].label(prefix + name) for name in RunRecord.__dataclass_fields__]


def run_record(row: Row[Any], prefix: str = "") -> RunRecord:
    """Return the record in a row that was selected with `run_columns(prefix)`."""
    mapping = row._mapping
    values = {name: mapping[prefix + name] for name in RunRecord.__dataclass_fields__}
    return RunRecord(**{**values, "options": RunOptions.model_validate(values["options"])})


def _unlocked(*conditions: ColumnElement[bool]) -> Select[tuple[UUID]]:
    """Select and lock the matching runs that no other transaction has locked.

    Waiting for a lock would shorten the lease, which counts from the start of its transaction.
    """
    return select(runs.c.id).where(*conditions).with_for_update(skip_locked=True)


def _has_lease(run_id: UUID, token: UUID) -> ColumnElement[bool]:
    return and_(runs.c.id == run_id, runs.c.state == "running", runs.c.lease_token == token)


def _is_due() -> ColumnElement[bool]:
    return and_(runs.c.state == "queued", runs.c.due_at <= func.now())


def _is_expired() -> ColumnElement[bool]:
    return and_(runs.c.state == "running", runs.c.lease_until < func.now())


def _is_exhausted() -> ColumnElement[bool]:
    """Return the condition for a run that gets no further attempt after its lease expired."""
    return or_(runs.c.attempt >= MAX_ATTEMPTS, runs.c.crashes >= MAX_CRASHES - 1)


def _published_state() -> Case[str]:
    """Return the state of a run that has published: a proposal if a review was asked for."""
    return case((runs.c.options["review"].as_boolean(), "proposed"), else_="completed")


def _queued_values() -> dict[str, Any]:
    return {"state": "queued", "stage": "queued", "progress": 0, "lease_token": None, "lease_until": None}


def _failed_values(reason: str, detail: str | ColumnElement[str]) -> dict[str, Any]:
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
