"""API keys in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, insert, or_, select, update

from shared.contracts.vocabulary import Scope
from shared.db.session import Database
from shared.db.tables import api_keys
from shared.errors import NotFound
from shared.identity.api_keys import ApiKey, create_key, hash_key

TOUCH_EVERY = timedelta(minutes=1)
"""How exact the last use of a key is: a busy key shall not cost a write with each call."""


class ApiKeys:
    """The keys of all users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, *, user_id: str, name: str, scopes: Sequence[Scope], lifetime: timedelta | None
    ) -> tuple[ApiKey, str]:
        """Store a new key; return it, and the key itself, which is not stored and can't be shown again."""
        key_id, key = create_key()
        statement = (
            insert(api_keys)
            .values(
                key_id=key_id,
                secret_hash=hash_key(key),
                user_id=user_id,
                name=name,
                scopes=list(scopes),
                expires_at=None if lifetime is None else func.now() + lifetime,
            )
            .returning(api_keys)
        )
        async with self._database.transaction() as connection:
            return _api_key((await connection.execute(statement)).one()), key

    async def find(self, key_id: str) -> tuple[ApiKey, datetime] | None:
        """Return a key and the time by the database's clock; None if there is none of this id."""
        statement = select(api_keys, func.now().label("now")).where(api_keys.c.key_id == key_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else (_api_key(row), row.now)

    async def touch(self, key_id: str) -> None:
        """Record that a key is in use."""
        is_old = or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < func.now() - TOUCH_EVERY)
        statement = update(api_keys).where(api_keys.c.key_id == key_id, is_old).values(last_used_at=func.now())
        async with self._database.transaction() as connection:
            await connection.execute(statement)

    async def list(self, *, user_id: str | None = None) -> Sequence[ApiKey]:
        """Return all keys, or those of a user, the newest first."""
        statement = select(api_keys).order_by(api_keys.c.created_at.desc(), api_keys.c.key_id)
        if user_id is not None:
            statement = statement.where(api_keys.c.user_id == user_id)
        async with self._database.reading() as connection:
            return [_api_key(row) for row in await connection.execute(statement)]

    async def revoke(self, key_id: str) -> None:
        """Revoke a key, from the next call on; a repeat is harmless.

        Raises:
            NotFound: there is no key of this id.
        """
        revoked_at = func.coalesce(api_keys.c.revoked_at, func.now())
        statement = update(api_keys).where(api_keys.c.key_id == key_id).values(revoked_at=revoked_at)
        async with self._database.transaction() as connection:
            if (await connection.execute(statement)).rowcount != 1:
                raise NotFound(f"There is no API key {key_id[:100]}.", reason="API_KEY_NOT_FOUND")


_FIELDS = [column.name for column in api_keys.c]


def _api_key(row: object) -> ApiKey:
    values = {name: getattr(row, name) for name in _FIELDS}
    return ApiKey(**{**values, "scopes": tuple(values["scopes"])})
