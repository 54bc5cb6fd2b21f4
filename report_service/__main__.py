"""Run ReportService: `python -m report_service`."""

from report_service.composition import PRELOAD, build
from report_service.servicer import service
from shared.identity.composition import open_rate_limits
from shared.isolation.isolation import Isolation
from shared.process import run_process
from shared.rpc.server import Listener, serve
from shared.settings.processes import ReportSettings


async def main(settings: ReportSettings, isolation: Isolation) -> None:
    """Build the use cases and serve them until stopped."""
    async with build(settings, isolation) as (reports, access), open_rate_limits(settings) as limits:
        listener = Listener(settings.grpc_host, settings.report_port, settings.grpc_reflection, settings.tls_files())
        await serve(service(reports), listener, access=access, limits=limits)


if __name__ == "__main__":
    run_process("report", ReportSettings, main, preload=PRELOAD)
