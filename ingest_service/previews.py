"""Previews of datasets: how a file would be read, with its first rows; nothing is stored."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ingest_service.decoder import Decoder
from ingest_service.decoding import Preview
from ingest_service.fetch import Fetcher
from ingest_service.options import UploadOptions
from ingest_service.spool import ReceivedFile, clean_filename, receive
from ingest_service.upload_commit import UploadCommit
from shared.contracts.named_columns import check_columns
from shared.db.events import Events
from shared.scratch import Scratch


@dataclass(frozen=True, kw_only=True)
class InferredType:
    """What a column is."""

    name: str
    type: str
    why: str


InferTypes = Callable[[bytes, Mapping[str, str]], Awaitable[Sequence[InferredType]]]
"""A function that asks PipelineService what the columns of an Arrow IPC stream are, given what some of them are."""


@dataclass(frozen=True, kw_only=True)
class PreviewedFile:
    """A file as it would be read."""

    filename: str
    size_bytes: int
    preview: Preview
    columns: Sequence[InferredType]
    expected_duration: timedelta | None
    """How long a preparation will take; None if no run has completed lately."""


class Previews:
    """The use cases that read a file without accepting it."""

    def __init__(
        self,
        *,
        decoder: Decoder,
        fetcher: Fetcher,
        scratch: Scratch,
        events: Events,
        infer_types: InferTypes,
        max_bytes: int,
    ) -> None:
        self._decoder = decoder
        self._fetcher = fetcher
        self._scratch = scratch
        self._events = events
        self._infer_types = infer_types
        self._max_bytes = max_bytes

    async def preview(
        self, *, filename: str, chunks: AsyncIterator[bytes], commit: Callable[[], UploadCommit]
    ) -> PreviewedFile:
        """Read a file that comes in chunks; `commit` is called once the chunks have ended.

        Raises:
            InvalidInput: the stream ended without its commit, the commit does not match the bytes received, or an
                option names a column that the table does not have.
            TooLarge, Unprocessable, LimitExceeded: the file would not be accepted.
        """
        async with self._scratch.folder() as folder:
            received = await receive(chunks, folder / "raw", max_bytes=self._max_bytes)
            upload_commit = commit()
            upload_commit.verify_sha256(received)
            return await self._read(folder, received, filename, upload_commit.options)

    async def preview_url(self, address: str, *, options: UploadOptions) -> PreviewedFile:
        """Fetch a file and read it.

        Raises:
            InvalidInput: the address is not allowed, or an option names a column that the table does not have.
            TooLarge, Unprocessable, LimitExceeded: the file can't be fetched or would not be accepted.
        """
        async with self._scratch.folder() as folder:
            async with self._fetcher.slot(options.user_id), self._fetcher.open(address) as download:
                received = await receive(download.chunks, folder / "raw", max_bytes=self._max_bytes)
            return await self._read(folder, received, download.filename, options)

    async def _read(self, folder: Path, received: ReceivedFile, filename: str, options: UploadOptions) -> PreviewedFile:
        filename = clean_filename(filename)
        async with self._decoder.slot(options.user_id):
            preview = await self._decoder.preview(received.path, filename, folder / "table.arrow", options.run.reading)
        names = preview.decoded.columns
        check_columns(options.run, names)
        cells = preview.decoded.rows * len(names)
        return PreviewedFile(
            filename=filename,
            size_bytes=received.size_bytes,
            preview=preview,
            columns=await self._infer_types(preview.sample, options.run.resolve(names).types),
            expected_duration=await self._events.expected_duration(queue=options.queue, cells=cells),
        )
