"""Removing objects that no row knows: staged by processes that died, or left of datasets that are gone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.db.datasets import Datasets
from shared.logs import get_logger
from shared.storage import ObjectStore

_BATCH = 200
_log = get_logger("collector")


class Collector:
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
        async for info in self._store.list("datasets"):
            parts = info.key.split("/")
            dataset_id = _dataset_id(parts)
            if dataset_id is None:
                continue
            if dataset_id != current:
                if current is not None:
                    yield current, folders
                current, folders = dataset_id, {}
            for folder in _folders_of(parts):
                folders[folder] = max(folders.get(folder, info.modified_at), info.modified_at)
        if current is not None:
            yield current, folders

    async def _remove_orphans(self, batch: dict[UUID, dict[str, datetime]]) -> int:
        # Asked after listing, so that a row is never younger than the objects it is missed for.
        holdings = await self._datasets.holdings(batch)
        oldest = datetime.now(UTC) - self._grace
        removed = 0
        for dataset_id, folders in batch.items():
            held = holdings.get(dataset_id)
            for folder, newest in folders.items():
                whole = folder.count("/") == 1
                orphaned = held is None if whole else held is not None and folder not in held
                if orphaned and newest < oldest:
                    removed += await self._store.delete_prefix(folder)
        return removed


def _dataset_id(parts: list[str]) -> UUID | None:
    try:
        return UUID(parts[1])
    except (ValueError, IndexError):
        return None


def _folders_of(parts: list[str]) -> list[str]:
    """`datasets/<id>`, and `datasets/<id>/runs/<run>/<token>` for what an attempt made."""
    folders = ["/".join(parts[:2])]
    if len(parts) > 5 and parts[2] == "runs":
        folders.append("/".join(parts[:5]))
    return folders
