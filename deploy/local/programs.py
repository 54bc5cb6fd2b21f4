"""The processes of the local stack, and how each tells that it is ready."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import grpc
import httpx

from shared.settings.processes import LocalSettings

Ready = Callable[[LocalSettings], bool]


class Role(IntEnum):
    """What a process is for; the stack stops lower roles first."""

    WORKER = 0
    GATEWAY = 1
    SERVICE = 2


@dataclass(frozen=True)
class Program:
    """One child process: the Python interpreter with `arguments`."""

    name: str
    arguments: tuple[str, ...]
    ready: Ready | None = None
    """Asked again and again at start-up; None for a program that is ready when it runs."""
    role: Role = Role.WORKER


def grpc_serving(service: str) -> Ready:
    """Ready when the health service of `ingest`, `pipeline` or `report` says SERVING."""

    def ready(settings: LocalSettings) -> bool:
        return _is_serving(f"{reachable(settings.grpc_host)}:{getattr(settings, f'{service}_port')}")

    return ready


def gateway_answers(settings: LocalSettings) -> bool:
    """Ready when `GET /health` is answered with 200."""
    url = f"http://{reachable(settings.gateway_host)}:{settings.gateway_port}/health"
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def reachable(host: str) -> str:
    """The address, for a URL, at which a server that listens on `host` is met from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def _is_serving(target: str) -> bool:
    # A HealthCheckRequest for service "" is empty, and a response that says SERVING is this one field.
    serving = b"\x08\x01"
    with grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)]) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check", request_serializer=bytes, response_deserializer=bytes
        )
        try:
            return bool(check(b"", timeout=2) == serving)
        except grpc.RpcError:
            return False


PROGRAMS = (
    Program("ingest", ("-m", "ingest_service"), grpc_serving("ingest"), Role.SERVICE),
    Program("pipeline", ("-m", "worker_service", "pipeline"), grpc_serving("pipeline"), Role.SERVICE),
    Program("report", ("-m", "report_service"), grpc_serving("report"), Role.SERVICE),
    Program("worker-fast", ("-m", "worker_service", "worker", "--queue", "eda_fast")),
    Program("worker-deep", ("-m", "worker_service", "worker", "--queue", "eda_deep")),
    Program("gateway", ("-m", "gateway"), gateway_answers, Role.GATEWAY),
)
