"""Run IngestService: `python -m ingest_service`."""

from ingest_service.composition import PRELOAD, build
from ingest_service.servicer import service
from shared.isolation import Isolation
from shared.process import run_process
from shared.rpc.server import serve
from shared.settings.processes import IngestSettings


async def main(settings: IngestSettings, isolation: Isolation) -> None:
    """Build the use cases and serve them until stopped."""
    async with build(settings, isolation) as (intake, datasets):
        ingest = service(intake, datasets, outlier_strategy=settings.outlier_strategy)
        await serve(ingest, host=settings.grpc_host, port=settings.ingest_port)


if __name__ == "__main__":
    run_process("ingest", IngestSettings, main, preload=PRELOAD)
