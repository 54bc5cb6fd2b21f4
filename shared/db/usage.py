"""The use of AI modes by each user, and its quota."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import get_args
from uuid import UUID

from sqlalchemy import and_, case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.vocabulary import AiMode
from shared.db.session import Database
from shared.db.tables import datasets, runs, user_mode_usage
from shared.errors import QuotaExceeded

AI_MODES: tuple[AiMode, ...] = get_args(AiMode)


@dataclass(frozen=True)
class Quota:
    """The uploads of each AI mode that a user has in a period; a mode that is absent has no limit."""

    limits: Mapping[str, int]
    period: timedelta | None = None
    """Length of the period; None if the count is never reset."""
    max_datasets: int | None = None
    """Datasets that a user may have at a time; None for no limit."""
    max_stored_bytes: int | None = None
    """Bytes of uploads that a user may have stored at a time; None for no limit."""


@dataclass(frozen=True)
class ModeUsage:
    """The use of one mode by a user, and its limit."""

    mode: str
    limit: int | None
    used: int
    resets_at: datetime | None

    @property
    def remaining(self) -> int | None:
        """Number of uploads that are left; None without a limit."""
        return None if self.limit is None else max(0, self.limit - self.used)


class Usage:
    """The use of AI modes, counted in PostgreSQL."""

    def __init__(self, database: Database, quota: Quota) -> None:
        self._database = database
        self._quota = quota

    async def of(self, user_id: str) -> tuple[ModeUsage, ...]:
        """Return the use of each AI mode by a user in the current period."""
        statement = select(user_mode_usage, func.now().label("now")).where(user_mode_usage.c.user_id == user_id)
        async with self._database.reading() as connection:
            rows = {row.mode: row for row in await connection.execute(statement)}
        return tuple(self._mode_usage(mode, rows.get(mode)) for mode in AI_MODES)

    def _mode_usage(self, mode: str, row: object) -> ModeUsage:
        limit, used, resets_at = self._quota.limits.get(mode), 0, None
        if row is not None:
            period_end = None if self._quota.period is None else row.period_start + self._quota.period  # type: ignore[attr-defined]
            if period_end is None or period_end > row.now:  # type: ignore[attr-defined]
                used, resets_at = row.used, period_end  # type: ignore[attr-defined]
        return ModeUsage(mode=mode, limit=limit, used=used, resets_at=resets_at if used else None)

    async def check(self, user_id: str, mode: str) -> None:
        """Check early that a user has uploads left; only `charge` decides for certain.

        Raises:
            QuotaExceeded: the user has used up the mode.
        """
        if mode in self._quota.limits:
            usage = next(mode_usage for mode_usage in await self.of(user_id) if mode_usage.mode == mode)
            if not usage.remaining:
                raise quota_exceeded(usage)

    async def charge(self, connection: AsyncConnection, user_id: str, mode: str) -> datetime | None:
        """Count one use of a mode within a transaction.

        Returns:
            The start of the period it is counted in; None for a mode without a limit.

        Raises:
            QuotaExceeded: no upload is left; this holds for concurrent requests, too.
        """
        limit = self._quota.limits.get(mode)
        if limit is None:
            return None
        columns = user_mode_usage.c
        is_erased = and_(columns.user_id == pseudonym(user_id), columns.mode == mode)
        await connection.execute(update(user_mode_usage).where(is_erased).values(user_id=user_id))
        is_over = columns.period_start + self._quota.period <= func.now() if self._quota.period is not None else None
        statement = insert(user_mode_usage).values(user_id=user_id, mode=mode, used=1)
        statement = statement.on_conflict_do_update(
            index_elements=["user_id", "mode"],
            set_={
                "used": columns.used + 1 if is_over is None else case((is_over, 1), else_=columns.used + 1),
                "period_start": columns.period_start
                if is_over is None
                else case((is_over, func.now()), else_=columns.period_start),
                "updated_at": func.now(),
            },
            where=columns.used < limit if is_over is None else (columns.used < limit) | is_over,
        )
        period_start: datetime | None = await connection.scalar(statement.returning(columns.period_start))
        if period_start is None:
            row = (
                await connection.execute(
                    select(user_mode_usage, func.now().label("now")).where(
                        columns.user_id == user_id, columns.mode == mode
                    )
                )
            ).one()
            raise quota_exceeded(self._mode_usage(mode, row))
        return period_start

    async def reserve(self, connection: AsyncConnection, user_id: str) -> None:
        """Return if the datasets of a user, with one that was just stored in this transaction, are within the limits.

        Raises:
            QuotaExceeded: they are not.
        """
        quota = self._quota
        if quota.max_datasets is None and quota.max_stored_bytes is None:
            return
        # Two uploads at the same time shall not both find room for one.
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(user_id, 0))))
        totals = select(func.count(), func.coalesce(func.sum(datasets.c.size_bytes), 0))
        number, stored = (await connection.execute(totals.where(datasets.c.user_id == user_id))).one()
        if quota.max_datasets is not None and number > quota.max_datasets:
            raise QuotaExceeded(
                f"You have {number - 1:,} datasets, and may have {quota.max_datasets:,}; delete what you do not need.",
                reason="TOO_MANY_DATASETS",
                metadata={"limit": str(quota.max_datasets)},
            )
        if quota.max_stored_bytes is not None and stored > quota.max_stored_bytes:
            raise QuotaExceeded(
                f"With this file you would have {stored:,} bytes stored, and may have {quota.max_stored_bytes:,}; "
                "delete what you do not need.",
                reason="TOO_MANY_BYTES",
                metadata={"limit": str(quota.max_stored_bytes)},
            )


def pseudonym(user_id: str) -> str:
    """Return what the use of a user who was erased is kept under: nobody gets a new quota by being erased."""
    return f"erased:{hashlib.sha256(user_id.encode()).hexdigest()}"


async def refund(connection: AsyncConnection, run_id: UUID) -> None:
    """Refund the charge of a run, at most once, within a transaction; not if a new period has begun since."""
    statement = (
        update(runs)
        .where(runs.c.id == run_id, runs.c.charged, datasets.c.id == runs.c.dataset_id)
        .values(charged=False)
        .returning(datasets.c.user_id, runs.c.mode, runs.c.charged_in)
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is not None:
        columns = user_mode_usage.c
        decrement = update(user_mode_usage).where(and_(columns.user_id == row.user_id, columns.mode == row.mode))
        if row.charged_in is not None:
            decrement = decrement.where(columns.period_start == row.charged_in)
        await connection.execute(decrement.values(used=func.greatest(columns.used - 1, 0), updated_at=func.now()))


def quota_exceeded(usage: ModeUsage) -> QuotaExceeded:
    """Return the error for a mode whose quota is used up."""
    reset = "" if usage.resets_at is None else f" The count starts anew on {usage.resets_at:%Y-%m-%d %H:%M} UTC."
    return QuotaExceeded(
        f"The quota of {usage.mode} mode is used up: {usage.used} of {usage.limit} uploads."
        f"{reset} The mode fast works without limit, and GET /usage tells what is left.",
        reason="MODE_QUOTA_USED_UP",
        metadata={"mode": usage.mode, "limit": str(usage.limit), "used": str(usage.used)},
    )
