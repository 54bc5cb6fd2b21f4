"""Removal of what the database holds of a user beside its datasets."""

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.session import Database, lock_user
from shared.db.tables import (
    api_keys,
    audit_events,
    collaborations,
    comments,
    datasets,
    hash_keys,
    recipes,
    user_mode_usage,
    versions,
)
from shared.db.tables import collaboration_members as members
from shared.db.usage import pseudonym
from shared.identity.caller import ROLES


class Erasure:
    """The removal of a user from PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def erase(self, user_id: str) -> bool:
        """Remove what is left of a user who has no dataset; False, and nothing is done, if it has one.

        Keys, recipes, comments, memberships and the audit trail go.

        A collaboration that would be left without an owner gets an heir: an editor, else the owner of a dataset in it,
        else a viewer, of several who has been there longest. Without any it is removed, and its name is free. In the
        trail of others the user has a pseudonym, so that what was done can still be put together.
        """
        async with self._database.transaction() as connection:
            await lock_user(connection, user_id, exclusive=True)
            if await connection.scalar(select(datasets.c.id).where(datasets.c.user_id == user_id).limit(1)):
                return False
            await connection.execute(delete(api_keys).where(api_keys.c.user_id == user_id))
            await connection.execute(delete(hash_keys).where(hash_keys.c.user_id == user_id))
            await connection.execute(delete(recipes).where(recipes.c.user_id == user_id))
            await connection.execute(delete(comments).where(comments.c.author == user_id))
            await _leave_collaborations(connection, user_id)
            await connection.execute(delete(audit_events).where(audit_events.c.owner_id == user_id))
            name = pseudonym(user_id)
            about = audit_events.c.member.in_([user_id, *(f"{user_id}: {role}" for role in ROLES)])
            await connection.execute(update(audit_events).where(about).values(member=name))
            acted = audit_events.c.caller_id == user_id
            await connection.execute(update(audit_events).where(acted).values(caller_id=name, key_id=""))
            await connection.execute(update(versions).where(versions.c.author == user_id).values(author=name))
            settled = comments.c.resolved_by == user_id
            await connection.execute(update(comments).where(settled).values(resolved_by=name))
            renamed: dict[str, Any] = {"user_id": name}
            used = user_mode_usage.c.user_id == user_id
            await connection.execute(update(user_mode_usage).where(used).values(renamed))
        return True


async def _leave_collaborations(connection: AsyncConnection, user_id: str) -> None:
    of_user = select(members.c.collaboration_id).where(members.c.user_id == user_id)
    # Locked in one order, so that owners who leave at the same time see each other.
    locked = select(collaborations.c.id).where(collaborations.c.id.in_(of_user)).order_by(collaborations.c.id)
    left = list((await connection.execute(locked.with_for_update())).scalars())
    await connection.execute(delete(members).where(members.c.user_id == user_id))
    for collaboration_id in left:
        is_owner = (members.c.collaboration_id == collaboration_id) & (members.c.role == "owner")
        if await connection.scalar(select(members.c.user_id).where(is_owner).limit(1)) is not None:
            continue
        heir = await _find_heir(connection, collaboration_id)
        if heir is None:
            await connection.execute(delete(collaborations).where(collaborations.c.id == collaboration_id))
        else:
            values = {"collaboration_id": collaboration_id, "user_id": heir, "role": "owner"}
            statement = upsert(members).values(**values)
            statement = statement.on_conflict_do_update(
                index_elements=["collaboration_id", "user_id"], set_={"role": "owner"}
            )
            await connection.execute(statement)


async def _find_heir(connection: AsyncConnection, collaboration_id: str) -> str | None:
    is_member = members.c.collaboration_id == collaboration_id
    by_age = select(members.c.user_id).order_by(members.c.created_at, members.c.user_id).limit(1)
    of_dataset = select(datasets.c.user_id).where(datasets.c.collaboration_id == collaboration_id)
    candidates = (
        by_age.where(is_member, members.c.role == "editor"),
        of_dataset.order_by(datasets.c.created_at, datasets.c.id).limit(1),
        by_age.where(is_member),
    )
    for candidate in candidates:
        heir: str | None = await connection.scalar(candidate)
        if heir is not None:
            return heir
    return None
