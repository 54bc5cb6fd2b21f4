"""Cached answers of language models, so that an identical question is not paid for twice."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from shared.db.session import Database
from shared.db.tables import ai_answers


class AiAnswers:
    """Answers in PostgreSQL, by the hash of model and question."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: str) -> str | None:
        """Return the stored answer to a question; None if it was never asked."""
        async with self._database.transaction() as connection:
            rows = await connection.execute(select(ai_answers.c.answer).where(ai_answers.c.question_hash == key))
            return rows.scalar_one_or_none()

    async def put(self, key: str, answer: str) -> None:
        """Store a valid answer; an answer that is stored already is kept."""
        async with self._database.transaction() as connection:
            row = insert(ai_answers).values(question_hash=key, answer=answer).on_conflict_do_nothing()
            await connection.execute(row)
