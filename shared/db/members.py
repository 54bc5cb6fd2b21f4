"""Who may do what with a dataset or a collaboration."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.vocabulary import Role
from shared.db.dataset_ids import unknown_dataset
from shared.db.session import Database
from shared.db.tables import collaboration_members as members
from shared.db.tables import collaborations, datasets
from shared.errors import Conflict, NotFound, PermissionDenied
from shared.identity.caller import Caller, is_at_least

MAX_MEMBERS = 1000
_MEMBER = (members.c.user_id, members.c.role, members.c.created_at)


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member of a collaboration."""

    user_id: str
    role: Role
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class DatasetAccess:
    """The owner and the collaboration of a dataset, and the role that a caller has in it."""

    owner_id: str
    collaboration_id: str | None
    role: Role | None


class Members:
    """Collaborations and their members in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_access(self, caller: Caller, dataset_id: UUID) -> DatasetAccess | None:
        """Return the owner of a dataset and the role that a caller has in it; None if no dataset has this id."""
        is_member = and_(members.c.collaboration_id == datasets.c.collaboration_id, members.c.user_id == caller.user_id)
        statement = select(datasets.c.user_id, datasets.c.collaboration_id, members.c.role)
        statement = statement.outerjoin(members, is_member).where(datasets.c.id == dataset_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            return None
        if row.user_id == caller.user_id:
            role: Role | None = "owner"
        else:
            role = row.role if caller.memberships is None else caller.memberships.get(row.collaboration_id)
        return DatasetAccess(owner_id=row.user_id, collaboration_id=row.collaboration_id, role=role)

    async def require_access(self, caller: Caller, dataset_id: UUID) -> None:
        """Return if a caller may read a dataset; another's looks as if it did not exist.

        Raises:
            NotFound: the caller has no role in it.
            PermissionDenied: its credential has not the scope.
        """
        if caller.is_unrestricted:
            return
        caller.require_scope("read")
        access = await self.find_access(caller, dataset_id)
        if access is None or access.role is None:
            raise unknown_dataset(str(dataset_id))

    async def find_role(self, caller: Caller, collaboration_id: str) -> Role | None:
        """Return the role that a caller has in a collaboration; None if it has none or there is no such."""
        async with self._database.reading() as connection:
            return await _find_role(connection, caller, collaboration_id)

    async def check_upload(self, caller: Caller, collaboration_id: str | None) -> None:
        """Return if a caller may upload into a collaboration, which everybody may who begins one.

        Raises:
            PermissionDenied: with reason NOT_AN_EDITOR.
        """
        if collaboration_id is None or caller.is_unrestricted:
            return
        async with self._database.transaction() as connection:
            is_new = caller.memberships is None and not await connection.scalar(
                select(collaborations.c.id).where(collaborations.c.id == collaboration_id)
            )
            if not is_new:
                await _require_editor(connection, caller, collaboration_id)

    async def list(self, collaboration_id: str) -> Sequence[Member]:
        """Return the members of a collaboration, in the order in which they came."""
        statement = select(*_MEMBER).where(members.c.collaboration_id == collaboration_id)
        statement = statement.order_by(members.c.created_at, members.c.user_id).limit(MAX_MEMBERS)
        async with self._database.reading() as connection:
            return [Member(**row._mapping) for row in await connection.execute(statement)]

    async def put(self, collaboration_id: str, user_id: str, role: Role) -> Member:
        """Add a member, or change the role of one.

        Raises:
            NotFound: there is no such collaboration.
            Conflict: it would be left without an owner, or have too many members.
        """
        async with self._database.transaction() as connection:
            await _lock(connection, collaboration_id)
            values = {"collaboration_id": collaboration_id, "user_id": user_id, "role": role}
            statement = upsert(members).values(**values)
            statement = statement.on_conflict_do_update(
                index_elements=["collaboration_id", "user_id"], set_={"role": role}
            )
            row = (await connection.execute(statement.returning(*_MEMBER))).one()
            await _require_sound(connection, collaboration_id)
        return Member(**row._mapping)

    async def remove(self, collaboration_id: str, user_id: str) -> None:
        """Remove a member.

        Raises:
            NotFound: there is no such collaboration or member.
            Conflict: it would be left without an owner.
        """
        is_member = and_(members.c.collaboration_id == collaboration_id, members.c.user_id == user_id)
        async with self._database.transaction() as connection:
            await _lock(connection, collaboration_id)
            if (await connection.execute(delete(members).where(is_member))).rowcount != 1:
                raise NotFound(f"{user_id[:100]} is no member.", reason="MEMBER_NOT_FOUND")
            await _require_sound(connection, collaboration_id)


async def join_as_uploader(
    connection: AsyncConnection, caller: Caller, collaboration_id: str, *, owner_id: str
) -> None:
    """Begin a collaboration with the first uploader as its owner, or require that the uploader is an editor of it.

    Raises:
        PermissionDenied: with reason NOT_AN_EDITOR.
    """
    begun = await connection.scalar(
        upsert(collaborations).values(id=collaboration_id).on_conflict_do_nothing().returning(collaborations.c.id)
    )
    # Held, so that the erasure of its last member does not remove it under this upload.
    await connection.execute(
        select(collaborations.c.id)
        .where(collaborations.c.id == collaboration_id)
        .with_for_update(key_share=True, read=True)
    )
    if begun is not None:
        values = {"collaboration_id": collaboration_id, "user_id": owner_id, "role": "owner"}
        await connection.execute(upsert(members).values(**values))
    if not caller.is_unrestricted:
        await _require_editor(connection, caller, collaboration_id)


def is_visible(caller: Caller) -> ColumnElement[bool]:
    """Return the condition that a caller may see a dataset."""
    if caller.memberships is None:
        of_caller = select(members.c.collaboration_id).where(members.c.user_id == caller.user_id)
        is_shared: ColumnElement[bool] = datasets.c.collaboration_id.in_(of_caller)
    else:
        is_shared = datasets.c.collaboration_id.in_(list(caller.memberships))
    return or_(datasets.c.user_id == caller.user_id, is_shared)


def is_owned_collaboration(
    caller: Caller, collaboration_id: ColumnElement[str], moment: ColumnElement[datetime]
) -> ColumnElement[bool]:
    """Return the condition that a caller owns the collaboration in a column, which existed at the moment in another."""
    if caller.memberships is None:
        is_owner = and_(members.c.user_id == caller.user_id, members.c.role == "owner")
        owned = select(members.c.collaboration_id).join(collaborations).where(is_owner)
        # A name that is free again may be another's: what was done under it before is none of its business.
        return exists(owned.where(collaborations.c.id == collaboration_id, collaborations.c.created_at <= moment))
    return collaboration_id.in_([name for name, role in caller.memberships.items() if role == "owner"])


def unknown_collaboration(collaboration_id: str) -> NotFound:
    """Return the error for a collaboration that does not exist, or that the caller may not know of."""
    return NotFound(f"There is no collaboration {collaboration_id[:100]}.", reason="COLLABORATION_NOT_FOUND")


async def _find_role(connection: AsyncConnection, caller: Caller, collaboration_id: str) -> Role | None:
    if caller.memberships is not None:
        return caller.memberships.get(collaboration_id)
    statement = select(members.c.role)
    statement = statement.where(members.c.collaboration_id == collaboration_id, members.c.user_id == caller.user_id)
    role: Role | None = await connection.scalar(statement)
    return role


async def _require_editor(connection: AsyncConnection, caller: Caller, collaboration_id: str) -> None:
    role = await _find_role(connection, caller, collaboration_id)
    if role is None or not is_at_least(role, "editor"):
        raise PermissionDenied(
            "Only its editors and owners may upload into this collaboration; ask one of them, or use another name.",
            reason="NOT_AN_EDITOR",
            metadata={"collaboration_id": collaboration_id},
        )


async def _lock(connection: AsyncConnection, collaboration_id: str) -> None:
    """Lock a collaboration, so that two of its owners can't remove each other at the same time.

    Raises:
        NotFound: there is no such collaboration.
    """
    statement = select(collaborations.c.id).where(collaborations.c.id == collaboration_id).with_for_update()
    if await connection.scalar(statement) is None:
        raise unknown_collaboration(collaboration_id)


async def _require_sound(connection: AsyncConnection, collaboration_id: str) -> None:
    counts = select(func.count(), func.count().filter(members.c.role == "owner"))
    row = (await connection.execute(counts.where(members.c.collaboration_id == collaboration_id))).one()
    if row[1] == 0:
        raise Conflict("A collaboration keeps at least one owner; name another first.", reason="LAST_OWNER")
    if row[0] > MAX_MEMBERS:
        raise Conflict(f"A collaboration has at most {MAX_MEMBERS:,} members.", reason="TOO_MANY_MEMBERS")
