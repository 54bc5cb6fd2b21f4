"""Removing objects that no row knows: staged by processes that died, or left of datasets that are gone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.contracts.artifacts import DATASETS, DatasetKeys, owner_of
from shared.db.datasets import Datasets
from shared.logs import get_logger
from shared.storage import ObjectStore

_BATCH = 200
_log = get_logger("collector")


class OrphanCollector:
    """Compares the object store with the database."""

    def __init__(self, *, datasets: Datasets, store: ObjectStore, grace: timedelta) -> None:
        """`grace` is how long objects may wait for their row: longer than any upload or publication takes."""
        self._datasets = datasets
        self._store = store
        self._grace = grace

    async def collect(self) -> int:
        """One pass over all objects, in bounded memory; returns how many were removed.

        Raises:
            Unavailable: the store or PostgreSQL does not answer; what was found so far is removed.
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
        """Each dataset's folder and those of its runs' attempts, with the time of the newest object in them."""
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
        # Asked after listing, so that a row is never younger than the objects it is missed for.
        holdings = await self._datasets.list_object_prefixes(batch)
        oldest = datetime.now(UTC) - self._grace
        removed = 0
        for dataset_id, folders in batch.items():
            held = holdings.get(dataset_id)
            for folder, newest in folders.items():
                is_dataset = folder == DatasetKeys(dataset_id).prefix
                orphaned = held is None if is_dataset else held is not None and folder not in held
                if orphaned and newest < oldest:
                    removed += await self._store.delete_prefix(folder)
        return removed
