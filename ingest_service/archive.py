"""Keeping accepted datasets: objects and rows together, or neither."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from ingest_service.options import UploadOptions
from shared.contracts.artifacts import DatasetKeys
from shared.db.datasets import DatasetRecord, Datasets, NewDataset, NewRun
from shared.db.usage import Usage
from shared.errors import Conflict, NotFound, QuotaExceeded, Unavailable
from shared.failpoints import failpoint
from shared.logs import get_logger
from shared.retry import retry_while_unavailable
from shared.shielding import await_shielded
from shared.storage import ObjectStore

ACCEPT_SECONDS = 5.0
"""How long an upload waits to learn whether it was accepted when the answer was lost."""

_log = get_logger("ingest")


class Archive:
    """Datasets in the database and their objects in the store."""

    def __init__(self, *, datasets: Datasets, store: ObjectStore, usage: Usage) -> None:
        self._datasets = datasets
        self._store = store
        self._usage = usage

    async def check(self) -> None:
        """Return if PostgreSQL answers.

        Raises:
            Unavailable: it does not.
        """
        await self._datasets.check()

    async def quota_error(self, options: UploadOptions) -> QuotaExceeded | None:
        """Return the error for an owner who has nothing left of the mode."""
        try:
            await self._usage.check(options.user_id, options.run.mode)
        except QuotaExceeded as error:
            return error
        return None

    async def find_repeat(
        self, request_id: str | None, options: UploadOptions, *, source_url: str | None, sha256: str | None
    ) -> DatasetRecord | None:
        """Return the dataset first accepted under a key, if there is one.

        Raises:
            Conflict: the key was used for something else.
        """
        first = await self._datasets.find_repeat(user_id=options.user_id, request_id=request_id)
        if first is None:
            return None
        return await self.require_same(first, options, source_url=source_url, sha256=sha256)

    async def require_same(
        self, first: DatasetRecord, options: UploadOptions, *, source_url: str | None, sha256: str | None
    ) -> DatasetRecord:
        """Return the dataset first accepted under a key, if this request is really the same.

        What is fetched is the same where its address is: what is found there may have changed since.

        Raises:
            Conflict: the request differs.
        """
        webhook_url = await self._datasets.webhook_url(first.run.id)
        same_bytes = source_url is not None or first.sha256 == sha256
        before = (first.source_url, first.run.options, first.collaboration_id, webhook_url)
        if same_bytes and before == (source_url, options.run, options.collaboration_id, options.webhook_url):
            return first
        raise Conflict(
            "This Idempotency-Key (request_id in gRPC) was used before for another file, address or option; "
            "use a new one.",
            reason="IDEMPOTENCY_KEY_REUSED",
        )

    async def keep(self, new: NewDataset, files: Mapping[str, Path], run: NewRun) -> DatasetRecord:
        """Store a dataset's objects and its rows, or nothing; the dataset first accepted where this is a repeat."""
        try:
            for key, path in files.items():
                await self._store.put_file(key, path, move=True)
            await failpoint("stored")
            record = await await_shielded(self._accept(new, run))
        except BaseException:
            await await_shielded(self._discard(new.id))
            raise
        if record.id != new.id:
            await self._store.delete_prefix(DatasetKeys(new.id).prefix)
        return record

    async def _accept(self, new: NewDataset, run: NewRun) -> DatasetRecord:
        try:
            return await self._datasets.accept(new, run, self._usage)
        except Unavailable as outage:
            # The answer may have been lost after the commit, and a second upload would be charged again.
            with suppress(NotFound, Unavailable):
                return await retry_while_unavailable(lambda: self._datasets.get(new.id), seconds=ACCEPT_SECONDS)
            raise outage

    async def _discard(self, dataset_id: UUID) -> None:
        """Remove what was stored, unless it was accepted after all: the answer to a commit can be lost on its way."""
        try:
            await self._datasets.get(dataset_id)
        except NotFound:
            await self._store.delete_prefix(DatasetKeys(dataset_id).prefix)
        except Unavailable:
            _log.warning("stored objects kept, as their dataset can't be looked up", dataset_id=str(dataset_id))
