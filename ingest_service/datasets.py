"""Use cases of accepted datasets."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from ingest_service.decoding import read_column_names
from ingest_service.due_notifier import DueNotifier
from ingest_service.options import UploadOptions
from shared.contracts.artifacts import DatasetKeys
from shared.contracts.named_columns import check_columns
from shared.contracts.vocabulary import ENDED_STATES
from shared.db.datasets import DatasetRecord, Datasets
from shared.db.paging import Page
from shared.db.runs import Runs
from shared.db.usage import ModeUsage, Usage
from shared.errors import Conflict, Unavailable
from shared.identity.caller import Caller
from shared.logs import get_logger
from shared.scratch import Scratch
from shared.storage import ObjectStore

_log = get_logger("ingest")


class AcceptedDatasets:
    """The use cases that show, cancel, retry, prepare again and delete datasets."""

    def __init__(
        self,
        *,
        datasets: Datasets,
        runs: Runs,
        store: ObjectStore,
        usage: Usage,
        scratch: Scratch,
        notifier: DueNotifier,
    ) -> None:
        self._datasets = datasets
        self._runs = runs
        self._store = store
        self._usage = usage
        self._scratch = scratch
        self._notifier = notifier

    async def get(self, dataset_id: UUID) -> DatasetRecord:
        """Return a dataset and its run."""
        return await self._datasets.get(dataset_id)

    async def list(
        self, caller: Caller, *, user_id: str, collaboration_id: str, page_size: int, page_token: str
    ) -> Page[DatasetRecord]:
        """Return a page of the datasets that a caller may see, newest first."""
        return await self._datasets.list(
            user_id=user_id,
            collaboration_id=collaboration_id,
            visible_to=caller,
            page_size=page_size,
            page_token=page_token,
        )

    async def cancel(self, dataset_id: UUID) -> DatasetRecord:
        """Cancel a preparation; do nothing if it is cancelled already.

        Raises:
            Conflict: the preparation has ended.
        """
        record = await self._datasets.get(dataset_id)
        if await self._runs.cancel(record.run.id):
            _log.info("dataset cancelled", dataset_id=str(dataset_id))
        record = await self._datasets.get(dataset_id)
        if record.run.state != "cancelled":
            raise Conflict(
                f"The preparation has {record.run.state} and can't be called off any more.",
                reason="RUN_HAS_ENDED",
                metadata={"dataset_id": str(dataset_id)},
            )
        return record

    async def retry(self, dataset_id: UUID) -> DatasetRecord:
        """Prepare a dataset again whose preparation failed or was cancelled.

        Raises:
            Conflict: the preparation neither failed nor was cancelled.
            QuotaExceeded: the owner has used up the mode.
        """
        record = await self._datasets.get(dataset_id)
        if not await self._datasets.requeue(record, self._usage):
            raise Conflict(
                "Only a preparation that failed or was cancelled can be tried again.",
                reason="RUN_HAS_NOT_FAILED",
                metadata={"dataset_id": str(dataset_id)},
            )
        _log.info("dataset retried", dataset_id=str(dataset_id))
        self._notifier.notify_soon(record.run.id)
        return await self._datasets.get(dataset_id)

    async def apply(self, dataset_id: UUID) -> DatasetRecord:
        """Complete a preparation that is proposed: its results stay as they are.

        Raises:
            Conflict: nothing is proposed.
        """
        await self._datasets.get(dataset_id)
        if not await self._datasets.apply(dataset_id):
            raise Conflict(
                "Nothing is proposed; a dataset that is uploaded or prepared with review=true is.",
                reason="NOT_PROPOSED",
                metadata={"dataset_id": str(dataset_id)},
            )
        _log.info("proposal applied", dataset_id=str(dataset_id))
        return await self._datasets.get(dataset_id)

    async def prepare(self, dataset_id: UUID, options: UploadOptions, caller: Caller) -> DatasetRecord:
        """Prepare the stored table again with other options, once its preparation has ended.

        Raises:
            InvalidInput: the options name a column that the table has not.
            Conflict: the preparation has not ended.
            QuotaExceeded: the owner has used up the mode.
        """
        record = await self._datasets.get(dataset_id)
        if record.run.state not in ENDED_STATES:
            raise not_ended(dataset_id)
        if any(options.run.named_columns().values()):
            check_columns(options.run, await self._read_columns(record.table_key))
        run_options = options.run.model_copy(update={"reading": record.run.options.reading, "author": caller.user_id})
        if not await self._datasets.prepare_again(record, self._usage, options=run_options, queue=options.queue):
            raise not_ended(dataset_id)
        _log.info("dataset prepared again", dataset_id=str(dataset_id), mode=run_options.mode)
        self._notifier.notify_soon(record.run.id)
        return await self._datasets.get(dataset_id)

    async def _read_columns(self, table_key: str) -> tuple[str, ...]:
        async with self._scratch.folder() as folder, self._store.local_copy(table_key, scratch=folder) as path:
            return await asyncio.to_thread(read_column_names, path)

    async def delete(self, dataset_id: UUID) -> None:
        """Delete a dataset with everything that was stored for it."""
        await self._datasets.delete(dataset_id)
        _log.info("dataset deleted", dataset_id=str(dataset_id))
        try:
            await self._store.delete_prefix(DatasetKeys(dataset_id).prefix)
        except Unavailable as error:
            _log.warning("objects of a deleted dataset kept", dataset_id=str(dataset_id), reason=error.reason)

    async def get_usage(self, user_id: str) -> Sequence[ModeUsage]:
        """Return a user's usage of the modes that ask a language model."""
        return await self._usage.of(user_id)


def not_ended(dataset_id: UUID) -> Conflict:
    """Return the error for a dataset that is being prepared."""
    return Conflict(
        "The dataset is being prepared; wait for the end, or call the preparation off first.",
        reason="RUN_HAS_NOT_ENDED",
        metadata={"dataset_id": str(dataset_id)},
    )
