"""Uploads: request body → form parser → chunks → gRPC stream, never holding more than a few chunks."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from python_multipart.multipart import parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from gateway.clients.ingest import IngestClient
from gateway.convert import requests as convert
from gateway.schemas.datasets import UploadedDataset
from gateway.schemas.preview import Preview
from gateway.upload.fields import FILE_FIELD, UploadForm, UploadOptions, max_field_bytes
from gateway.upload.multipart import Event, MultipartReader, PartBegan, PartData
from shared.errors import FieldError, InvalidInput, ServiceError, TooLarge
from shared.failpoints import failpoint
from shared.fair_slots import FairSlots
from shared.rpc.channel import CHUNK_BYTES

MIN_BYTES_PER_SECOND = 1024
"""Bytes a second that an upload must bring on average, once it has lasted as long as a client may send nothing."""

WAIT_SECONDS = 5.0
"""How long an upload waits for a slot, so that a burst of small ones gets through."""

MAX_IMPORTS = 16
"""Datasets being fetched at the same time; they have slots of their own, as the fetched server sets the pace."""

SMALL_BODY_BYTES = 64 * 1024
"""Largest body without a file, and the most a form may add to its file."""

DEFAULT_FILENAME = "dataset.csv"

_Answer = TypeVar("_Answer")


class Uploads:
    """Carries uploads to IngestService; their number, size and memory are bounded."""

    def __init__(self, ingest: IngestClient, *, max_bytes: int, max_concurrent: int, idle_seconds: float) -> None:
        """`idle_seconds` is how long a client may send nothing."""
        self._ingest = ingest
        self._idle_seconds = idle_seconds
        self._max_bytes = max_bytes
        # A client, known by its address, can't take all of them.
        self._body_slots = _slots(max_concurrent)
        self._import_slots = _slots(MAX_IMPORTS)

    async def accept(self, request: Request, query: UploadOptions, *, request_id: str) -> UploadedDataset:
        """Carry one request's dataset.

        Raises:
            ServiceError, HTTPException, ClientDisconnect: as `preview`; nothing is stored then.
        """

        def import_dataset(options: UploadOptions) -> Coroutine[None, None, UploadedDataset]:
            return self._ingest.import_dataset(options, request_id=request_id)

        return await self._carry(request, query, Calls(self._ingest.upload, import_dataset), request_id)

    async def preview(self, request: Request, query: UploadOptions) -> Preview:
        """Carry one request's dataset to be read only.

        Raises:
            ServiceError: whatever is wrong with the request, or what the service answered.
            HTTPException: 408 where the client falls silent, 415 where the body is of no known type.
            ClientDisconnect: where the client goes away.
        """
        return await self._carry(request, query, Calls(self._ingest.preview, self._ingest.preview_import), "")

    async def _carry(self, request: Request, query: UploadOptions, calls: "Calls[_Answer]", request_id: str) -> _Answer:
        media_type, options = parse_options_header(request.headers.get("content-type"))
        self._refuse_early(request)
        # A slot is for who has proved who it is: strangers could hold all of them with a few bytes.
        await self._ingest.authenticate()
        form = UploadForm(query)
        async with self._body_slots.hold(_client(request)):
            if media_type == b"multipart/form-data":
                transfer = Transfer(calls.send, max_bytes=self._max_bytes, request_id=request_id)
                if await self._send_file(request, form, options.get(b"boundary", b""), transfer):
                    return transfer.result()
            else:
                _fill(form, media_type, await self._small_body(request))
        form.require_address()
        async with self._import_slots.hold(_client(request)):
            return await _while_connected(request, calls.fetch(form.options()))

    def _refuse_early(self, request: Request) -> None:
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._max_bytes + SMALL_BODY_BYTES:
            raise too_large(self._max_bytes)
        if request.headers.get("content-encoding", "identity") != "identity":
            raise HTTPException(415, "The body must not be compressed.")

    async def _body(self, request: Request, max_bytes: int, refusal: TooLarge) -> AsyncIterator[bytes]:
        """The body as it arrives; `refusal` is raised when it exceeds the limit."""
        stream = request.stream()
        received = 0
        loop = asyncio.get_running_loop()
        started = loop.time()
        while True:
            try:
                async with asyncio.timeout(self._idle_seconds):
                    piece = await anext(stream, b"")
            except TimeoutError:
                raise HTTPException(408, f"Nothing arrived for {self._idle_seconds:.0f} seconds.") from None
            if not piece:
                return
            received += len(piece)
            elapsed = loop.time() - started
            if elapsed > self._idle_seconds and received < elapsed * MIN_BYTES_PER_SECOND:
                raise HTTPException(408, f"Less than {MIN_BYTES_PER_SECOND:,} bytes a second arrived.")
            if received > max_bytes:
                raise refusal
            yield piece

    async def read_document(self, request: Request, *, max_bytes: int) -> bytes:
        """Return the body of a request that is a JSON document.

        Raises:
            TooLarge: it has more bytes.
            ServiceError, HTTPException: as `preview`.
        """
        if parse_options_header(request.headers.get("content-type"))[0] != b"application/json":
            raise HTTPException(415, "Send application/json.")
        self._refuse_early(request)
        await self._ingest.authenticate()
        refusal = TooLarge(f"The body may have {max_bytes:,} bytes.", reason="BODY_TOO_LARGE")
        body = bytearray()
        async with self._body_slots.hold(_client(request)):
            async for piece in self._body(request, max_bytes, refusal):
                body += piece
        return bytes(body)

    async def _small_body(self, request: Request) -> bytes:
        body = bytearray()
        refusal = TooLarge(f"Without a file, the body may have {SMALL_BODY_BYTES:,} bytes.", reason="BODY_TOO_LARGE")
        async for piece in self._body(request, SMALL_BODY_BYTES, refusal):
            body += piece
        return bytes(body)

    async def _send_file(
        self, request: Request, form: UploadForm, boundary: bytes, transfer: "Transfer[_Answer]"
    ) -> bool:
        """Send the file of a form; False if it has none."""
        parts = MultipartReader(boundary)
        try:
            # When the service or the reading fails, the group cancels the other.
            async with asyncio.TaskGroup() as tasks:
                reader = FormReader(form, transfer, tasks)
                async for piece in self._body(request, self._max_bytes + SMALL_BODY_BYTES, too_large(self._max_bytes)):
                    for event in parts.feed(piece):
                        await reader.take(event)
                parts.finish()
                if transfer.answer is not None:
                    await failpoint("uploading")
                    await transfer.commit(form.options())
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        return transfer.answer is not None


def _slots(size: int) -> FairSlots:
    return FairSlots(size, work="uploads are under way", wait_seconds=WAIT_SECONDS, per_owner=max(1, size // 2))


def _client(request: Request) -> str:
    """Return the address that a request comes from."""
    return request.client.host if request.client else ""


async def _while_connected(request: Request, call: Coroutine[None, None, _Answer]) -> _Answer:
    """Return the result of a call, which is cancelled when the client goes away; the body was read before.

    Raises:
        ClientDisconnect: the client went away.
    """
    answer, departure = asyncio.ensure_future(call), asyncio.ensure_future(_departure(request))
    try:
        await asyncio.wait({answer, departure}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClientDisconnect
        return answer.result()
    finally:
        for task in (answer, departure):
            task.cancel()
        await asyncio.gather(answer, departure, return_exceptions=True)


async def _departure(request: Request) -> None:
    """Return once the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


