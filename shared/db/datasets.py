"""The dataset aggregate: what was uploaded, together with the run that prepares it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, bindparam, delete, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from shared.contracts.artifacts import DatasetKeys
from shared.contracts.run_options import RunOptions
from shared.contracts.vocabulary import ENDED_STATES, Mode, RunState
from shared.db.dataset_ids import unknown_dataset
from shared.db.members import is_visible, join_as_uploader
from shared.db.paging import Page, PageSize, decode_token, encode_token, parse_timestamp
from shared.db.runs import RunRecord, run_columns, run_record
from shared.db.session import Database, lock_user
from shared.db.tables import datasets, runs, versions, webhooks
from shared.db.usage import Usage, refund
from shared.errors import Unavailable
from shared.identity.caller import Caller
from shared.tracing import current_traceparent

_DATASET_COLUMNS = list(datasets.c)
_SELECT_DATASETS = select(*_DATASET_COLUMNS, *run_columns("run_")).join(runs, runs.c.dataset_id == datasets.c.id)
"""Built once, as it takes longer than to carry it out."""
_SELECT_DATASET = _SELECT_DATASETS.where(datasets.c.id == bindparam("id"))
PAGE_SIZE = PageSize(default=50, most=500)

TURN = timedelta(minutes=1)
"""Added to the `turn_at` of a new run for each unfinished run that its owner has in the queue."""
STEP = timedelta(milliseconds=1)
"""The shortest time between two turns of an owner: Redis keeps no shorter one, and orders equal ones at random."""


@dataclass(frozen=True, kw_only=True)
class NewDataset:
    """A dataset about to be accepted."""

    id: UUID
    request_id: str | None
    user_id: str
    collaboration_id: str | None
    filename: str
    database_name: str
    source_url: str | None
    mode: Mode
    rows: int
    columns: int
    size_bytes: int
    sha256: str
    raw_key: str
    table_key: str
    parse_plan: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """The run that will prepare a dataset about to be accepted."""

    id: UUID
    queue: str
    options: RunOptions
    webhook_url: str | None = None
    """Address of the webhook that is sent when the run has ended; None for no webhook."""


@dataclass(frozen=True, kw_only=True)
class DatasetRecord(NewDataset):
    """An accepted dataset and its run."""

    created_at: datetime
    run: RunRecord


class Datasets:
    """Datasets in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self) -> None:
        """Return if PostgreSQL answers.

        Raises:
            Unavailable: PostgreSQL does not answer.
        """
        await self._database.ping()

    async def accept(
        self, dataset: NewDataset, run: NewRun, usage: Usage | None = None, *, uploader: Caller
    ) -> DatasetRecord:
        """Store a dataset and its queued run, and charge its owner for the mode, in one transaction.

        A repeated request (same owner and request_id) stores nothing, is not charged, and returns the dataset that was
        accepted first.

        Raises:
            QuotaExceeded: the owner has used up the mode; nothing is stored.
            PermissionDenied: the uploader is no editor of the collaboration; nothing is stored.
            Unavailable: the dataset that was accepted first is being removed.
        """
        async with self._database.transaction() as connection:
            await lock_user(connection, dataset.user_id)
            statement = (
                upsert(datasets)
                .values(**vars(dataset))
                .on_conflict_do_nothing(index_elements=["user_id", "request_id"])
                .returning(datasets.c.id)
            )
            accepted = await connection.scalar(statement)
            if accepted is not None:
                if dataset.collaboration_id is not None:
                    await join_as_uploader(connection, uploader, dataset.collaboration_id, owner_id=dataset.user_id)
                if usage is not None:
                    await usage.reserve(connection, dataset.user_id)
                period = await usage.charge(connection, dataset.user_id, dataset.mode) if usage is not None else None
                await connection.execute(
                    insert(runs).values(
                        id=run.id,
                        dataset_id=dataset.id,
                        queue=run.queue,
                        mode=dataset.mode,
                        options=run.options.to_json(),
                        charged=period is not None,
                        charged_in=period,
                        turn_at=_turn_at(dataset.user_id, run.queue),
                        traceparent=current_traceparent(),
                    )
                )
                if run.webhook_url is not None:
                    await connection.execute(insert(webhooks).values(run_id=run.id, url=run.webhook_url))
                condition = datasets.c.id == dataset.id
            else:
                condition = (datasets.c.user_id == dataset.user_id) & (datasets.c.request_id == dataset.request_id)
            row = (await connection.execute(_SELECT_DATASETS.where(condition))).one_or_none()
        if row is None:
            raise Unavailable("The dataset first accepted under this key is being removed.", reason="BEING_REMOVED")
        return _dataset_record(row)

    async def requeue(self, dataset: DatasetRecord, usage: Usage) -> bool:
        """Queue a failed or cancelled run again and charge for it; False in other states.

        Raises:
            QuotaExceeded: the owner has used up the mode; nothing is changed.
        """
        return await self._queue_again(dataset, usage, ("failed", "cancelled"), dataset.run.options, dataset.run.queue)

    async def prepare_again(self, dataset: DatasetRecord, usage: Usage, *, options: RunOptions, queue: str) -> bool:
        """Queue an ended run again with other options and charge for it; False if it has not ended.

        What the run has published stays until it publishes again.

        Raises:
            QuotaExceeded: the owner has used up the mode; nothing is changed.
        """
        return await self._queue_again(dataset, usage, ENDED_STATES, options, queue)

    async def apply(self, dataset_id: UUID) -> bool:
        """Complete the preparation of a dataset that is proposed; False if none is."""
        statement = (
            update(runs)
            .where(runs.c.dataset_id == dataset_id, runs.c.state == "proposed")
            .values(
                state="completed",
                stage="completed",
                options=runs.c.options.concat({"review": False}),
                updated_at=func.now(),
            )
        )
        async with self._database.transaction() as connection:
            return (await connection.execute(statement)).rowcount == 1

    async def _queue_again(
        self, dataset: DatasetRecord, usage: Usage, states: tuple[RunState, ...], options: RunOptions, queue: str
    ) -> bool:
        statement = (
            update(runs)
            .where(runs.c.id == dataset.run.id, runs.c.state.in_(states))
            .values(
                state="queued",
                stage="queued",
                progress=0,
                attempt=0,
                crashes=0,
                queue=queue,
                mode=options.mode,
                options=options.to_json(),
                charged=False,
                charged_in=None,
                due_at=func.now(),
                turn_at=_turn_at(dataset.user_id, queue),
                traceparent=current_traceparent(),
                updated_at=func.now(),
                started_at=None,
                finished_at=None,
                error_reason=None,
                error_detail=None,
            )
        )
        async with self._database.transaction() as connection:
            if (await connection.execute(statement)).rowcount != 1:
                return False
            await connection.execute(update(datasets).where(datasets.c.id == dataset.id).values(mode=options.mode))
            period = await usage.charge(connection, dataset.user_id, options.mode)
            if period is not None:
                charged = update(runs).where(runs.c.id == dataset.run.id).values(charged=True, charged_in=period)
                await connection.execute(charged)
        return True

    async def delete(self, dataset_id: UUID) -> None:
        """Remove a dataset, its run and the results of the run, and refund the charge of an unfinished run.

        Raises:
            NotFound: no dataset has this id.
        """
        async with self._database.transaction() as connection:
            # The run is locked in any state, because a retry may be charging for it at this moment.
            matches = await connection.execute(
                select(runs.c.id, runs.c.state).where(runs.c.dataset_id == dataset_id).with_for_update()
            )
            for run_id, state in matches.all():
                if state in ("queued", "running"):
                    await refund(connection, run_id)
            if (await connection.execute(delete(datasets).where(datasets.c.id == dataset_id))).rowcount != 1:
                raise unknown_dataset(str(dataset_id))

    async def purge_failed(self, *, kept: timedelta, limit: int) -> Sequence[UUID]:
        """Remove up to `limit` datasets whose run failed longer than `kept` ago without a result; return their ids."""
        expired = select(runs.c.dataset_id).where(
            runs.c.state == "failed", runs.c.artifacts.is_(None), runs.c.finished_at < func.now() - kept
        )
        # A retry that is under way holds a lock on the run; such a dataset is skipped and stays.
        expired = expired.limit(limit).with_for_update(skip_locked=True)
        statement = delete(datasets).where(datasets.c.id.in_(expired)).returning(datasets.c.id)
        async with self._database.transaction() as connection:
            return list((await connection.execute(statement)).scalars())

    async def purge_old(self, *, kept: timedelta, limit: int) -> Sequence[UUID]:
        """Remove up to `limit` datasets that were accepted longer than `kept` ago and are not being prepared.

        Returns:
            Their ids; their objects are still there.
        """
        condition = (datasets.c.created_at < func.now() - kept) & runs.c.state.in_(ENDED_STATES)
        expired = select(runs.c.dataset_id).join(datasets, runs.c.dataset_id == datasets.c.id).where(condition)
        expired = expired.limit(limit).with_for_update(of=runs, skip_locked=True)
        statement = delete(datasets).where(datasets.c.id.in_(expired)).returning(datasets.c.id)
        async with self._database.transaction() as connection:
            return list((await connection.execute(statement)).scalars())

    async def ids_of(self, user_id: str, *, limit: int) -> Sequence[UUID]:
        """Return the ids of up to `limit` datasets of a user."""
        statement = select(datasets.c.id).where(datasets.c.user_id == user_id).limit(limit)
        async with self._database.reading() as connection:
            return list((await connection.execute(statement)).scalars())

    async def list_object_prefixes(self, dataset_ids: Collection[UUID]) -> dict[UUID, set[str]]:
        """Return the object prefixes that each dataset's run uses for its results.

        Args:
            dataset_ids: the datasets to look up.

        Returns:
            The prefixes of published results and of the attempt under way, by dataset; datasets that do not exist are
            absent.
        """
        statement = select(datasets.c.id, runs.c.id.label("run_id"), runs.c.lease_token, runs.c.artifacts)
        statement = statement.join(runs, runs.c.dataset_id == datasets.c.id).where(datasets.c.id.in_(dataset_ids))
        published = select(versions.c.dataset_id, versions.c.artifacts).where(versions.c.dataset_id.in_(dataset_ids))
        async with self._database.transaction() as connection:
            prefixes = {row.id: set(_object_prefixes(row)) for row in await connection.execute(statement)}
            for dataset_id, artifacts in await connection.execute(published):
                prefixes.setdefault(dataset_id, set()).add(artifacts)
        return prefixes

    async def find_repeat(self, *, user_id: str, request_id: str | None) -> DatasetRecord | None:
        """Return the dataset that this owner had accepted under this request_id before; None if there is none."""
        if request_id is None:
            return None
        async with self._database.reading() as connection:
            condition = (datasets.c.user_id == user_id) & (datasets.c.request_id == request_id)
            row = (await connection.execute(_SELECT_DATASETS.where(condition))).one_or_none()
        return _dataset_record(row) if row else None

    async def webhook_url(self, run_id: UUID) -> str | None:
        """Return the address of the webhook of a run; None if it has none."""
        async with self._database.reading() as connection:
            url: str | None = await connection.scalar(select(webhooks.c.url).where(webhooks.c.run_id == run_id))
        return url

    async def get(self, dataset_id: UUID) -> DatasetRecord:
        """Return a dataset.

        Raises:
            NotFound: no dataset has this id.
        """
        async with self._database.reading() as connection:
            row = (await connection.execute(_SELECT_DATASET, {"id": dataset_id})).one_or_none()
        if row is None:
            raise unknown_dataset(str(dataset_id))
        return _dataset_record(row)

    async def list(
        self,
        *,
        user_id: str | None = None,
        collaboration_id: str | None = None,
        state: RunState | None = None,
        visible_to: Caller | None = None,
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[DatasetRecord]:
        """Return a page of the datasets that match all given filters, newest first."""
        size = PAGE_SIZE.of(page_size)
        statement = _SELECT_DATASETS.order_by(datasets.c.created_at.desc(), datasets.c.id.desc()).limit(size + 1)
        if user_id:
            statement = statement.where(datasets.c.user_id == user_id)
        if collaboration_id:
            statement = statement.where(datasets.c.collaboration_id == collaboration_id)
        if state:
            statement = statement.where(runs.c.state == state)
        if visible_to is not None and not visible_to.is_unrestricted:
            statement = statement.where(is_visible(visible_to))
        if position := decode_token(page_token, parts=(parse_timestamp, UUID)):
            statement = statement.where(tuple_(datasets.c.created_at, datasets.c.id) < position)
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        records = [_dataset_record(row) for row in rows[:size]]
        last = records[-1] if len(rows) > size else None
        return Page(rows=records, next_token=encode_token([last.created_at.isoformat(), str(last.id)]) if last else "")


def _object_prefixes(row: Any) -> Iterator[str]:
    if row.artifacts is not None:
        yield row.artifacts
    if row.lease_token is not None:
        yield DatasetKeys(row.id).attempt(row.run_id, row.lease_token)


def _turn_at(user_id: str, queue: str) -> ColumnElement[datetime]:
    """Return the `turn_at` of a new run: the later, the more unfinished runs its owner has in the queue.

    Users share the workers fairly that way: one upload does not wait behind five hundred of another user, and each
    run is started at some time. Those of one user keep their order: none comes before one that waits already.
    """
    unfinished = (datasets.c.user_id == user_id) & (runs.c.queue == queue) & runs.c.state.in_(["queued", "running"])
    joined = runs.join(datasets, runs.c.dataset_id == datasets.c.id)
    last = func.max(runs.c.turn_at).filter(runs.c.state == "queued") + STEP
    turn = func.greatest(func.now() + func.count() * TURN, last)
    return select(turn).select_from(joined).where(unfinished).correlate(None).scalar_subquery()


def _dataset_record(row: Row[Any]) -> DatasetRecord:
    values = row._mapping
    return DatasetRecord(
        **{column.name: values[column.name] for column in _DATASET_COLUMNS}, run=run_record(row, "run_")
    )
