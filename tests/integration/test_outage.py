"""PostgreSQL stopped, suspended or out of connections: Unavailable, and recovery without a restart."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import text

from deploy.local.embedded import EmbeddedPostgres
from shared.db.datasets import Datasets
from shared.db.runs import Runs
from shared.db.session import CLOSE_SECONDS, PING_SECONDS, Database
from shared.errors import Unavailable
from shared.queue import RunQueue
from shared.settings.parts import DatabaseSettings
from tests.faults.proxy import Proxy
from worker_service.pipeline.periodic import run_every
from worker_service.pipeline.reconciler import Reconciler


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
async def separate_database(server: EmbeddedPostgres) -> AsyncIterator[Database]:
    database = Database(DatabaseSettings(database_url=server.url).database_url, pool_size=2)
    yield database
    await database.close()


async def begin_transaction(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(text("select 1"))


async def test_a_killed_server(server: EmbeddedPostgres, separate_database: Database) -> None:
    await begin_transaction(separate_database)
    server.kill()
    with pytest.raises(Unavailable):
        await begin_transaction(separate_database)
    server.start()
    await begin_transaction(separate_database)


async def test_a_server_that_stands_still(server: EmbeddedPostgres, separate_database: Database) -> None:
    await begin_transaction(separate_database)
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        async with asyncio.timeout(2 * PING_SECONDS):
            with pytest.raises(Unavailable):
                await separate_database.ping()
    finally:
        for process in processes:
            process.resume()
    await separate_database.ping()


async def test_a_server_without_free_connections(server: EmbeddedPostgres, separate_database: Database) -> None:
    connections: list[asyncpg.Connection] = []
    with pytest.raises(asyncpg.TooManyConnectionsError):
        while True:
            connections.append(await asyncpg.connect(server.url))
    with pytest.raises(Unavailable):
        await begin_transaction(separate_database)
    for connection in connections:
        await connection.close()
    await begin_transaction(separate_database)


async def test_a_missing_table_is_reported_at_start_up(separate_database: Database) -> None:
    with pytest.raises(Unavailable, match="make migrate"):
        await separate_database.check()


async def test_the_reconciler_survives_unexpected_errors(separate_database: Database, queue: RunQueue) -> None:
    """Without its tables every pass fails with an error that the reconciler does not expect."""
    reconciler = Reconciler(
        database=separate_database,
        runs=Runs(separate_database),
        datasets=Datasets(separate_database),
        queue=queue,
        failed_kept=timedelta(days=1),
        heartbeat_seconds=1,
    )
    task = asyncio.create_task(run_every(reconciler.reconcile, pause_seconds=0.05))
    await asyncio.sleep(0.5)
    assert not task.done()
    task.cancel()
    with pytest.raises(Exception, match="runs"):
        await Runs(separate_database).get(uuid4())


async def test_a_silent_network_does_not_keep_a_process_from_ending(server: EmbeddedPostgres) -> None:
    port = urlsplit(server.url).port or 0
    proxy = Proxy(port)
    address = DatabaseSettings(database_url=server.url.replace(f":{port}/", f":{proxy.port}/")).database_url
    database = Database(address, pool_size=2)
    try:
        await database.ping()
        proxy.set("drop")
        await asyncio.wait_for(database.close(), 4 * CLOSE_SECONDS)
    finally:
        proxy.close()
