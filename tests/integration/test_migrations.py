"""Migrations agree with the tables, and every migration can be reverted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.embedded import EmbeddedPostgres
from shared.db.tables import metadata

CONFIG = Config(Path(__file__).parents[2] / "alembic.ini")


@pytest.fixture
def empty_database(tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        monkeypatch.setenv("DATABASE_URL", server.url)
        yield server.url.replace("postgresql://", "postgresql+asyncpg://")


async def table_names(url: str) -> set[str]:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))
    finally:
        await engine.dispose()


def read_table_names(url: str) -> set[str]:
    import asyncio

    return asyncio.run(table_names(url))


def test_up_down_up(empty_database: str) -> None:
    command.upgrade(CONFIG, "head")
    command.check(CONFIG)
    assert read_table_names(empty_database) == {*metadata.tables, "alembic_version"}
    command.downgrade(CONFIG, "base")
    assert read_table_names(empty_database) == {"alembic_version"}
    command.upgrade(CONFIG, "head")
    assert set(metadata.tables) < read_table_names(empty_database)


def test_the_documented_tables_exist() -> None:
    assert set(metadata.tables) == {
        "datasets",
        "runs",
        "cleaning_logs",
        "cleaning_reports",
        "user_mode_usage",
        "outlier_logs",
        "feature_logs",
        "graph_metadata",
        "ai_answers",
        "run_events",
        "webhooks",
        "api_keys",
        "hash_keys",
        "collaborations",
        "collaboration_members",
        "audit_events",
        "recipes",
        "versions",
        "comments",
    }
