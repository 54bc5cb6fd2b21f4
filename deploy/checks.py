"""Checks of everything that the service needs, and of its processes: one line each."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.local.programs import to_client_host
from migrations.head import head_revision
from shared.db.session import Database
from shared.errors import ServiceError, Unavailable
from shared.queue import FAST_QUEUE, connect_queue
from shared.rpc.channel import open_channel
from shared.settings.processes import LocalSettings
from shared.storage import open_store

_SECONDS = 8.0
_Check = Callable[[LocalSettings], Awaitable[str]]


@dataclass(frozen=True)
class CheckResult:
    """What a check found."""

    name: str
    is_ok: bool
    detail: str
    """Version and address, or what is wrong and what to do."""
    milliseconds: float


class CheckFailed(Exception):
    """Something does not work; the message is a sentence."""


async def run_checks(settings: LocalSettings) -> list[CheckResult]:
    """Return what each check found; all run at once."""
    checks: dict[str, _Check] = {
        "PostgreSQL": _check_database,
        "migrations": _check_migrations,
        "Redis": _check_redis,
        "store": _check_store,
        **{f"{name} service": service_check(name) for name in ("ingest", "pipeline", "report")},
        "gateway": check_gateway,
        "workers": _check_workers,
    }
    return list(await asyncio.gather(*(_run(name, check, settings) for name, check in checks.items())))


async def _run(name: str, check: _Check, settings: LocalSettings) -> CheckResult:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(_SECONDS):
            detail, is_ok = await check(settings), True
    except TimeoutError:
        detail, is_ok = f"did not answer within {_SECONDS:.0f} s", False
    except ServiceError as error:
        detail, is_ok = error.detail, False
    except (CheckFailed, OSError) as error:
        detail, is_ok = str(error), False
    return CheckResult(name, is_ok, detail, round((time.perf_counter() - started) * 1000, 1))


async def _check_database(settings: LocalSettings) -> str:
    database = Database(_require(settings.database_url, "DATABASE_URL"), pool_size=1)
    try:
        await database.check_access()
        return f"{await database.server_version()} at {_address(str(settings.database_url))}"
    finally:
        await database.close()


async def _check_migrations(settings: LocalSettings) -> str:
    database = Database(_require(settings.database_url, "DATABASE_URL"), pool_size=1)
    try:
        await database.check_access()
        revision, newest = await database.revision(), head_revision()
    finally:
        await database.close()
    if revision == newest:
        return f"at {newest}, the newest"
    if revision is None:
        raise CheckFailed("the database has no tables; run `make migrate`")
    order = "older" if revision < newest else "newer"
    action = "run `make migrate`" if revision < newest else "this code is older than the database"
    raise CheckFailed(f"the database is at {revision}, {order} than {newest} of this code; {action}")


async def _check_redis(settings: LocalSettings) -> str:
    url = _require(settings.redis_url, "REDIS_URL")
    queue = await connect_queue(url)
    try:
        info = await queue.info()
    except Unavailable:
        raise CheckFailed(f"does not answer at {_address(url)}") from None
    finally:
        await queue.close()
    return f"{info.version} at {_address(url)}"


async def _check_store(settings: LocalSettings) -> str:
    if not settings.s3_bucket_name and not settings.storage_dir.is_dir():
        raise CheckFailed(f"the folder {settings.storage_dir} does not exist")
    async with open_store(settings) as store:
        await store.check()
    return f"bucket {settings.s3_bucket_name}" if settings.s3_bucket_name else f"folder {settings.storage_dir}"


def service_check(name: str) -> _Check:
    """Return the check of the service `ingest`, `pipeline` or `report`: it answers and serves."""

    async def check_service(settings: LocalSettings) -> str:
        target = settings.target(name)
        async with open_channel(target, settings.tls_files()) as channel:
            try:
                answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=3)
            except grpc.aio.AioRpcError as error:
                raise CheckFailed(f"{target} does not answer ({error.code().name})") from None
        if answer.status != health_pb2.HealthCheckResponse.SERVING:
            raise CheckFailed(f"{target} answers, but does not serve")
        return f"serving at {target}"

    return check_service


async def check_gateway(settings: LocalSettings) -> str:
    """Check that the gateway answers, and return its version and address.

    Raises:
        CheckFailed: it does not.
    """
    scheme = "https" if settings.gateway_tls_certificate else "http"
    url = f"{scheme}://{to_client_host(settings.gateway_host)}:{settings.gateway_port}"
    try:
        # The certificate is that of another name; nothing secret is sent.
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=5) as client:  # noqa: S501
            answer = await client.get(f"{url}/health/live")
    except httpx.TransportError as error:
        raise CheckFailed(f"nothing answers at {url} ({type(error).__name__})") from None
    if answer.status_code != 200:
        raise CheckFailed(f"{url} answers {answer.status_code}")
    return f"version {answer.json()['version']} at {url}"


async def _check_workers(settings: LocalSettings) -> str:
    queue = await connect_queue(_require(settings.redis_url, "REDIS_URL"))
    try:
        names = [heartbeat.queue for heartbeat in await queue.workers()]
    except Unavailable:
        raise CheckFailed("not known without Redis") from None
    finally:
        await queue.close()
    if FAST_QUEUE not in names:
        raise CheckFailed(f"no worker of {FAST_QUEUE} gave a sign of life: nothing is prepared")
    return ", ".join(f"{names.count(name)} of {name}" for name in sorted(set(names)))


def _require(value: str | None, key: str) -> str:
    if value is None:
        raise CheckFailed(f"{key}: is not set, and no stack of `neuralearn up` runs here")
    return value


def _address(url: str) -> str:
    """Return host, port and path of a URL, without the password."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{host}{f':{parts.port}' if parts.port else ''}{parts.path}"
