"""Run IngestService: `python -m ingest_service`."""

from ingest_service.composition import PRELOAD, build
from ingest_service.options import OptionDefaults
from ingest_service.servicer import service
from shared.identity.composition import open_rate_limits
from shared.isolation.isolation import Isolation
from shared.process import run_process
from shared.rpc.server import Listener, serve
from shared.settings.processes import IngestSettings


async def main(settings: IngestSettings, isolation: Isolation) -> None:
    """Build the use cases and serve them until stopped."""
    async with build(settings, isolation) as (ingest, access), open_rate_limits(settings) as limits:
        listener = Listener(settings.grpc_host, settings.ingest_port, settings.grpc_reflection, settings.tls_files())
        defaults = OptionDefaults(outlier_strategy=settings.outlier_strategy, privacy=settings.privacy)
        await serve(service(ingest, defaults=defaults), listener, access=access, limits=limits)


if __name__ == "__main__":
    run_process("ingest", IngestSettings, main, preload=PRELOAD)
