"""The secrets with which personal data is hashed, one for each user."""

import secrets

from sqlalchemy import exists, literal, select
from sqlalchemy.dialects.postgresql import insert

from shared.db.session import Database, lock_user
from shared.db.tables import datasets, hash_keys
from shared.errors import NotFound

KEY_BYTES = 32


class HashKeys:
    """The keys in PostgreSQL; they go with their user."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, user_id: str) -> bytes:
        """Return the key of a user who has a dataset; it is made at its first use.

        Raises:
            NotFound: the user has no dataset (any more), so that nothing would remove the key.
        """
        chosen = select(hash_keys.c.key).where(hash_keys.c.user_id == user_id)
        has_dataset = exists().where(datasets.c.user_id == user_id)
        row = select(literal(user_id), literal(secrets.token_bytes(KEY_BYTES))).where(has_dataset)
        new = insert(hash_keys).from_select(["user_id", "key"], row).on_conflict_do_nothing()
        async with self._database.transaction() as connection:
            await lock_user(connection, user_id)
            key: bytes | None = await connection.scalar(chosen)
            if key is None:
                await connection.execute(new)
                key = await connection.scalar(chosen)
        if key is None:
            raise NotFound("The owner of this dataset has been erased.", reason="DATASET_NOT_FOUND")
        return key