@dataclass(frozen=True)
class Calls(Generic[_Answer]):
    """The calls that carry a dataset, as a file or as an address."""

    send: Callable[[AsyncIterator[convert.UploadPart]], Coroutine[None, None, _Answer]]
    fetch: Callable[[UploadOptions], Coroutine[None, None, _Answer]]


class Transfer(Generic[_Answer]):
    """One call with a file, fed through a queue of one chunk, so that a slow service slows the client down."""

    def __init__(
        self,
        send: Callable[[AsyncIterator[convert.UploadPart]], Coroutine[None, None, _Answer]],
        *,
        max_bytes: int,
        request_id: str,
    ) -> None:
        self._send = send
        self._max_bytes = max_bytes
        self._request_id = request_id
        self._queue: asyncio.Queue[convert.UploadPart | None] = asyncio.Queue(maxsize=1)
        self._buffer = bytearray()
        self._digest = hashlib.sha256()
        self._size = 0
        self._committed = False
        self.answer: asyncio.Task[_Answer] | None = None
        """The call, once it is open."""

    def result(self) -> _Answer:
        """Return what the service answered, once the call has ended."""
        if self.answer is None:
            raise RuntimeError("the call was never opened")
        return self.answer.result()

    async def open(self, filename: str, tasks: asyncio.TaskGroup) -> None:
        """Start the call."""
        self.answer = tasks.create_task(self._call())
        await self._queue.put(convert.upload_header(filename=filename, request_id=self._request_id))

    async def write(self, data: bytes) -> None:
        """Send the next bytes; waits while the service is behind.

        Raises:
            TooLarge: where the file exceeds the limit.
        """
        self._size += len(data)
        if self._size > self._max_bytes:
            raise too_large(self._max_bytes)
        self._buffer += data
        while len(self._buffer) >= CHUNK_BYTES:
            await self._send_chunk()

    async def commit(self, options: UploadOptions) -> None:
        """Send what is left and make the upload count."""
        if self._buffer:
            await self._send_chunk()
        self._committed = True
        message = convert.upload_commit(size_bytes=self._size, sha256=self._digest.hexdigest(), options=options)
        await self._queue.put(message)
        await self._queue.put(None)

    async def _send_chunk(self) -> None:
        chunk = bytes(memoryview(self._buffer)[:CHUNK_BYTES])
        del self._buffer[:CHUNK_BYTES]
        self._digest.update(chunk)
        await self._queue.put(convert.upload_chunk(chunk))

    async def _call(self) -> _Answer:
        try:
            answer = await self._send(self._parts())
        finally:
            self._end_parts()
        if not self._committed:
            raise ServiceError("ingest answered before the commit")
        return answer

    async def _parts(self) -> AsyncIterator[convert.UploadPart]:
        while (part := await self._queue.get()) is not None:
            yield part

    def _end_parts(self) -> None:
        # gRPC does not close the iterator of a call that ended early; it would wait for the next part for ever.
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)


