"""Run the migrations against DATABASE_URL, each in a transaction of its own."""

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.db.session import Database
from shared.db.tables import metadata
from shared.errors import Unavailable
from shared.settings.parts import DatabaseSettings
from shared.settings.processes import load_settings


def migrate(connection: Connection) -> None:
    """Run the migrations that the command line asked for over this connection."""
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_migrate() -> None:
    """Open a connection and run the migrations over it."""
    url = load_settings(DatabaseSettings).database_url
    database = Database(url, pool_size=1)
    try:
        await database.check_access()
    except Unavailable as error:
        raise SystemExit(str(error)) from None
    finally:
        await database.close()
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


asyncio.run(connect_and_migrate())
