"""PostgreSQL gone, starting, or full: always Unavailable, and well again by itself."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import psutil  # type: ignore[import-untyped]
import pytest

from deploy.local.embedded import EmbeddedPostgres
from shared.db.datasets import Datasets
from shared.db.runs import Runs
from shared.db.session import PING_SECONDS, Database
from shared.errors import Unavailable
from shared.queue import RunQueue
from shared.settings.parts import DatabaseSettings
from worker_service.pipeline.periodic import run_every
from worker_service.pipeline.reconciler import Reconciler


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
async def fragile(server: EmbeddedPostgres) -> AsyncIterator[Database]:
    database = Database(DatabaseSettings(database_url=server.url).database_url, pool_size=2)
    yield database
    await database.close()


async def ask(database: Database) -> None:
    async with database.transaction():
        pass


async def test_a_killed_server(server: EmbeddedPostgres, fragile: Database) -> None:
    await ask(fragile)
    server.kill()
    with pytest.raises(Unavailable):
        await ask(fragile)
    server.start()
    await ask(fragile)


async def test_a_server_that_stands_still(server: EmbeddedPostgres, fragile: Database) -> None:
    await ask(fragile)
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    for one in processes:
        one.suspend()
    try:
        async with asyncio.timeout(2 * PING_SECONDS):
            with pytest.raises(Unavailable):
                await fragile.ping()
    finally:
        for one in processes:
            one.resume()
    await fragile.ping()


async def test_a_server_without_free_connections(server: EmbeddedPostgres, fragile: Database) -> None:
    taken: list[asyncpg.Connection] = []
    with pytest.raises(asyncpg.TooManyConnectionsError):
        while True:
            taken.append(await asyncpg.connect(server.url))
    with pytest.raises(Unavailable):
        await ask(fragile)
    for connection in taken:
        await connection.close()
    await ask(fragile)


async def test_a_missing_table_is_told_at_start_up(fragile: Database) -> None:
    with pytest.raises(Unavailable, match="make migrate"):
        await fragile.check()


async def test_the_reconciler_outlives_whatever_happens(fragile: Database, queue: RunQueue) -> None:
    """Without its tables every pass fails with an error nobody foresaw."""
    reconciler = Reconciler(
        database=fragile,
        runs=Runs(fragile),
        datasets=Datasets(fragile),
        queue=queue,
        failed_kept=timedelta(days=1),
        heartbeat_seconds=1,
    )
    task = asyncio.create_task(run_every(reconciler.reconcile, pause_seconds=0.05))
    await asyncio.sleep(0.5)
    assert not task.done()
    task.cancel()
    with pytest.raises(Exception, match="runs"):
        await Runs(fragile).get(uuid4())
