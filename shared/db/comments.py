"""Comments on the steps, columns and cells of a dataset, in PostgreSQL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import case, delete, func, insert, select, tuple_, update

from shared.db.dataset_ids import unknown_dataset
from shared.db.paging import Page, PageSize, decode_token, encode_token, parse_timestamp
from shared.db.session import Database
from shared.db.tables import comments, datasets, versions
from shared.errors import LimitExceeded, NotFound

MAX_COMMENTS = 5_000
"""Comments that a dataset may have."""
PAGE_SIZE = PageSize(default=100, most=1_000)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a comment is about: the dataset itself where nothing is named."""

    step: int | None = None
    column: str | None = None
    row: int | None = None
    """With a column: a cell, by its row in the uploaded table, from 1."""


@dataclass(frozen=True, kw_only=True)
class CommentRecord:
    """A comment."""

    id: UUID
    dataset_id: UUID
    author: str
    text: str
    step: int | None
    column: str | None
    row: int | None
    version: int
    """The newest result when it was written; 0 if there was none."""
    created_at: datetime
    resolved_by: str | None
    """Who settled it; None while it is open."""
    resolved_at: datetime | None


class Comments:
    """The comments of datasets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, dataset_id: UUID, *, author: str, text: str, subject: Subject) -> CommentRecord:
        """Keep a comment.

        Raises:
            NotFound: there is no such dataset.
            LimitExceeded: it has too many comments.
        """
        of_dataset = comments.c.dataset_id == dataset_id
        newest = select(func.coalesce(func.max(versions.c.version), 0)).where(versions.c.dataset_id == dataset_id)
        async with self._database.transaction() as connection:
            # Held, so that the dataset is not deleted and the limit not passed under this comment.
            locked = select(datasets.c.id).where(datasets.c.id == dataset_id).with_for_update(key_share=True)
            if await connection.scalar(locked) is None:
                raise unknown_dataset(str(dataset_id))
            count = await connection.scalar(select(func.count()).select_from(comments).where(of_dataset))
            if count is not None and count >= MAX_COMMENTS:
                raise LimitExceeded(
                    f"A dataset has at most {MAX_COMMENTS:,} comments; delete some first.",
                    reason="TOO_MANY_COMMENTS",
                    metadata={"max_comments": str(MAX_COMMENTS)},
                )
            values = {"id": uuid4(), "dataset_id": dataset_id, "author": author, "text": text, **vars(subject)}
            values["version"] = await connection.scalar(newest)
            row = (await connection.execute(insert(comments).values(**values).returning(*comments.c))).one()
        return CommentRecord(**row._mapping)

    async def list(self, dataset_id: UUID, subject: Subject, *, page_size: int, page_token: str) -> Page[CommentRecord]:
        """Return a page of the comments of a dataset, oldest first; only those about what the subject names.

        Raises:
            NotFound: there is no such dataset.
        """
        size = PAGE_SIZE.of(page_size)
        statement = select(comments).where(comments.c.dataset_id == dataset_id)
        for name, value in vars(subject).items():
            if value is not None:
                statement = statement.where(comments.c[name] == value)
        if position := decode_token(page_token, parts=(parse_timestamp, UUID)):
            statement = statement.where(tuple_(comments.c.created_at, comments.c.id) > position)
        statement = statement.order_by(comments.c.created_at, comments.c.id).limit(size + 1)
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
            is_there = select(datasets.c.id).where(datasets.c.id == dataset_id)
            if not rows and await connection.scalar(is_there) is None:
                raise unknown_dataset(str(dataset_id))
        records = [CommentRecord(**row._mapping) for row in rows[:size]]
        last = records[-1] if len(rows) > size else None
        return Page(rows=records, next_token=encode_token([last.created_at.isoformat(), str(last.id)]) if last else "")

    async def resolve(self, dataset_id: UUID, comment_id: UUID, *, by: str | None) -> CommentRecord:
        """Settle a comment, or open it again where `by` is None; who settled it first stays.

        Raises:
            NotFound: the dataset has no such comment.
        """
        values: dict[str, Any] = {"resolved_by": None, "resolved_at": None}
        if by is not None:
            is_open = comments.c.resolved_by.is_(None)
            values = {
                "resolved_by": func.coalesce(comments.c.resolved_by, by),
                "resolved_at": case((is_open, func.now()), else_=comments.c.resolved_at),
            }
        statement = update(comments).where(_is_comment(dataset_id, comment_id)).values(**values)
        async with self._database.transaction() as connection:
            row = (await connection.execute(statement.returning(*comments.c))).one_or_none()
        if row is None:
            raise unknown_comment(str(comment_id))
        return CommentRecord(**row._mapping)

    async def get(self, dataset_id: UUID, comment_id: UUID) -> CommentRecord:
        """Return a comment.

        Raises:
            NotFound: the dataset has no such comment.
        """
        async with self._database.reading() as connection:
            statement = select(comments).where(_is_comment(dataset_id, comment_id))
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            raise unknown_comment(str(comment_id))
        return CommentRecord(**row._mapping)

    async def delete(self, dataset_id: UUID, comment_id: UUID) -> None:
        """Remove a comment.

        Raises:
            NotFound: the dataset has no such comment.
        """
        async with self._database.transaction() as connection:
            if (await connection.execute(delete(comments).where(_is_comment(dataset_id, comment_id)))).rowcount != 1:
                raise unknown_comment(str(comment_id))


def _is_comment(dataset_id: UUID, comment_id: UUID) -> Any:
    return (comments.c.dataset_id == dataset_id) & (comments.c.id == comment_id)


def parse_comment_id(text: str) -> UUID:
    """Return the id of a comment that a request names.

    Raises:
        NotFound: the text is not a UUID, so that no comment has this id.
    """
    try:
        return UUID(text)
    except ValueError:
        raise unknown_comment(text[:100]) from None


def unknown_comment(comment_id: str) -> NotFound:
    """Return the error for an id that no comment of the dataset has."""
    metadata = {"comment_id": comment_id}
    return NotFound(f"There is no comment {comment_id}.", reason="COMMENT_NOT_FOUND", metadata=metadata)
