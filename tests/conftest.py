"""The real servers the tests talk to, started once for the session."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from deploy.local.embedded import EmbeddedPostgres, EmbeddedValkey
from shared.db.session import Database
from shared.isolation import Isolation
from shared.queue import RunQueue, connect_queue
from shared.settings.parts import DatabaseSettings
from shared.settings.processes import LocalSettings, Settings
from shared.storage import ObjectStore, open_store

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True, scope="session")
def clean_environment() -> Iterator[None]:
    """Settings come from the tests, not from the developer's shell or .env file."""
    with pytest.MonkeyPatch.context() as patch:
        for name in LocalSettings.model_fields:
            patch.delenv(name.upper(), raising=False)
        for kind in (DatabaseSettings, Settings, LocalSettings):
            patch.setitem(kind.model_config, "env_file", None)
        yield


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL of our own."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def database_url(postgres: EmbeddedPostgres, clean_environment: None) -> str:
    """A database that the migrations have brought up to date."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", postgres.url)
        command.upgrade(Config(ROOT / "alembic.ini"), "head")
    return postgres.url


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey of our own."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server.url


@pytest.fixture(scope="session")
def isolation() -> Isolation:
    """Killable children with everything loaded that any service's children need."""
    from ingest_service.composition import PRELOAD as INGEST
    from report_service.composition import PRELOAD as REPORT
    from worker_service.worker.composition import PRELOAD as WORKER

    isolation = Isolation(preload=(*INGEST, *WORKER, *REPORT))
    isolation.warm_up()
    return isolation


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """Settings for services within this process: free ports, a directory for objects, quick reactions."""
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
    """Connections to the migrated database."""
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
