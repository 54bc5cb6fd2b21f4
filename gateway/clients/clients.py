"""The services behind the gateway: one channel to each, every call with a deadline and the request's id."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from gateway.clients.health import HealthClient
from gateway.clients.ingest import IngestClient
from gateway.clients.pipeline import PipelineClient
from gateway.clients.report import ReportClient
from shared.rpc.channel import open_channel
from shared.settings.processes import GatewaySettings


@dataclass(frozen=True)
class Clients:
    """All services behind the gateway."""

    ingest: IngestClient
    pipeline: PipelineClient
    report: ReportClient
    health: HealthClient


@asynccontextmanager
async def open_clients(settings: GatewaySettings) -> AsyncIterator[Clients]:
    """Dial all services; the channels close with the block."""
    async with AsyncExitStack() as stack:
        channels = {
            name: await stack.enter_async_context(open_channel(settings.target(name), settings.tls_files()))
            for name in ("ingest", "pipeline", "report")
        }
        yield Clients(
            ingest=IngestClient(channels["ingest"]),
            pipeline=PipelineClient(channels["pipeline"]),
            report=ReportClient(channels["report"]),
            health=HealthClient(channels),
        )
