"""An upload whose client falls silent."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from gateway.clients.ingest import IngestClient
from gateway.upload.fields import UploadOptions
from gateway.upload.uploads import Uploads
from shared.rpc.channel import open_channel

HEAD = b'--B\r\nContent-Disposition: form-data; name="mode"\r\n\r\nfa'


def silent_request() -> Request:
    messages: list[Message] = [{"type": "http.request", "body": HEAD, "more_body": True}]

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop()

    headers = [(b"content-type", b"multipart/form-data; boundary=B")]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


async def test_silence_ends_an_upload_and_frees_its_place() -> None:
    async with open_channel("127.0.0.1:1") as channel:
        uploads = Uploads(IngestClient(channel), max_bytes=1000, max_concurrent=1, idle_seconds=0.2)
        # The second waits for the slot of the first.
        answers = [uploads.accept(silent_request(), UploadOptions(), request_id="") for _ in range(2)]
        errors = await asyncio.gather(*answers, return_exceptions=True)
    assert [error.status_code for error in errors if isinstance(error, HTTPException)] == [408, 408]
