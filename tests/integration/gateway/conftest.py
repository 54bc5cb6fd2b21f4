"""Fixtures: the gateway in front of real gRPC servers that serve fakes."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest

from gateway.clients.health import SERVERS
from shared.identity.access_control import OpenAccess
from shared.rpc.server import LOOPBACK, running_server
from tests.fakes.services import FakeIngest, FakePipeline, FakeReport, served
from tests.integration.gateway.forms import MIB
from tests.integration.gateway.process import Gateway, gateway_process


@dataclass(frozen=True)
class Services:
    """The fakes and the address of each by name."""

    ingest: FakeIngest
    pipeline: FakePipeline
    report: FakeReport
    targets: dict[str, str]


async def succeed() -> None:
    """Pass as the health check of a server that answers."""


@pytest.fixture(scope="package")
async def fakes() -> AsyncIterator[Services]:
    ingest, pipeline, report = FakeIngest(), FakePipeline(), FakeReport()
    async with AsyncExitStack() as stack:
        targets = {}
        for name, fake in (("ingest", ingest), ("pipeline", pipeline), ("report", report)):
            needs = dict.fromkeys(SERVERS, succeed)
            server = running_server(served(fake), LOOPBACK, access=OpenAccess(), needs=needs)
            port = await stack.enter_async_context(server)
            targets[name] = f"127.0.0.1:{port}"
        yield Services(ingest, pipeline, report, targets)


@pytest.fixture(scope="package")
def gateway(fakes: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway_process(tmp_path_factory.mktemp("gateway"), fakes.targets) as gateway:
        yield gateway


@pytest.fixture(scope="package")
def small_gateway(fakes: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Run a gateway with tight limits."""
    limits = {"MAX_UPLOAD_BYTES": str(MIB), "MAX_CONCURRENT_UPLOADS": "1"}
    with gateway_process(tmp_path_factory.mktemp("gateway"), fakes.targets, **limits) as gateway:
        yield gateway


@pytest.fixture
def ingest(fakes: Services) -> FakeIngest:
    fakes.ingest.reset()
    return fakes.ingest


@pytest.fixture
def report(fakes: Services) -> FakeReport:
    fakes.report.reset()
    return fakes.report


@pytest.fixture
async def client(gateway: Gateway, ingest: FakeIngest, report: FakeReport) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30) as client:
        yield client


@pytest.fixture
async def small_client(small_gateway: Gateway, ingest: FakeIngest) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=small_gateway.url, timeout=30) as client:
        yield client