class FormReader:
    """Follows the parts of one form: fields are checked as soon as they are complete, the file flows on."""

    def __init__(self, form: UploadForm, transfer: Transfer[Any], tasks: asyncio.TaskGroup) -> None:
        self._form = form
        self._transfer = transfer
        self._tasks = tasks
        self._field = ""
        self._value = bytearray()
        self._filename = ""
        self._file_began = False

    async def take(self, event: Event) -> None:
        """Follow one event.

        Raises:
            InvalidInput: as soon as something wrong is known.
        """
        match event:
            case PartBegan(name=name, filename=filename) if name == FILE_FIELD:
                self._begin_file(filename or "")
            case PartBegan(name=name):
                self._form.expect(name)
                self._field, self._value = name, bytearray()
            case PartData(data=data) if self._field == FILE_FIELD:
                await self._write_file(data)
            case PartData(data=data):
                self._write_field(data)
            case _:
                await self._end_part()

    def _begin_file(self, filename: str) -> None:
        if self._file_began:
            raise _second_file()
        self._field, self._filename, self._file_began = FILE_FIELD, filename, True

    async def _write_file(self, data: bytes) -> None:
        await self._open_transfer(self._filename or DEFAULT_FILENAME)
        await self._transfer.write(data)

    def _write_field(self, data: bytes) -> None:
        self._value += data
        most = max_field_bytes(self._field)
        if len(self._value) > most:
            fields = [FieldError(self._field, f"The value is longer than {most} bytes")]
            raise InvalidInput(f"{self._field}: {fields[0].detail}", reason="FIELD_TOO_LONG", fields=fields)

    async def _end_part(self) -> None:
        if self._field != FILE_FIELD:
            self._form.put_text(self._field, bytes(self._value))
        elif self._filename:
            await self._open_transfer(self._filename)
        if self._transfer.answer is not None:
            self._form.refuse_address()

    async def _open_transfer(self, filename: str) -> None:
        # A browser sends a nameless empty file when nobody chose one: a file begins with its first byte or its name.
        if self._transfer.answer is None:
            self._form.refuse_address()
            await self._transfer.open(filename, self._tasks)


def too_large(max_bytes: int) -> TooLarge:
    """Return the error for a file over the limit."""
    return TooLarge(
        f"The file is larger than the {max_bytes:,} bytes this service takes.",
        metadata={"max_bytes": str(max_bytes)},
    )


def _fill(form: UploadForm, media_type: bytes, body: bytes) -> None:
    if media_type == b"application/json":
        pairs = _json_pairs(body)
    elif media_type == b"application/x-www-form-urlencoded":
        pairs = _urlencoded_pairs(body)
    elif body:
        raise HTTPException(415, "Send multipart/form-data, application/json or application/x-www-form-urlencoded.")
    else:
        return
    for name, value in pairs:
        form.expect(name)
        form.put(name, value)


def _json_pairs(body: bytes) -> list[tuple[str, object]]:
    try:
        document = json.loads(body)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"The body is not JSON: {error}.", reason="MALFORMED_BODY") from None
    except (ValueError, RecursionError):
        raise InvalidInput("The body is not JSON that can be read.", reason="MALFORMED_BODY") from None
    if not isinstance(document, dict):
        raise InvalidInput("The body must be a JSON object.", reason="MALFORMED_BODY")
    return list(document.items())


def _urlencoded_pairs(body: bytes) -> list[tuple[str, object]]:
    try:
        return list(parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict"))
    except ValueError as error:
        raise InvalidInput(f"The form can't be read: {error}.", reason="MALFORMED_BODY") from None


def _second_file() -> InvalidInput:
    detail = "One upload takes one file"
    fields = [FieldError(FILE_FIELD, detail)]
    return InvalidInput(f"{FILE_FIELD}: {detail}", reason="SECOND_FILE", fields=fields)
