"""The metrics endpoint of a process, for Prometheus, and what all processes count."""

from prometheus_client import Counter, start_http_server

from shared.logs import get_logger

_log = get_logger("metrics")
ERRORS = Counter("neuralearn_errors", "Calls and attempts that were refused or failed, by their reason.", ["reason"])


def serve_metrics(host: str, port: int) -> int:
    """Serve `/metrics` of this process from a thread, and return the port.

    Args:
        host: the address to listen on.
        port: the port; 0 for any free one.

    Raises:
        SystemExit: it can't be listened on; the message names METRICS_PORT.
    """
    try:
        server, _ = start_http_server(port, addr=host)
    except OSError as error:
        raise SystemExit(f"METRICS_PORT: {host}:{port} can't be listened on ({error.strerror})") from None
    bound = int(server.server_port)
    _log.info("serving metrics", address=f"{host}:{bound}")
    return bound
