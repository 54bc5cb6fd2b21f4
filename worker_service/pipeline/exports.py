"""Exports of recipes, written in child processes."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from uuid import UUID

from shared.contracts.artifacts import RECIPE, table_key
from shared.contracts.vocabulary import ExportFormat, SqlDialect
from shared.db.datasets import Datasets
from shared.db.published import require_published
from shared.db.versions import Versions
from shared.errors import Unavailable
from shared.isolation.child_task import ChildTask
from shared.isolation.isolation import Isolation
from shared.isolation.outcomes import IsolationError
from shared.logs import get_logger
from shared.storage import ObjectStore
from worker_service.core.export.facts import Export, Facts

_log = get_logger("pipeline")
EXPORT_SECONDS = 60.0
MEMORY_BYTES = 512 * 1024**2
_write_export: Callable[..., Export] = ChildTask("worker_service.pipeline.export_program", "write_export")
_HASHED_TABLES = ("cleaned", "engineered")


class Exports:
    """The use case that writes the recipe of a dataset in the form of another tool."""

    def __init__(self, *, datasets: Datasets, versions: Versions, store: ObjectStore, isolation: Isolation) -> None:
        self._datasets = datasets
        self._versions = versions
        self._store = store
        self._isolation = isolation
        # A few seconds of a core at most, for one user at a time.
        self._slot = asyncio.Semaphore(1)

    async def get(self, dataset_id: UUID, version: int, form: ExportFormat, dialect: SqlDialect) -> Export:
        """Return the recipe of a version of a dataset's results; 0 for the newest.

        Raises:
            NotFound: there is no such dataset or version.
            NotReady: the preparation has not ended.
            Conflict: it ended without a result, or the recipe can't be written in this form (NOT_EXPORTABLE).
            Unavailable: it took too long, or too much memory.
        """
        dataset = await self._datasets.get(dataset_id)
        published = require_published(dataset)
        page = None if version else await self._versions.list(dataset_id, page_size=1, page_token="")
        record = page.rows[0] if page is not None else await self._versions.get(dataset_id, version)
        recipe = await self._store.read_bytes(f"{record.artifacts}/{RECIPE}")
        revision = record.options.revision
        facts = Facts(
            dataset_id=str(dataset_id),
            run_id=str(published.run_id),
            version=record.version,
            filename=dataset.filename,
            source_sha256=dataset.sha256,
            created_at=record.created_at.isoformat(),
            kept_columns=frozenset(column for _, column in revision.cells) if revision is not None else frozenset(),
            table_sha256=await self._hash_tables(record.artifacts) if form == "croissant" else {},
        )
        async with self._slot:
            try:
                return await self._isolation.run(
                    _write_export, recipe, form, dialect, facts, deadline=EXPORT_SECONDS, memory_bytes=MEMORY_BYTES
                )
            except IsolationError as error:
                _log.warning("export failed", dataset_id=str(dataset_id), frames=getattr(error, "frames", None))
                raise Unavailable(
                    f"The recipe could not be written: {error}.", reason="EXPORT_FAILED", retry_after=5
                ) from None

    async def _hash_tables(self, artifacts: str) -> Mapping[str, str]:
        """Return the SHA-256 of both tables in Parquet."""
        hashes = {}
        for name in _HASHED_TABLES:
            digest = hashlib.sha256()
            async for piece in self._store.read(table_key(artifacts, name)):
                digest.update(piece)
            hashes[name] = digest.hexdigest()
        return hashes
