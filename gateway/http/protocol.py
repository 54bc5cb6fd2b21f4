"""HTTP/1.1 as the gateway speaks it: a request's head is short and comes soon, and answers are taken."""

import asyncio
import json
from collections.abc import MutableMapping
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.http.problems import MEDIA_TYPE

ENDLESS = "neuralearn.endless"
"""In the scope of a request whose answer is a chunked stream that ends with the gateway at the latest."""

STOPPING = "neuralearn.stopping"
"""In the scope of a request that had no answer yet when the gateway was asked to stop: it should be a short one."""


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol with limits on how long a head may be and take, and on how slowly answers are read."""

    head_bytes = 64 * 1024
    """Longest head."""
    head_lines = 200
    """Most headers."""
    head_seconds = 30.0
    """How long a head may take, from the beginning of the connection or of the head."""

    idle_seconds = 60.0
    """How long a client may take nothing of what waits for it."""

    _received = 0
    _head_size = 0
    _lines = 0
    _hosts = 0
    _open = False
    _refused = False
    _too_late: asyncio.TimerHandle | None = None
    _hang_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._end_head()
        self._end_pause()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Wait for the rest of a head."""
        super().on_message_begin()
        self._await_head()

    def on_url(self, url: bytes) -> None:
        """Take the target of the request."""
        self._head_size += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what follows a body in chunks is of no use to anybody."""
        if not self._open:
            return
        self._head_size += len(name) + len(value)
        self._lines += 1
        self._hosts += name.lower() == b"host"
        if self._lines <= self.head_lines:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head is refused."""
        self._end_head()
        if self._head_size > self.head_bytes or self._lines > self.head_lines:
            self._refuse(431, "Request Header Fields Too Large", "The head of the request is too long.")
        elif self._hosts != 1 and self.parser.get_http_version() == "1.1":
            self._refuse(400, "Bad Request", "A request has one Host header (RFC 9112).")
        else:
            super().on_headers_complete()
            return
        self._refused = True

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body, unless the request was refused."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End the body, unless the request was refused."""
        if not self._refused:
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Parse, and count what belongs to a head that has not ended."""
        super().data_received(data)
        if self._open:
            self._received += len(data)
            if self._received > self.head_bytes:
                self._refuse(431, "Request Header Fields Too Large", "The head of the request is too long.")

    def shutdown(self) -> None:
        """Answer what is asked, and end what would not end by itself."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_started:
            cast(MutableMapping[str, object], cycle.scope)[STOPPING] = True
        elif cycle is not None and cycle.scope.get(ENDLESS) and not cycle.response_complete:
            # For the application as if the client had gone, for the client a proper end.
            cycle.disconnected = True
            cycle.message_event.set()
            self.transport.write(b"0\r\n\r\n")
            self.transport.close()
        super().shutdown()

    def pause_writing(self) -> None:
        """Wait for the client to take something."""
        super().pause_writing()
        self._end_pause()
        self._hang_up = self.loop.call_later(self.idle_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It has."""
        self._end_pause()
        super().resume_writing()

    def _end_pause(self) -> None:
        if self._hang_up is not None:
            self._hang_up.cancel()
            self._hang_up = None

    def _await_head(self) -> None:
        self._end_head()
        self._received, self._open = 0, True
        self._head_size, self._lines, self._hosts = 0, 0, 0
        self._too_late = self.loop.call_later(self.head_seconds, self._give_up)

    def _end_head(self) -> None:
        self._open = False
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None

    def _give_up(self) -> None:
        if self._received:
            self._refuse(408, "Request Timeout", "The head of the request did not come in time.")
        elif not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, status: int, title: str, detail: str) -> None:
        """Answer as a problem and close; there is no request yet that the application could answer."""
        self._end_head()
        if self.transport.is_closing():
            return
        reason = title.upper().replace(" ", "_")
        kind = f"urn:neuralearn:problem:{reason.lower().replace('_', '-')}"
        problem = {"type": kind, "title": title, "status": status, "detail": detail, "reason": reason}
        # There is no request yet, and so no path and no id of it.
        problem |= {"instance": "", "errors": [], "metadata": {}, "request_id": ""}
        body = json.dumps(problem).encode()
        head = f"HTTP/1.1 {status} {title}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
        self.transport.write(f"{head}connection: close\r\n\r\n".encode() + body)
        self.transport.close()
