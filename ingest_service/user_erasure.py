"""The use case of removing all that a user owns."""

from contextlib import suppress

from shared.contracts.artifacts import DatasetKeys
from shared.db.datasets import Datasets
from shared.db.erasure import Erasure
from shared.errors import NotFound
from shared.logs import get_logger
from shared.storage import ObjectStore

_BATCH = 100
_log = get_logger("ingest")


class UserErasure:
    """Removes datasets with their objects, and then what else the database holds of a user."""

    def __init__(self, *, datasets: Datasets, store: ObjectStore, erasure: Erasure) -> None:
        self._datasets = datasets
        self._store = store
        self._erasure = erasure

    async def erase(self, user_id: str) -> int:
        """Remove all that a user owns, and return the number of datasets.

        Raises:
            Unavailable: a part did not answer; what is left is removed by a repeat.
        """
        removed = await self._remove_datasets(user_id)
        while not await self._erasure.erase(user_id):  # another was accepted meanwhile
            removed += await self._remove_datasets(user_id)
        _log.info("user erased", datasets=removed)
        return removed

    async def _remove_datasets(self, user_id: str) -> int:
        removed = 0
        while ids := await self._datasets.ids_of(user_id, limit=_BATCH):
            for dataset_id in ids:
                # The objects go first: without its row, nobody would know whose they were.
                await self._store.delete_prefix(DatasetKeys(dataset_id).prefix)
                with suppress(NotFound):  # deleted meanwhile
                    await self._datasets.delete(dataset_id)
                # What a worker stored in between.
                await self._store.delete_prefix(DatasetKeys(dataset_id).prefix)
                removed += 1
        return removed
