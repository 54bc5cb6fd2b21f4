"""How often a user has used the modes that ask a language model, and how often they may."""

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
    """How many uploads of each AI mode a user has in a period; a mode that is not named has no limit."""

    limits: Mapping[str, int]
    period: timedelta | None = None
    """None for a count that never starts anew."""


@dataclass(frozen=True)
class ModeUsage:
    """What a user has used of one mode."""

    mode: str
    limit: int | None
    used: int
    resets_at: datetime | None

    @property
    def remaining(self) -> int | None:
        """How many uploads are left; None without a limit."""
        return None if self.limit is None else max(0, self.limit - self.used)


class Usage:
    """The counts in PostgreSQL."""

    def __init__(self, database: Database, quota: Quota) -> None:
        self._database = database
        self._quota = quota

    async def of(self, user_id: str) -> tuple[ModeUsage, ...]:
        """What a user has used of each AI mode in the period that runs."""
        statement = select(user_mode_usage, func.now().label("now")).where(user_mode_usage.c.user_id == user_id)
        async with self._database.transaction() as connection:
            rows = {row.mode: row for row in await connection.execute(statement)}
        return tuple(self._told(mode, rows.get(mode)) for mode in AI_MODES)

    def _told(self, mode: str, row: object) -> ModeUsage:
        limit, used, resets_at = self._quota.limits.get(mode), 0, None
        if row is not None:
            ends = None if self._quota.period is None else row.period_start + self._quota.period  # type: ignore[attr-defined]
            if ends is None or ends > row.now:  # type: ignore[attr-defined]
                used, resets_at = row.used, ends  # type: ignore[attr-defined]
        return ModeUsage(mode=mode, limit=limit, used=used, resets_at=resets_at if used else None)

    async def check(self, user_id: str, mode: str) -> None:
        """Tell early that nothing is left; the charge decides.

        Raises:
            QuotaExceeded: the user has used up the mode.
        """
        if mode in self._quota.limits:
            usage = next(one for one in await self.of(user_id) if one.mode == mode)
            if not usage.remaining:
                raise used_up(usage)

    async def charge(self, connection: AsyncConnection, user_id: str, mode: str) -> datetime | None:
        """Count one use within a transaction: the start of the period it counts in, None for a mode without a limit.

        Raises:
            QuotaExceeded: nothing is left, however many ask at once.
        """
        limit = self._quota.limits.get(mode)
        if limit is None:
            return None
        held = user_mode_usage.c
        over = held.period_start + self._quota.period <= func.now() if self._quota.period is not None else None
        statement = insert(user_mode_usage).values(user_id=user_id, mode=mode, used=1)
        statement = statement.on_conflict_do_update(
            index_elements=["user_id", "mode"],
            set_={
                "used": held.used + 1 if over is None else case((over, 1), else_=held.used + 1),
                "period_start": held.period_start
                if over is None
                else case((over, func.now()), else_=held.period_start),
                "updated_at": func.now(),
            },
            where=held.used < limit if over is None else (held.used < limit) | over,
        )
        period_start: datetime | None = await connection.scalar(statement.returning(held.period_start))
        if period_start is None:
            row = (
                await connection.execute(
                    select(user_mode_usage, func.now().label("now")).where(held.user_id == user_id, held.mode == mode)
                )
            ).one()
            raise used_up(self._told(mode, row))
        return period_start


async def refund(connection: AsyncConnection, run_id: UUID) -> None:
    """Give back what a run was charged, once, within a transaction; nothing where a new period has begun since."""
    statement = (
        update(runs)
        .where(runs.c.id == run_id, runs.c.charged, datasets.c.id == runs.c.dataset_id)
        .values(charged=False)
        .returning(datasets.c.user_id, runs.c.mode, runs.c.charged_in)
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is not None:
        held = user_mode_usage.c
        back = update(user_mode_usage).where(and_(held.user_id == row.user_id, held.mode == row.mode))
        if row.charged_in is not None:
            back = back.where(held.period_start == row.charged_in)
        await connection.execute(back.values(used=func.greatest(held.used - 1, 0), updated_at=func.now()))


def used_up(usage: ModeUsage) -> QuotaExceeded:
    """The error for a mode of which nothing is left."""
    anew = "" if usage.resets_at is None else f" The count starts anew on {usage.resets_at:%Y-%m-%d %H:%M} UTC."
    return QuotaExceeded(
        f"The quota of {usage.mode} mode is used up: {usage.used} of {usage.limit} uploads."
        f"{anew} The mode fast works without limit, and GET /usage tells what is left.",
        reason="MODE_QUOTA_USED_UP",
        metadata={"mode": usage.mode, "limit": str(usage.limit), "used": str(usage.used)},
    )
