"""Removal of orphaned objects: staged by processes that died, or left over from removed datasets."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.contracts.artifacts import DATASETS, DatasetKeys, owner_of
from shared.db.datasets import Datasets
from shared.logs import get_logger
from shared.storage import ObjectStore

_BATCH = 200
_log = get_logger("garbage_collector")


class OrphanCollector:
    """Removes the objects of the store that no row of the database refers to."""

    def __init__(self, *, datasets: Datasets, store: ObjectStore, grace: timedelta) -> None:
        """Create a collector.

        Args:
            datasets: the table of datasets.
            store: the object store.
            grace: how long an object may exist without a row; longer than any upload or publication takes.
        """
        self._datasets = datasets
        self._store = store
        self._grace = grace

    async def collect(self) -> int:
        """Check all objects once, in bounded memory, and return how many were removed.

        Raises:
            Unavailable: the store or PostgreSQL does not answer; orphans of earlier batches are removed by then.
        """
        removed = await self._store.sweep()
        batch: dict[UUID, dict[str, datetime]] = {}
        async for dataset_id, folders in self._folders():
            batch[dataset_id] = folders
            if len(batch) == _BATCH:
                removed += await self._remove_orphans(batch)
                batch = {}
        removed += await self._remove_orphans(batch)
        if removed:
            _log.info("orphaned objects removed", count=removed)
        return removed

    async def _folders(self) -> AsyncIterator[tuple[UUID, dict[str, datetime]]]:
        """Yield each dataset with its folders: its own and one per attempt, with the time of the newest object."""
        current: UUID | None = None
        folders: dict[str, datetime] = {}
        async for info in self._store.list(DATASETS):
            owner = owner_of(info.key)
            if owner is None:
                continue
            if owner.dataset_id != current:
                if current is not None:
                    yield current, folders
                current, folders = owner.dataset_id, {}
            for folder in (DatasetKeys(owner.dataset_id).prefix, owner.attempt):
                if folder is not None:
                    folders[folder] = max(folders.get(folder, info.modified_at), info.modified_at)
        if current is not None:
            yield current, folders

    async def _remove_orphans(self, batch: dict[UUID, dict[str, datetime]]) -> int:
        # The rows are read after the objects were listed, so that no object looks orphaned because its row is newer.
        holdings = await self._datasets.list_object_prefixes(batch)
        cutoff = datetime.now(UTC) - self._grace
        removed = 0
        for dataset_id, folders in batch.items():
            held_folders = holdings.get(dataset_id)
            for folder, modified_at in folders.items():
                if _is_orphaned(folder, dataset_id, held_folders) and modified_at < cutoff:
                    removed += await self._store.delete_prefix(folder)
        return removed


def _is_orphaned(folder: str, dataset_id: UUID, held_folders: set[str] | None) -> bool:
    """Return True if no row refers to a folder; `held_folders` is None if the dataset itself has no row."""
    if folder == DatasetKeys(dataset_id).prefix:
        return held_folders is None
    return held_folders is not None and folder not in held_folders
