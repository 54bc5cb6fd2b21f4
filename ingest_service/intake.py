"""Accepting a dataset: either everything about it is stored, or nothing is."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from uuid import uuid4

from ingest_service.archive import Archive
from ingest_service.decoder import Decoder
from ingest_service.decoding import Decoded
from ingest_service.due_notifier import DueNotifier
from ingest_service.fetch import Fetcher
from ingest_service.options import UploadClaim, UploadOptions
from ingest_service.spool import Received, receive
from shared.contracts.artifacts import DatasetKeys
from shared.db.datasets import DatasetRecord, NewDataset
from shared.errors import FieldError, InvalidInput
from shared.failpoints import failpoint
from shared.logs import get_logger
from shared.outbound import OutboundGuard
from shared.scratch import Scratch

_MAX_NAME_CHARACTERS = 200
_log = get_logger("ingest")


@dataclass(frozen=True, kw_only=True)
class IntakePolicy:
    """What is taken."""

    max_bytes: int
    """Size of the largest file."""
    webhooks: OutboundGuard | None
    """Checks addresses of webhooks; None where there is no key to sign them with."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A file that has come, and how it came."""

    received: Received
    filename: str
    source_url: str | None
    request_id: str | None


class Intake:
    """Accepts files that are sent and files that are fetched."""

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

    async def upload(
        self, *, filename: str, request_id: str | None, chunks: AsyncIterator[bytes], claim: Callable[[], UploadClaim]
    ) -> DatasetRecord:
        """Accept a file that comes in chunks; `claim` is called once the chunks have ended.

        Raises:
            InvalidInput: the stream ended without its commit, or the commit disagrees with what came.
            TooLarge, Unprocessable, LimitExceeded: the file is not one the service takes.
            QuotaExceeded: the owner has used up the mode.
        """
        # Checked first, so that an outage is noticed before a large file is sent and read in vain.
        await self._archive.check()
        async with self._scratch.folder() as folder:
            received = await receive(chunks, folder / "raw", max_bytes=self._policy.max_bytes)
            await failpoint("received")
            claimed = claim()
            claimed.verify(received)
            delivery = Delivery(received=received, filename=filename, source_url=None, request_id=request_id)
            return await self._accept(folder, delivery, claimed.options)

    async def import_url(self, address: str, *, request_id: str | None, options: UploadOptions) -> DatasetRecord:
        """Fetch a file and accept it; a repeat is not fetched again.

        Raises:
            Conflict: the request_id was used for something else.
            InvalidInput: the address is not allowed.
            TooLarge, Unprocessable, LimitExceeded: the file is not there or not one the service takes.
        """
        await self._archive.check()
        repeat = await self._archive.find_repeat(request_id, options, source_url=address, sha256=None)
        if repeat is not None:
            return repeat
        async with self._scratch.folder() as folder, self._fetcher.open(address) as download:
            received = await receive(download.chunks, folder / "raw", max_bytes=self._policy.max_bytes)
            delivery = Delivery(
                received=received, filename=download.filename, source_url=address, request_id=request_id
            )
            return await self._accept(folder, delivery, options)

    async def _accept(self, folder: Path, delivery: Delivery, options: UploadOptions) -> DatasetRecord:
        # Asked before the repeat is looked for: the upload that used up the quota under the same key is found then.
        quota_error = await self._archive.quota_error(options)
        same = {"source_url": delivery.source_url, "sha256": delivery.received.sha256}
        repeat = await self._archive.find_repeat(delivery.request_id, options, **same)
        if repeat is not None:
            return repeat
        if quota_error is not None:
            raise quota_error
        await self._check_webhook(options.webhook_url)
        filename = _tidy_filename(delivery.filename)
        table = folder / "table.arrow"
        decoded = await self._decoder.decode(delivery.received.path, filename, table, options.run.reading)
        await failpoint("decoded")
        options.check_columns(decoded)
        new = _new_dataset(delivery, filename, decoded, options)
        files = {new.raw_key: delivery.received.path, new.table_key: table}
        if decoded.rejected_rows:
            files[DatasetKeys(new.id).rejects] = folder / "rejects.parquet"
        record = await self._archive.keep(new, files, options.new_run())
        if record.id != new.id:
            return await self._archive.require_same(record, options, **same)
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


def _new_dataset(delivery: Delivery, filename: str, decoded: Decoded, options: UploadOptions) -> NewDataset:
    dataset_id = uuid4()
    keys = DatasetKeys(dataset_id)
    return NewDataset(
        id=dataset_id,
        request_id=delivery.request_id,
        user_id=options.user_id,
        collaboration_id=options.collaboration_id,
        filename=filename,
        database_name=PurePath(filename).stem or filename,
        source_url=delivery.source_url,
        mode=options.run.mode,
        rows=decoded.rows,
        columns=len(decoded.columns),
        size_bytes=delivery.received.size_bytes,
        sha256=delivery.received.sha256,
        raw_key=keys.raw,
        table_key=keys.table,
        parse_plan=decoded.parse_plan(),
    )


def _tidy_filename(filename: str) -> str:
    """The last part of the name, printable, and short enough for every store."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    printable = "".join(character for character in last if character.isprintable()).strip()
    if len(printable) > _MAX_NAME_CHARACTERS:
        suffix = PurePath(printable).suffix[:20]
        printable = printable[: _MAX_NAME_CHARACTERS - len(suffix)] + suffix
    return printable or "dataset"
