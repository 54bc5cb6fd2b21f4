"""Run ReportService: `python -m report_service`."""

from report_service.composition import PRELOAD, build
from report_service.servicer import service
from shared.isolation import Isolation
from shared.process import run_process
from shared.rpc.server import serve
from shared.settings.processes import ReportSettings


async def main(settings: ReportSettings, isolation: Isolation) -> None:
    """Build the use cases and serve them until stopped."""
    async with build(settings, isolation) as reports:
        await serve(service(reports), host=settings.grpc_host, port=settings.report_port)


if __name__ == "__main__":
    run_process("report", ReportSettings, main, preload=PRELOAD)
