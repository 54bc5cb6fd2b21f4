"""Free and taken TCP ports."""

import contextlib
import errno
import itertools
import random
import socket
from collections.abc import Iterable

from deploy.local.process import StartFailed

# Below the ephemeral range, so that nobody's outgoing connection takes the port between choosing and binding.
CANDIDATES = range(12_000, 32_000)
# Drawn without repetition: a port handed out stays unused for a while.
_draw = itertools.cycle(random.sample(CANDIDATES, len(CANDIDATES)))


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on, chosen at random."""
    for port in itertools.islice(_draw, 200):
        with contextlib.suppress(OSError), _listener(host, port):
            return port
    raise StartFailed(f"No free port found on {host}.")


def require_free(addresses: Iterable[tuple[str, str, int]]) -> None:
    """Check (setting prefix, host, port) addresses; StartFailed names a taken port and the setting that moves it."""
    with contextlib.ExitStack() as held:
        for prefix, host, port in addresses:
            try:
                held.enter_context(_listener(host, port))
            except OSError as error:
                raise StartFailed(_reason(prefix, host, port, error)) from None


def _reason(prefix: str, host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is already taken: stop what listens there, or set {prefix}_PORT to another port."
    return f"{prefix}_PORT: cannot listen on {host}:{port} ({error.strerror})."


def _listener(host: str, port: int) -> socket.socket:
    """Listen for a moment. gRPC shares ports by SO_REUSEPORT without complaint, so only this finds a clash."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1)
    except OSError:
        listener.close()
        raise
    return listener
