"""Serving a gRPC service: health checks, reflection, interceptors, and graceful shutdown."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from shared.errors import ServiceError
from shared.identity.access_control import AccessControl
from shared.identity.rate_limits import RateLimits
from shared.logs import get_logger
from shared.rpc.auth_interceptor import AuthInterceptor
from shared.rpc.interceptors import RpcInterceptor
from shared.rpc.tls import server_credentials
from shared.settings.tls_files import TlsFiles

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
GRACE_SECONDS = 5.0
CHECK_SECONDS = 2.0
"""Pause between two health checks of the same dependency."""
CHECK_TIMEOUT_SECONDS = 5.0

Check = Callable[[], Awaitable[object]]
"""Returns if a dependency answers, else raises `Unavailable`."""

_NOTHING: Mapping[str, Check] = MappingProxyType({})
FLOW_CONTROL: Sequence[tuple[str, int]] = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 256 * 1024))
"""Channel options that limit how much of a stream is buffered; by default gRPC buffers 10 MiB and more in memory."""

_OPTIONS: Sequence[tuple[str, int]] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", -1),
    *FLOW_CONTROL,
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
    ("grpc.max_connection_age_ms", 600_000),
    ("grpc.max_connection_age_grace_ms", 600_000),
    ("grpc.so_reuseport", 0),
)
_log = get_logger("server")


@dataclass(frozen=True)
class Service:
    """A servicer to be served: its full name, and the function that adds it to a server."""

    name: str
    add: Callable[[grpc.aio.Server], None]


@dataclass(frozen=True)
class Listener:
    """Where and how a server listens."""

    host: str
    port: int
    """0 for any free port."""
    has_reflection: bool = True
    """True if clients may ask which rpcs there are."""
    tls: TlsFiles | None = None
    """None for no TLS."""


LOOPBACK = Listener("127.0.0.1", 0)
"""Any free port of this machine."""


@asynccontextmanager
async def running_server(
    service: Service,
    listener: Listener,
    *,
    access: AccessControl,
    limits: RateLimits | None = None,
    concurrency: int = 512,
    needs: Mapping[str, Check] = _NOTHING,
) -> AsyncIterator[int]:
    """Serve until the block ends, and yield the bound port.

    Args:
        service: the servicer.
        listener: where and how to listen.
        access: what decides about every call.
        limits: what counts calls; None for no limit.
        concurrency: the most calls at once; further calls are refused.
        needs: checks of dependencies by name. The health service reports each under its name; a failed check does not
            stop the service.

    Raises:
        ServiceError: the address can't be bound (reason PORT_TAKEN).
    """
    server = grpc.aio.server(
        interceptors=[RpcInterceptor(), AuthInterceptor(access, limits)],
        options=list(_OPTIONS),
        maximum_concurrent_rpcs=concurrency,
    )
    service.add(server)
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    if listener.has_reflection:
        reflection.enable_server_reflection([service.name, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    address = f"{listener.host}:{listener.port}"
    try:
        if listener.tls is None:
            bound = server.add_insecure_port(address)
        else:
            bound = server.add_secure_port(address, server_credentials(listener.tls))
    except (OSError, ValueError) as error:
        raise ServiceError(f"GRPC_TLS_CERTIFICATE, GRPC_TLS_KEY: {error}", reason="CERTIFICATE_NOT_READ") from error
    except RuntimeError as error:
        raise ServiceError(f"can't listen on {address}: it is in use or not ours", reason="PORT_TAKEN") from error
    await server.start()
    for name in ("", service.name):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    monitors = [asyncio.create_task(_monitor(checks, name, check)) for name, check in needs.items()]
    _log.info("serving", rpc=service.name, address=f"{listener.host}:{bound}")
    try:
        yield bound
    finally:
        for task in monitors:
            task.cancel()
        await asyncio.gather(*monitors, return_exceptions=True)
        await checks.enter_graceful_shutdown()
        await server.stop(GRACE_SECONDS)
        _log.info("stopped", rpc=service.name)


async def _monitor(checks: health.aio.HealthServicer, name: str, check: Check) -> None:
    """Report in regular intervals to the health service if a dependency answers."""
    while True:
        status = health_pb2.HealthCheckResponse.SERVING
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                await check()
        except Exception:  # any failure means that the dependency can't be used
            status = health_pb2.HealthCheckResponse.NOT_SERVING
        await checks.set(name, status)
        await asyncio.sleep(CHECK_SECONDS)


async def serve(
    service: Service,
    listener: Listener,
    *,
    access: AccessControl,
    limits: RateLimits | None,
    needs: Mapping[str, Check] = _NOTHING,
) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    async with running_server(service, listener, access=access, limits=limits, needs=needs):
        await stop.wait()
