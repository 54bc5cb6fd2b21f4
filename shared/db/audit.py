"""The audit trail: who did what to whose data, from where, and with what outcome."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select

from shared.db.members import is_owned_collaboration
from shared.db.paging import Page, PageSize, decode_token, encode_token, parse_row_number
from shared.db.session import Database
from shared.db.tables import audit_events
from shared.identity.access_control import AuditEvent
from shared.identity.caller import Caller

PAGE_SIZE = PageSize(default=100, most=500)


@dataclass(frozen=True, kw_only=True)
class AuditRecord(AuditEvent):
    """A recorded event."""

    id: int
    created_at: datetime


class AuditTrail:
    """The audit trail in PostgreSQL; events are added and, once old, removed, never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, event: AuditEvent) -> None:
        """Record an event."""
        async with self._database.transaction() as connection:
            await connection.execute(insert(audit_events).values(**asdict(event)))

    async def list(self, *, caller: Caller, dataset_id: str, page_size: int, page_token: str) -> Page[AuditRecord]:
        """Return a page of the events that a caller may read, newest first: those about its own data.

        Args:
            caller: the owner of datasets or collaborations.
            dataset_id: only those about this dataset; empty for all.
            page_size: number of events; 0 for the default.
            page_token: the token of the page before; empty for the first.
        """
        size = PAGE_SIZE.of(page_size)
        statement = select(audit_events).order_by(audit_events.c.id.desc()).limit(size + 1)
        if not caller.is_unrestricted:
            is_own = audit_events.c.owner_id == caller.user_id
            columns = audit_events.c
            is_owned = is_owned_collaboration(caller, columns.collaboration_id, columns.created_at)
            statement = statement.where(is_own | is_owned)
        if dataset_id:
            statement = statement.where(audit_events.c.dataset_id == dataset_id)
        if position := decode_token(page_token, parts=(parse_row_number,)):
            statement = statement.where(audit_events.c.id < position[0])
        async with self._database.reading() as connection:
            rows: Sequence[AuditRecord] = [AuditRecord(**row._mapping) for row in await connection.execute(statement)]
        last = rows[size - 1] if len(rows) > size else None
        return Page(rows=rows[:size], next_token=encode_token([last.id]) if last else "")

    async def purge(self, *, kept: timedelta) -> int:
        """Remove the events that are older than `kept`; return their number."""
        statement = delete(audit_events).where(audit_events.c.created_at < func.now() - kept)
        async with self._database.transaction() as connection:
            return (await connection.execute(statement)).rowcount
