"""`python -m gateway` serves the REST API until SIGTERM or SIGINT."""

import uvicorn

from gateway.app import create_app
from gateway.http.protocol import BoundedHttp
from shared.failpoints import arm_failpoints
from shared.logs import configure_logs
from shared.settings.processes import GatewaySettings, take_settings


def main() -> None:
    """Read the settings and serve."""
    settings = take_settings(GatewaySettings)
    configure_logs(service="gateway", level=settings.log_level, form=settings.log_format)
    arm_failpoints(settings.failpoints)
    uvicorn.run(
        create_app(settings),
        host=settings.gateway_host,
        port=settings.gateway_port,
        http=BoundedHttp,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=30,
    )


if __name__ == "__main__":
    main()
