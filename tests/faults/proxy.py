"""A TCP proxy that misbehaves on request."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, Literal, TypeVar

T = TypeVar("T")
Fault = Literal["none", "drop", "reset", "delay", "throttle", "swallow", "no parts"]
DELAY_SECONDS = 0.2
THROTTLE_BYTES = 4096
"""Bytes per second in each direction."""
_RESET = struct.pack("ii", 1, 0)


class Proxy:
    """Forwards connections to a port of this machine, from a thread of its own.

    `drop` discards the bytes of both directions, `reset` breaks every connection, `delay` and `throttle` slow both
    directions down, `swallow` forwards requests and discards the responses (so that the work is done without the caller
    knowing), and `no parts` breaks the connections that send parts of a multipart upload to S3.
    """

    def __init__(self, target_port: int) -> None:
        self.fault: Fault = "none"
        self._target_port = target_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy of {target_port}", daemon=True)
        self._thread.start()
        self._server = self._in_loop(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def set(self, fault: Fault) -> None:
        """Inject a fault from now on, also into open connections; connections that lost bytes are broken afterwards."""
        before, self.fault = self.fault, fault
        if fault == "reset" or before in ("drop", "swallow"):
            self._in_loop(self._break_all())

    def close(self) -> None:
        """Break every connection and stop listening."""
        self._in_loop(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _in_loop(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _stop(self) -> None:
        self._server.close()  # in the loop, which ends the last connection at the same time
        await self._break_all()

    async def _break_all(self) -> None:
        for writer in self._writers:
            if (raw := writer.get_extra_info("socket")) is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()
        await asyncio.sleep(0.05)  # until the tasks that serve them have noticed

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self.fault == "reset":
                return
            target_reader, target_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
            self._writers.add(target_writer)
            try:
                await asyncio.gather(
                    self._forward(reader, target_writer, "request"), self._forward(target_reader, writer, "response")
                )
            finally:
                self._writers.discard(target_writer)
                target_writer.transport.abort()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, direction: str) -> None:
        while chunk := await source.read(THROTTLE_BYTES if self.fault == "throttle" else 1 << 16):
            match self.fault:
                case "drop":
                    continue
                case "swallow" if direction == "response":
                    continue
                case "no parts" if b"partNumber=" in chunk[:1000]:
                    raise ConnectionResetError
                case "delay":
                    await asyncio.sleep(DELAY_SECONDS)
                case "throttle":
                    await asyncio.sleep(len(chunk) / THROTTLE_BYTES)
            sink.write(chunk)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
