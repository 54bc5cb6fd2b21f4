"""Search for free TCP ports, and the check that configured ones are free."""

import contextlib
import errno
import itertools
import random
import socket
from collections.abc import Iterable

from deploy.local.process import StartFailed

# They lie below the ephemeral range, so that no outgoing connection takes a port between choosing and binding.
CANDIDATES = range(12_000, 32_000)
# Ports are drawn without repetition, so that one that was just handed out is not handed out again soon.
_shuffled_ports = itertools.cycle(random.sample(CANDIDATES, len(CANDIDATES)))


def free_port(host: str = "127.0.0.1") -> int:
    """Return a random port on which no process listens.

    Raises:
        StartFailed: many candidates in a row are taken.
    """
    for port in itertools.islice(_shuffled_ports, 200):
        with contextlib.suppress(OSError), _listen(host, port):
            return port
    raise StartFailed(f"No free port found on {host}.")


def require_free(addresses: Iterable[tuple[str, str, int]]) -> None:
    """Check that all addresses can be listened on at the same time.

    Args:
        addresses: setting prefix, host and port of each listener.

    Raises:
        StartFailed: a port is taken; the sentence names it and the setting that changes it.
    """
    with contextlib.ExitStack() as listening:
        for prefix, host, port in addresses:
            try:
                listening.enter_context(_listen(host, port))
            except OSError as error:
                raise StartFailed(_to_sentence(prefix, host, port, error)) from None


def _to_sentence(prefix: str, host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is already taken: stop what listens there, or set {prefix}_PORT to another port."
    return f"{prefix}_PORT: cannot listen on {host}:{port} ({error.strerror})."


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket, or raise OSError if the port is taken.

    gRPC shares ports by SO_REUSEPORT without complaint, so only a plain socket finds a clash.
    """
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
