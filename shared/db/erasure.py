"""Removal of what the database holds of a user beside its datasets."""

from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.session import Database
from shared.db.tables import api_keys, audit_events, collaborations, user_mode_usage
from shared.db.tables import collaboration_members as members
from shared.db.usage import pseudonym

ERASED = "erased"
"""Stands in the audit trail of others for a user who was erased."""


class Erasure:
    """The removal of a user from PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, user_id: str) -> None:
        """Remove the keys, memberships and audit trail of a user, who has no dataset any more.

        A collaboration that would be left without an owner gets the member who has been there longest; without members
        it is removed. In the trail of others the user is not named any more.
        """
        async with self._database.transaction() as connection:
            await connection.execute(delete(api_keys).where(api_keys.c.user_id == user_id))
            await _leave_collaborations(connection, user_id)
            await connection.execute(delete(audit_events).where(audit_events.c.owner_id == user_id))
            anonymous = {"caller_id": ERASED, "key_id": "", "address": ""}
            await connection.execute(update(audit_events).where(audit_events.c.caller_id == user_id).values(anonymous))
            renamed: dict[str, Any] = {"user_id": pseudonym(user_id)}
            await connection.execute(
                update(user_mode_usage).where(user_mode_usage.c.user_id == user_id).values(renamed)
            )


async def _leave_collaborations(connection: AsyncConnection, user_id: str) -> None:
    left = list(
        (
            await connection.execute(
                delete(members).where(members.c.user_id == user_id).returning(members.c.collaboration_id)
            )
        ).scalars()
    )
    for collaboration_id in left:
        is_member = members.c.collaboration_id == collaboration_id
        owners = await connection.scalar(select(func.count()).where(is_member, members.c.role == "owner"))
        heir = await connection.scalar(
            select(members.c.user_id).where(is_member).order_by(members.c.created_at, members.c.user_id).limit(1)
        )
        if heir is None:
            await connection.execute(delete(collaborations).where(collaborations.c.id == collaboration_id))
        elif not owners:
            await connection.execute(update(members).where(is_member, members.c.user_id == heir).values(role="owner"))
