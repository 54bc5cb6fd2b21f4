"""Fixtures for all tests: real servers, started once per session, and connections to them."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

# Threads of the models that wait for each other take minutes where several test processes share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from alembic import command
from alembic.config import Config

from deploy.local.embedded import EmbeddedPostgres, EmbeddedValkey
from shared.db.session import Database
from shared.isolation.isolation import Isolation
from shared.queue import RunQueue, connect_queue
from shared.settings.parts import DatabaseSettings
from shared.settings.processes import LocalSettings, Settings
from shared.storage import ObjectStore, open_store

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True, scope="session")
def clean_environment() -> Iterator[None]:
    """Hide the settings of the developer's shell and .env file from the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in LocalSettings.model_fields:
            patch.delenv(name.upper(), raising=False)
        for kind in (DatabaseSettings, Settings, LocalSettings):
            patch.setitem(kind.model_config, "env_file", None)
        yield


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """An embedded PostgreSQL server."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def database_url(postgres: EmbeddedPostgres, clean_environment: None) -> str:
    """Address of a database with all migrations applied."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", postgres.url)
        command.upgrade(Config(ROOT / "alembic.ini"), "head")
    return postgres.url


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an embedded Valkey server."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server.url


@pytest.fixture(scope="session")
def isolation() -> Isolation:
    """Child processes with the modules that the children of all services need."""
    from ingest_service.composition import PRELOAD as INGEST
    from report_service.composition import PRELOAD as REPORT
    from worker_service.worker.composition import PRELOAD as WORKER

    isolation = Isolation(preload=(*INGEST, *WORKER, *REPORT))
    isolation.warm_up()
    return isolation


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """Settings for services within this process: free ports, objects in a directory, short intervals."""
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        storage_dir=tmp_path / "objects",
        scratch_dir=tmp_path,
        ingest_port=0,
        pipeline_port=0,
        report_port=0,
        gateway_port=0,
        lease_seconds=2,
        heartbeat_seconds=0.5,
        reconcile_seconds=0.5,
    )


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """A connection pool to the migrated database."""
    database = Database(settings.database_url, pool_size=5)
    yield database
    await database.close()


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[ObjectStore]:
    """An empty object store."""
    async with open_store(settings) as store:
        yield store


@pytest.fixture
async def queue(settings: Settings) -> AsyncIterator[RunQueue]:
    """The queue in Valkey."""
    queue = await connect_queue(settings.redis_url)
    yield queue
    await queue.close()
