"""`python -m gateway` serves the REST API until SIGTERM or SIGINT."""

import ssl

import uvicorn

from gateway.app import create_app
from gateway.http.protocol import BoundedHttp
from shared.failpoints import arm_failpoints
from shared.logs import configure_logs
from shared.metrics import serve_metrics
from shared.settings.processes import GatewaySettings, take_settings
from shared.tracing import configure_traces


def main() -> None:
    """Read the settings and serve."""
    settings = take_settings(GatewaySettings)
    configure_traces("gateway", settings)
    configure_logs(service="gateway", level=settings.log_level, form=settings.log_format)
    arm_failpoints(settings.failpoints)
    if settings.metrics_port is not None:
        serve_metrics(settings.metrics_host, settings.metrics_port)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.gateway_host,
        port=settings.gateway_port,
        http=BoundedHttp,
        ws="none",
        ssl_certfile=settings.gateway_tls_certificate,
        ssl_keyfile=settings.gateway_tls_key,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=30,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise SystemExit(f"GATEWAY_TLS_CERTIFICATE, GATEWAY_TLS_KEY: {error}") from None
    app.state.tls = config.ssl
    try:
        listener = config.bind_socket()
    except SystemExit:
        address = f"{settings.gateway_host}:{settings.gateway_port}"
        raise SystemExit(f"GATEWAY_PORT: {address} can't be listened on; it is in use, or not ours") from None
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
