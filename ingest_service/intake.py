"""Acceptance of datasets: either everything about a dataset is stored, or nothing is."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePath
from uuid import uuid4

from ingest_service.archive import Archive
from ingest_service.decoder import Decoder
from ingest_service.decoding import Decoded
from ingest_service.due_notifier import DueNotifier
from ingest_service.fetch import Fetcher
from ingest_service.metrics import DATASETS, UPLOAD_BYTES
from ingest_service.options import UploadOptions
from ingest_service.spool import ReceivedFile, clean_filename, receive
from ingest_service.upload_commit import UploadCommit
from shared.contracts.artifacts import RECIPE, DatasetKeys
from shared.contracts.named_columns import check_columns
from shared.db.datasets import DatasetRecord, NewDataset
from shared.errors import FieldError, InvalidInput
from shared.failpoints import failpoint
from shared.fair_slots import FairSlots
from shared.identity.caller import Caller
from shared.logs import get_logger
from shared.outbound import OutboundGuard
from shared.scratch import Scratch

MAX_UPLOADS = 512
"""As many as calls that a server carries."""
_WAIT_SECONDS = 5.0
_log = get_logger("ingest")


@dataclass(frozen=True, kw_only=True)
class IntakePolicy:
    """The limits and checks of uploads."""

    max_bytes: int
    """Largest file accepted, in bytes."""
    uploads_per_user: int
    """Uploads of a user at the same time."""
    webhooks: OutboundGuard | None
    """The guard that checks webhook addresses; None if there is no key to sign webhooks with."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """A received file and the request it came with."""

    received: ReceivedFile
    filename: str
    source_url: str | None
    request_id: str | None
    uploader: Caller


class Intake:
    """The use cases that accept uploaded and fetched files."""

    def __init__(
        self,
        *,
        archive: Archive,
        decoder: Decoder,
        fetcher: Fetcher,
        scratch: Scratch,
        notifier: DueNotifier,
        policy: IntakePolicy,
    ) -> None:
        self._archive = archive
        self._decoder = decoder
        self._fetcher = fetcher
        self._scratch = scratch
        self._notifier = notifier
        self._policy = policy
        self._slots = FairSlots(
            MAX_UPLOADS,
            work="uploads of yours are under way",
            wait_seconds=_WAIT_SECONDS,
            per_owner=policy.uploads_per_user,
        )

    def slot(self, uploader: Caller) -> AbstractAsyncContextManager[None]:
        """Hold the right to upload, of which each user has a few; in open mode nobody is known, and nobody limited.

        Raises:
            Unavailable: the user has too many uploads under way.
        """
        return nullcontext() if uploader.is_unrestricted else self._slots.hold(uploader.user_id)

    async def upload(
        self,
        *,
        uploader: Caller,
        filename: str,
        request_id: str | None,
        chunks: AsyncIterator[bytes],
        commit: Callable[[], UploadCommit],
    ) -> DatasetRecord:
        """Accept a file that comes in chunks; `commit` is called once the chunks have ended.

        Raises:
            InvalidInput: the stream ended without its commit, or the commit does not match the bytes received.
            TooLarge, Unprocessable, LimitExceeded: the file is not accepted.
            QuotaExceeded: the owner has used up the mode.
            PermissionDenied: the uploader is no editor of the collaboration.
        """
        # Checking first reports an outage before a large file has been sent and read in vain.
        await self._archive.check()
        async with self._scratch.folder() as folder:
            received = await receive(chunks, folder / "raw", max_bytes=self._policy.max_bytes)
            await failpoint("received")
            upload_commit = commit()
            upload_commit.verify_sha256(received)
            submission = Submission(
                received=received, filename=filename, source_url=None, request_id=request_id, uploader=uploader
            )
            return await self._accept(folder, submission, upload_commit.options)

    async def import_url(
        self, address: str, *, uploader: Caller, request_id: str | None, options: UploadOptions
    ) -> DatasetRecord:
        """Fetch a file and accept it; a repeated request is not fetched again.

        Raises:
            Conflict: the request_id was used for something else.
            InvalidInput: the address is not allowed.
            TooLarge, Unprocessable, LimitExceeded: the file can't be fetched or is not accepted.
        """
        await self._archive.check()
        await self._archive.check_upload(uploader, options.collaboration_id)
        repeat = await self._archive.find_repeat(request_id, options, source_url=address, sha256=None)
        if repeat is not None:
            return repeat
        async with self._scratch.folder() as folder:
            async with self._fetcher.slot(options.user_id), self._fetcher.open(address) as download:
                received = await receive(download.chunks, folder / "raw", max_bytes=self._policy.max_bytes)
            submission = Submission(
                received=received,
                filename=download.filename,
                source_url=address,
                request_id=request_id,
                uploader=uploader,
            )
            return await self._accept(folder, submission, options)

    async def _accept(self, folder: Path, submission: Submission, options: UploadOptions) -> DatasetRecord:
        await self._archive.check_upload(submission.uploader, options.collaboration_id)
        # The quota is checked before the repeat is looked for. If the same request used up the quota in the meantime,
        # the lookup then finds it.
        quota_error = await self._archive.quota_error(options)
        identity = {"source_url": submission.source_url, "sha256": submission.received.sha256}
        repeat = await self._archive.find_repeat(submission.request_id, options, **identity)
        if repeat is not None:
            return repeat
        if quota_error is not None:
            raise quota_error
        await self._check_webhook(options.webhook_url)
        filename = clean_filename(submission.filename)
        recipe = await self._archive.find_recipe(options, submission.uploader)
        async with self._decoder.slot(options.user_id):
            decoded, table = await self._decoder.decode_for(
                recipe, submission.received.path, filename, options.run.reading
            )
        await failpoint("decoded")
        check_columns(options.run, decoded.columns)
        new = _new_dataset(submission, filename, decoded, options)
        files = {new.raw_key: submission.received.path, new.table_key: table}
        if decoded.rejected_rows or decoded.mended_rows:
            files[DatasetKeys(new.id).rejects] = table.with_name("rejects.parquet")
        if recipe is not None:
            files[DatasetKeys(new.id).recipe] = await asyncio.to_thread(_write, folder / RECIPE, recipe.content)
        record = await self._archive.store_dataset(new, files, options.new_run(), uploader=submission.uploader)
        if record.id != new.id:
            return await self._archive.require_same(record, options, **identity)
        UPLOAD_BYTES.inc(new.size_bytes)
        DATASETS.labels(options.run.mode).inc()
        _log.info(
            "dataset accepted", dataset_id=str(record.id), rows=new.rows, columns=new.columns, bytes=new.size_bytes
        )
        await failpoint("accepted")
        self._notifier.notify_soon(record.run.id)
        return record

    async def _check_webhook(self, address: str | None) -> None:
        if address is None:
            return
        guard = self._policy.webhooks
        if guard is None:
            raise InvalidInput(
                "webhook_url can't be used: this service has no key to sign webhooks with (WEBHOOK_SECRET).",
                reason="WEBHOOKS_NOT_SET_UP",
                fields=[FieldError(field="webhook_url", detail="webhooks are not set up here")],
            )
        await guard.check(guard.parse(address))


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _new_dataset(submission: Submission, filename: str, decoded: Decoded, options: UploadOptions) -> NewDataset:
    dataset_id = uuid4()
    keys = DatasetKeys(dataset_id)
    return NewDataset(
        id=dataset_id,
        request_id=submission.request_id,
        user_id=options.user_id,
        collaboration_id=options.collaboration_id,
        filename=filename,
        database_name=PurePath(filename).stem or filename,
        source_url=submission.source_url,
        mode=options.run.mode,
        rows=decoded.rows,
        columns=len(decoded.columns),
        size_bytes=submission.received.size_bytes,
        sha256=submission.received.sha256,
        raw_key=keys.raw,
        table_key=keys.table,
        parse_plan=decoded.parse_plan(),
    )
