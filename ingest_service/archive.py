"""Storage of accepted datasets: objects and rows together, or neither."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from ingest_service.options import UploadOptions
from ingest_service.recipes import RecipeShelf
from ingest_service.repeated_recipe import RepeatedRecipe
from shared.contracts.artifacts import DatasetKeys
from shared.db.datasets import DatasetRecord, Datasets, NewDataset, NewRun
from shared.db.members import Members
from shared.db.usage import Usage
from shared.errors import Conflict, NotFound, QuotaExceeded, Unavailable
from shared.failpoints import failpoint
from shared.identity.caller import Caller
from shared.logs import get_logger
from shared.retry import retry_while_unavailable
from shared.shielding import await_shielded
from shared.storage import ObjectStore

ACCEPT_SECONDS = 5.0
"""Seconds to look for the dataset when the answer to the commit was lost."""

_log = get_logger("ingest")


class Archive:
    """The datasets in the database and their objects in the store."""

    def __init__(
        self, *, datasets: Datasets, members: Members, store: ObjectStore, usage: Usage, recipes: RecipeShelf
    ) -> None:
        self._datasets = datasets
        self._members = members
        self._store = store
        self._usage = usage
        self._recipes = recipes

    async def check(self) -> None:
        """Make sure that PostgreSQL answers.

        Raises:
            Unavailable: PostgreSQL does not answer.
        """
        await self._datasets.check()

    async def check_upload(self, caller: Caller, collaboration_id: str | None) -> None:
        """Return if a caller may upload into a collaboration.

        Raises:
            PermissionDenied: the caller is no editor of it.
        """
        await self._members.check_upload(caller, collaboration_id)

    async def find_recipe(self, options: UploadOptions, caller: Caller) -> RepeatedRecipe | None:
        """Return the recipe that an upload repeats; None where it gets one of its own.

        Raises:
            NotFound, NotReady, Conflict, InvalidInput: as of `RecipeShelf.find`.
        """
        return await self._recipes.find(options, caller)

    async def quota_error(self, options: UploadOptions) -> QuotaExceeded | None:
        """Return the error if the owner has used up the mode, else None."""
        try:
            await self._usage.check(options.user_id, options.run.mode)
        except QuotaExceeded as error:
            return error
        return None

    async def find_repeat(
        self, request_id: str | None, options: UploadOptions, *, source_url: str | None, sha256: str | None
    ) -> DatasetRecord | None:
        """Return the dataset first accepted under a key, or None.

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
        """Return the dataset first accepted under a key, if the request is the same.

        A fetched file counts as the same if its address is: the content there may have changed since.

        Raises:
            Conflict: the request differs.
        """
        webhook_url = await self._datasets.webhook_url(first.run.id)
        same_bytes = source_url is not None or first.sha256 == sha256
        first_choices = (first.source_url, first.run.options, first.collaboration_id, webhook_url)
        if same_bytes and first_choices == (source_url, options.run, options.collaboration_id, options.webhook_url):
            return first
        raise Conflict(
            "This Idempotency-Key (request_id in gRPC) was used before for another file, address or option; "
            "use a new one.",
            reason="IDEMPOTENCY_KEY_REUSED",
        )

    async def store_dataset(
        self, new: NewDataset, files: Mapping[str, Path], run: NewRun, *, uploader: Caller
    ) -> DatasetRecord:
        """Store a dataset's objects and rows, or nothing.

        Returns:
            The stored dataset; for a repeated request the dataset that was accepted first.
        """
        try:
            for key, path in files.items():
                await self._store.put_file(key, path, move=True)
            await failpoint("stored")
            record = await await_shielded(self._accept(new, run, uploader))
        except BaseException:
            await await_shielded(self._discard_objects(new.id))
            raise
        if record.id != new.id:
            await self._store.delete_prefix(DatasetKeys(new.id).prefix)
        return record

    async def _accept(self, new: NewDataset, run: NewRun, uploader: Caller) -> DatasetRecord:
        try:
            return await self._datasets.accept(new, run, self._usage, uploader=uploader)
        except Unavailable as outage:
            # The answer may have been lost after the commit, and a second upload would be charged again.
            with suppress(NotFound, Unavailable):
                return await retry_while_unavailable(lambda: self._datasets.get(new.id), seconds=ACCEPT_SECONDS)
            raise outage

    async def _discard_objects(self, dataset_id: UUID) -> None:
        """Remove the stored objects, unless the dataset was accepted after all.

        The database may have committed although its answer to the commit was lost.
        """
        try:
            await self._datasets.get(dataset_id)
        except NotFound:
            await self._store.delete_prefix(DatasetKeys(dataset_id).prefix)
        except Unavailable as error:
            _log.warning("stored objects kept", dataset_id=str(dataset_id), reason=error.reason)
