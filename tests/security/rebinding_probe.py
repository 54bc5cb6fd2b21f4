"""A process with a network and a name server of its own, whose answers change from one question to the next.

It prints as JSON what became of a fetch of each name: the reason of a refusal, or the address that was connected to.
"""

import asyncio
import ctypes
import fcntl
import json
import os
import socket
import struct
import tempfile
import threading
from pathlib import Path

import httpx

from shared.errors import ServiceError
from shared.outbound import OutboundGuard

PUBLIC, PRIVATE = "93.184.215.14", "127.0.0.1"
ANSWERS = {
    "rebinding.test": [[PUBLIC], [PRIVATE]],
    "reversed.test": [[PRIVATE], [PUBLIC]],
    "mixed.test": [[PUBLIC, "10.0.0.1"]],
    "metadata.test": [["169.254.169.254"]],
    "public.test": [[PUBLIC]],
}
"""The addresses that each name has at the first question, the second, and so on."""
CANNOT = 77
"""The exit code where the kernel does not let a process have its own network."""
_NEW_USER, _NEW_NET, _NEW_MOUNTS = 0x10000000, 0x40000000, 0x00020000
_MS_BIND, _SIOCSIFFLAGS, _IFF_UP = 0x1000, 0x8914, 0x1


def enter_own_network() -> None:
    """Move into a network with nothing but a loopback interface, and make 127.0.0.1 the name server."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_NEW_USER | _NEW_NET | _NEW_MOUNTS):
        raise SystemExit(CANNOT)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
    if libc.mount(file.name.encode(), b"/etc/resolv.conf", None, _MS_BIND, None):
        raise SystemExit(CANNOT)
    os.unlink(file.name)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP))


def serve_names(asked: dict[str, int]) -> None:
    """Answer questions for IPv4 addresses; names have no others."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def answer() -> None:
        while True:
            message, client = server.recvfrom(512)
            server.sendto(reply(message, asked), client)

    threading.Thread(target=answer, daemon=True).start()


def reply(message: bytes, asked: dict[str, int]) -> bytes:
    """Return the answer to a message of RFC 1035 with one question; each lives for no second."""
    labels, position = [], 12
    while size := message[position]:
        labels.append(message[position + 1 : position + 1 + size].decode())
        position += 1 + size
    name, question = ".".join(labels), message[12 : position + 5]
    addresses: list[str] = []
    if question[-4:-2] == b"\x00\x01" and name in ANSWERS:
        turn = asked.get(name, 0)
        asked[name] = turn + 1
        addresses = ANSWERS[name][min(turn, len(ANSWERS[name]) - 1)]
    head = message[:2] + b"\x81\x80" + struct.pack("!HHHH", 1, len(addresses), 0, 0)
    records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton(ip) for ip in addresses)
    return head + question + records


async def fetch(name: str) -> str:
    """Try to fetch from a name, and return what became of it."""
    guard = OutboundGuard("dataset_url", allow_private=False)
    try:
        request = await guard.request(
            "GET", guard.parse(f"http://{name}/x.csv"), headers={}, timeout=httpx.Timeout(0.5)
        )
    except ServiceError as error:
        return error.reason
    async with httpx.AsyncHTTPTransport() as transport:
        try:
            await transport.handle_async_request(request)
        except httpx.TransportError:
            return f"tried {request.url.host}"
    return f"reached {request.url.host}"


async def main() -> None:
    """Fetch from each name while a server on the loopback interface waits for the attack."""
    asked: dict[str, int] = {}
    serve_names(asked)
    attacked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attacked.append(await reader.readline())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 80):
        fetched = {name: await fetch(name) for name in ANSWERS}
    print(json.dumps({"fetched": fetched, "attacked": len(attacked), "asked": asked}))


if __name__ == "__main__":
    enter_own_network()
    asyncio.run(main())
