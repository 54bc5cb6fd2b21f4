"""The metrics endpoint of a process, for Prometheus."""

from prometheus_client import start_http_server


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
    return int(server.server_port)
