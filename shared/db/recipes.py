"""Recipes that users store under names, in PostgreSQL."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Select, delete, func, insert, select, tuple_

from shared.db.paging import Page, PageSize, decode_token, encode_token, parse_timestamp
from shared.db.session import Database, lock_user
from shared.db.tables import recipes
from shared.errors import LimitExceeded, NotFound
from shared.identity.caller import Caller

MAX_RECIPES = 1000
"""Versions of recipes that a user may keep."""
PAGE_SIZE = PageSize(default=50, most=500)


@dataclass(frozen=True, kw_only=True)
class NewRecipe:
    """A recipe about to be stored."""

    user_id: str
    name: str
    dataset_id: UUID | None
    """The dataset that it was taken from; None for one that was sent."""
    content: bytes
    """The recipe as JSON."""


@dataclass(frozen=True, kw_only=True)
class RecipeRecord:
    """A stored recipe, without its content."""

    id: UUID
    user_id: str
    name: str
    version: int
    sha256: str
    size_bytes: int
    dataset_id: UUID | None
    created_at: datetime


class Recipes:
    """Stored recipes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, new: NewRecipe) -> RecipeRecord:
        """Store a recipe as the next version of its name.

        Raises:
            LimitExceeded: the user keeps too many.
        """
        mine = recipes.c.user_id == new.user_id
        latest = select(func.coalesce(func.max(recipes.c.version), 0)).where(mine, recipes.c.name == new.name)
        async with self._database.transaction() as connection:
            # Exclusive, so that two of one name get different versions.
            await lock_user(connection, new.user_id, exclusive=True)
            kept = await connection.scalar(select(func.count()).select_from(recipes).where(mine))
            if kept is not None and kept >= MAX_RECIPES:
                raise LimitExceeded(
                    f"A user keeps at most {MAX_RECIPES:,} recipes; delete some first.",
                    reason="TOO_MANY_RECIPES",
                    metadata={"max_recipes": str(MAX_RECIPES)},
                )
            values = {
                "id": uuid4(),
                "version": (await connection.scalar(latest) or 0) + 1,
                "sha256": hashlib.sha256(new.content).hexdigest(),
                "size_bytes": len(new.content),
                **vars(new),
            }
            row = (await connection.execute(insert(recipes).values(**values).returning(*_FIELDS))).one()
        return _record(row)

    async def list(self, *, user_id: str, name: str, page_size: int, page_token: str) -> Page[RecipeRecord]:
        """Return a page of the recipes of a user (of everybody where empty) and name (of any), newest first."""
        size = PAGE_SIZE.of(page_size)
        statement = _select_recipes().order_by(recipes.c.created_at.desc(), recipes.c.id.desc()).limit(size + 1)
        if user_id:
            statement = statement.where(recipes.c.user_id == user_id)
        if name:
            statement = statement.where(recipes.c.name == name)
        if position := decode_token(page_token, parts=(parse_timestamp, UUID)):
            statement = statement.where(tuple_(recipes.c.created_at, recipes.c.id) < position)
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        records = [_record(row) for row in rows[:size]]
        last = records[-1] if len(rows) > size else None
        return Page(rows=records, next_token=encode_token([last.created_at.isoformat(), str(last.id)]) if last else "")

    async def get(self, recipe_id: UUID, caller: Caller) -> tuple[RecipeRecord, bytes]:
        """Return a recipe of a caller, and its content.

        Raises:
            NotFound: there is none, or it is another user's.
        """
        statement = select(*_FIELDS, recipes.c.content).where(recipes.c.id == recipe_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None or not (caller.is_unrestricted or row.user_id == caller.user_id):
            raise unknown_recipe(str(recipe_id))
        return _record(row), row.content

    async def delete(self, recipe_id: UUID, caller: Caller) -> None:
        """Remove a recipe of a caller.

        Raises:
            NotFound: there is none, or it is another user's.
        """
        statement = delete(recipes).where(recipes.c.id == recipe_id)
        if not caller.is_unrestricted:
            statement = statement.where(recipes.c.user_id == caller.user_id)
        async with self._database.transaction() as connection:
            if (await connection.execute(statement)).rowcount != 1:
                raise unknown_recipe(str(recipe_id))


def parse_recipe_id(text: str) -> UUID:
    """Return the id of a stored recipe that a request names.

    Raises:
        NotFound: the text is not a UUID, so that no recipe has this id.
    """
    try:
        return UUID(text)
    except ValueError:
        raise unknown_recipe(text[:100]) from None


def unknown_recipe(recipe_id: str) -> NotFound:
    """Return the error for an id that no recipe has."""
    return NotFound(f"There is no recipe {recipe_id}.", reason="RECIPE_NOT_FOUND", metadata={"recipe_id": recipe_id})


_FIELDS: list[Any] = [column for column in recipes.c if column.name != "content"]


def _select_recipes() -> Select[Any]:
    return select(*_FIELDS)


def _record(row: Any) -> RecipeRecord:
    return RecipeRecord(**{column.name: row._mapping[column.name] for column in _FIELDS})
