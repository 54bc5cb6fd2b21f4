"""Cached answers of language models, so that an identical question is not paid for twice."""

from uuid import UUID

from sqlalchemy import literal, select
from sqlalchemy.dialects.postgresql import insert

from shared.db.session import Database
from shared.db.tables import ai_answers, datasets


class AiAnswers:
    """Answers in PostgreSQL, by the hash of model and question."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, key: str) -> str | None:
        """Return the stored answer to a question; None if it was never asked."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(ai_answers.c.answer).where(ai_answers.c.question_hash == key))
            return rows.scalar_one_or_none()

    async def put(self, key: str, answer: str, dataset_id: UUID | None) -> None:
        """Store a valid answer for as long as the dataset that it was asked for exists; one stored before is kept."""
        values = select(literal(key), literal(answer), datasets.c.id).where(datasets.c.id == dataset_id)
        row = insert(ai_answers).from_select(["question_hash", "answer", "dataset_id"], values)
        async with self._database.transaction() as connection:
            await connection.execute(row.on_conflict_do_nothing())
