"""Removal of what is kept long enough: datasets with everything of theirs, and audit events."""

from dataclasses import dataclass
from datetime import timedelta

from shared.contracts.artifacts import DatasetKeys
from shared.db.audit import AuditTrail
from shared.db.datasets import Datasets
from shared.logs import get_logger
from shared.storage import ObjectStore

_BATCH = 100
_log = get_logger("retention")


@dataclass(frozen=True, kw_only=True)
class RetentionTimes:
    """How long something is kept; None for ever."""

    datasets: timedelta | None
    audit_events: timedelta | None


class Retention:
    """Removes what is older than the deployment keeps it."""

    def __init__(self, *, datasets: Datasets, trail: AuditTrail, store: ObjectStore, times: RetentionTimes) -> None:
        self._datasets = datasets
        self._trail = trail
        self._store = store
        self._times = times

    async def purge(self) -> int:
        """Remove what is too old, and return the number of datasets; one that is being prepared stays until it ends.

        Raises:
            Unavailable: PostgreSQL or the object store does not answer; what is left is removed the next time.
        """
        if self._times.audit_events is not None:
            await self._trail.purge(kept=self._times.audit_events)
        if self._times.datasets is None:
            return 0
        removed = 0
        while batch := await self._datasets.purge_old(kept=self._times.datasets, limit=_BATCH):
            for dataset_id in batch:
                await self._store.delete_prefix(DatasetKeys(dataset_id).prefix)
                _log.info("old dataset purged", dataset_id=str(dataset_id))
            removed += len(batch)
        return removed
