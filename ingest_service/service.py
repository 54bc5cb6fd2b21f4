"""Accepting a dataset: either everything about it is stored, or nothing is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from uuid import UUID, uuid4

from ingest_service.decoding import Choices, Decoded, Limits, decode_file
from ingest_service.fetch import Fetcher
from ingest_service.options import Commit, Options
from ingest_service.spool import Received, receive
from shared.db.datasets import DatasetRecord, Datasets, NewDataset, NewRun
from shared.db.paging import Page
from shared.db.runs import Runs
from shared.db.usage import ModeUsage, Usage
from shared.errors import (
    Conflict,
    FieldError,
    InvalidInput,
    NotFound,
    QuotaExceeded,
    ServiceError,
    Unavailable,
    Unprocessable,
)
from shared.failpoints import failpoint
from shared.isolation import ChildDied, DeadlineExceeded, Isolation, OutOfMemory
from shared.logs import get_logger
from shared.outbound import Outside
from shared.retry import wait_out
from shared.scratch import Scratch
from shared.shielding import see_through
from shared.storage import ObjectStore

ACCEPT_SECONDS = 5.0
"""How long an upload waits to hear whether it was accepted when the answer was lost."""

DECODE_SECONDS = 120.0
_MAX_NAME_CHARACTERS = 200
_log = get_logger("ingest")

Ring = Callable[[UUID], Awaitable[None]]
"""Tells PipelineService that a run is due; a failure of it is no failure of the upload."""


class Ingest:
    """Accepts datasets and tells where they stand."""

    def __init__(
        self,
        *,
        datasets: Datasets,
        runs: Runs,
        store: ObjectStore,
        isolation: Isolation,
        fetcher: Fetcher,
        ring: Ring,
        limits: Limits,
        max_bytes: int,
        memory_bytes: int,
        scratch: Scratch,
        usage: Usage,
        decoders: int = 2,
        webhooks: Outside | None = None,
    ) -> None:
        """`decoders` files are read at once, each in up to `memory_bytes`; the others wait.

        `webhooks` checks addresses that want to be told of the end; None where nobody can be told.
        """
        self._datasets = datasets
        self._runs = runs
        self._store = store
        self._isolation = isolation
        self._fetcher = fetcher
        self._ring = ring
        self._limits = limits
        self._max_bytes = max_bytes
        self._memory_bytes = memory_bytes
        self._scratch = scratch
        self._usage = usage
        self._webhooks = webhooks
        self._decoders = asyncio.Semaphore(decoders)
        self._ringing: set[asyncio.Task[None]] = set()

    async def upload(
        self, *, filename: str, request_id: str | None, chunks: AsyncIterator[bytes], commit: Callable[[], Commit]
    ) -> DatasetRecord:
        """Accept a file that comes in chunks; `commit` is asked once the chunks have ended.

        Raises:
            InvalidInput: the stream ended without its commit, or the commit disagrees with what came.
            TooLarge, Unprocessable, LimitExceeded: the file is not one the service takes.
            QuotaExceeded: the owner has used up the mode.
        """
        # Asked first, so that an outage is told before a large file is sent and read in vain.
        await self._datasets.check()
        async with self._scratch.folder() as place:
            received = await receive(chunks, place / "raw", max_bytes=self._max_bytes)
            await failpoint("received")
            promise = commit()
            promise.check(received)
            return await self._accept(place, received, filename, None, request_id, promise.options)

    async def import_url(self, address: str, *, request_id: str | None, options: Options) -> DatasetRecord:
        """Fetch a file and accept it; a repeat is not fetched again.

        Raises:
            Conflict: the request_id was used for something else.
            InvalidInput: the address is not allowed.
            TooLarge, Unprocessable, LimitExceeded: the file is not there or not one the service takes.
        """
        await self._datasets.check()
        repeat = await self._repeat(request_id, options, source_url=address, sha256=None)
        if repeat is not None:
            return repeat
        async with self._scratch.folder() as place, self._fetcher.open(address) as download:
            received = await receive(download.chunks, place / "raw", max_bytes=self._max_bytes)
            return await self._accept(place, received, download.filename, address, request_id, options)

    async def get(self, dataset_id: UUID) -> DatasetRecord:
        """One dataset and its run."""
        return await self._datasets.get(dataset_id)

    async def list(
        self, *, user_id: str, collaboration_id: str, page_size: int, page_token: str
    ) -> Page[DatasetRecord]:
        """A page of datasets, newest first."""
        return await self._datasets.list(
            user_id=user_id, collaboration_id=collaboration_id, page_size=page_size, page_token=page_token
        )

    async def cancel(self, dataset_id: UUID) -> DatasetRecord:
        """Call a preparation off; one that is called off already stays so.

        Raises:
            Conflict: it has ended.
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
        """Prepare a dataset again whose preparation failed or was called off.

        Raises:
            Conflict: it has done neither.
            QuotaExceeded: the owner has used up the mode.
        """
        record = await self._datasets.get(dataset_id)
        if not await self._datasets.renew(record, self._usage):
            raise Conflict(
                "Only a preparation that failed or was cancelled can be tried again.",
                reason="RUN_HAS_NOT_FAILED",
                metadata={"dataset_id": str(dataset_id)},
            )
        _log.info("dataset retried", dataset_id=str(dataset_id))
        self._ring_soon(record.run.id)
        return await self._datasets.get(dataset_id)

    async def delete(self, dataset_id: UUID) -> None:
        """Remove a dataset with everything that was stored for it."""
        await self._datasets.delete(dataset_id)
        _log.info("dataset deleted", dataset_id=str(dataset_id))
        try:
            await self._store.delete_prefix(_prefix(dataset_id))
        except Unavailable as error:
            _log.warning("objects of a deleted dataset kept", dataset_id=str(dataset_id), reason=error.reason)

    async def usage(self, user_id: str) -> Sequence[ModeUsage]:
        """What a user has used of the modes that ask a language model."""
        return await self._usage.of(user_id)

    async def _accept(
        self,
        place: Path,
        received: Received,
        filename: str,
        source_url: str | None,
        request_id: str | None,
        options: Options,
    ) -> DatasetRecord:
        # Asked before the repeat is looked for: whoever used up the quota under the same key is found then.
        used_up = await self._used_up(options)
        repeat = await self._repeat(request_id, options, source_url=source_url, sha256=received.sha256)
        if repeat is not None:
            return repeat
        if used_up is not None:
            raise used_up
        await self._check_webhook(options.webhook_url)
        name = _tidy_filename(filename)
        table = place / "table.arrow"
        decoded = await self._decode(received.path, name, table, options.reading)
        await failpoint("decoded")
        options.check_columns(decoded)
        dataset_id = uuid4()
        prefix = _prefix(dataset_id)
        new = NewDataset(
            id=dataset_id,
            request_id=request_id,
            user_id=options.user_id,
            collaboration_id=options.collaboration_id,
            filename=name,
            database_name=PurePath(name).stem or name,
            source_url=source_url,
            mode=options.mode,
            rows=decoded.rows,
            columns=len(decoded.columns),
            size_bytes=received.size_bytes,
            sha256=received.sha256,
            raw_key=f"{prefix}/raw",
            table_key=f"{prefix}/table.arrow",
            parse_plan=_parse_plan(decoded),
        )
        files = {new.raw_key: received.path, new.table_key: table}
        if decoded.rejected_rows:
            files[f"{prefix}/rejects.parquet"] = place / "rejects.parquet"
        record = await self._keep(new, files, options.new_run())
        if record.id != dataset_id:
            await self._store.delete_prefix(prefix)
            return await self._same(record, options, source_url=source_url, sha256=received.sha256)
        _log.info(
            "dataset accepted", dataset_id=str(record.id), rows=new.rows, columns=new.columns, bytes=new.size_bytes
        )
        await failpoint("accepted")
        self._ring_soon(record.run.id)
        return record

    async def _used_up(self, options: Options) -> QuotaExceeded | None:
        """The error for an owner who has nothing left of the mode."""
        try:
            await self._usage.check(options.user_id, options.mode)
        except QuotaExceeded as error:
            return error
        return None

    async def _keep(self, new: NewDataset, files: Mapping[str, Path], run: NewRun) -> DatasetRecord:
        """Store a dataset's objects and its rows, or nothing; the one first accepted where this is a repeat."""
        try:
            for key, path in files.items():
                await self._store.put_file(key, path, move=True)
            await failpoint("stored")
            return await see_through(self._accept_rows(new, run))
        except BaseException:
            await see_through(self._discard(new.id))
            raise

    async def _accept_rows(self, new: NewDataset, run: NewRun) -> DatasetRecord:
        try:
            return await self._datasets.accept(new, run, self._usage)
        except Unavailable as outage:
            # The answer may have been lost after the commit, and a second upload would be charged again.
            with suppress(NotFound, Unavailable):
                return await wait_out(lambda: self._datasets.get(new.id), seconds=ACCEPT_SECONDS)
            raise outage

    async def _repeat(
        self, request_id: str | None, options: Options, *, source_url: str | None, sha256: str | None
    ) -> DatasetRecord | None:
        """The dataset first accepted under a key, if there is one."""
        first = await self._datasets.find_repeat(user_id=options.user_id, request_id=request_id)
        return None if first is None else await self._same(first, options, source_url=source_url, sha256=sha256)

    async def _same(
        self, first: DatasetRecord, options: Options, *, source_url: str | None, sha256: str | None
    ) -> DatasetRecord:
        """The dataset first accepted under a key, if this request is really the same.

        What is fetched is the same where its address is: what is found there may have changed since.
        """
        told = await self._datasets.webhook_url(first.run.id)
        same_bytes = source_url is not None or first.sha256 == sha256
        before = (first.source_url, first.run.options, first.collaboration_id, told)
        if same_bytes and before == (source_url, options.of_run(), options.collaboration_id, options.webhook_url):
            return first
        raise Conflict(
            "This Idempotency-Key (request_id in gRPC) was used before for another file, address or option; "
            "use a new one.",
            reason="IDEMPOTENCY_KEY_REUSED",
        )

    async def _check_webhook(self, address: str | None) -> None:
        if address is None:
            return
        if self._webhooks is None:
            raise InvalidInput(
                "webhook_url can't be used: this service has no key to sign webhooks with (WEBHOOK_SECRET).",
                reason="WEBHOOKS_NOT_SET_UP",
                fields=[FieldError(field="webhook_url", description="webhooks are not set up here")],
            )
        await self._webhooks.check(self._webhooks.parse(address))

    async def _decode(self, path: Path, filename: str, target: Path, choices: Choices) -> Decoded:
        try:
            async with self._decoders:
                return await self._isolation.run(
                    decode_file,
                    path,
                    filename,
                    target,
                    self._limits,
                    choices,
                    deadline=DECODE_SECONDS,
                    memory_bytes=self._memory_bytes,
                )
        except DeadlineExceeded:
            raise Unprocessable(
                f"The file could not be read within {DECODE_SECONDS:.0f} seconds.", reason="DECODING_TIMED_OUT"
            ) from None
        except OutOfMemory:
            raise Unprocessable(
                "The file needs more memory to be read than is allowed.", reason="DECODING_TOO_LARGE"
            ) from None
        except ChildDied as error:
            if error.by_others:
                raise Unavailable(
                    "The process that read the file was killed; please try again.",
                    reason="PROCESS_DIED",
                    retry_after=1,
                ) from None
            raise Unprocessable("The file broke its reader; please check that it is a table.") from None

    async def _discard(self, dataset_id: UUID) -> None:
        """Remove what was stored, unless it was accepted after all: the answer to a commit can be lost on its way."""
        try:
            await self._datasets.get(dataset_id)
        except NotFound:
            await self._store.delete_prefix(_prefix(dataset_id))
        except Unavailable:
            _log.warning("stored objects kept, as their dataset can't be looked up", dataset_id=str(dataset_id))

    def _ring_soon(self, run_id: UUID) -> None:
        task = asyncio.create_task(self._try_ring(run_id))
        self._ringing.add(task)
        task.add_done_callback(self._ringing.discard)

    async def _try_ring(self, run_id: UUID) -> None:
        try:
            await self._ring(run_id)
        except ServiceError as error:
            _log.warning("doorbell not rung; the reconciler will find the run", run_id=str(run_id), reason=error.reason)


def _prefix(dataset_id: UUID) -> str:
    """Where the objects of a dataset lie."""
    return f"datasets/{dataset_id}"


def _tidy_filename(filename: str) -> str:
    """The last part of the name, printable, and short enough for every store."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    printable = "".join(character for character in last if character.isprintable()).strip()
    if len(printable) > _MAX_NAME_CHARACTERS:
        suffix = PurePath(printable).suffix[:20]
        printable = printable[: _MAX_NAME_CHARACTERS - len(suffix)] + suffix
    return printable or "dataset"


def _parse_plan(decoded: Decoded) -> dict[str, object]:
    return {
        "format": decoded.format,
        "encoding": decoded.encoding,
        "delimiter": decoded.delimiter,
        "notes": list(decoded.notes),
        "compression": decoded.compression,
        "header_row": decoded.header_row,
        "sheet": decoded.sheet,
        "rejected_rows": decoded.rejected_rows,
    }
