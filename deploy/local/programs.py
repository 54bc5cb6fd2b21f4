"""The processes of the local stack, and the readiness check of each."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import grpc
import httpx

from shared.settings.processes import LocalSettings

ReadinessCheck = Callable[[LocalSettings], bool]


class Role(IntEnum):
    """The purpose of a process; the stack stops lower roles first."""

    WORKER = 0
    GATEWAY = 1
    SERVICE = 2


@dataclass(frozen=True)
class Program:
    """One child process: the Python interpreter with `arguments`."""

    name: str
    arguments: tuple[str, ...]
    ready: ReadinessCheck | None = None
    """Called repeatedly at start-up; None for a program that is ready as soon as it runs."""
    role: Role = Role.WORKER


def grpc_health_check(service: str) -> ReadinessCheck:
    """Return a check that is true when the health service of a gRPC service says SERVING.

    Args:
        service: `ingest`, `pipeline` or `report`.
    """

    def is_ready(settings: LocalSettings) -> bool:
        port = getattr(settings, f"{service}_port")
        if settings.tls_files() is not None:
            return _is_listening(to_client_host(settings.grpc_host), port)
        return _is_serving(f"{to_client_host(settings.grpc_host)}:{port}")

    return is_ready


def is_gateway_ready(settings: LocalSettings) -> bool:
    """Return True if `GET /health` is answered with 200."""
    scheme = "https" if settings.gateway_tls_certificate else "http"
    url = f"{scheme}://{to_client_host(settings.gateway_host)}:{settings.gateway_port}/health"
    try:
        # The certificate is that of another name; nothing secret is sent.
        return httpx.get(url, timeout=2, trust_env=False, verify=False).status_code == 200  # noqa: S501
    except httpx.TransportError:
        return False


def _is_listening(host: str, port: int) -> bool:
    """Return True if somebody listens; only who has a certificate may ask for more."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as connection:
        return connection.connect_ex((host.strip("[]"), port)) == 0


def to_client_host(host: str) -> str:
    """Return the host, as in a URL, under which a local client reaches a server that listens on `host`."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # binds nothing
    return f"[{host}]" if ":" in host else host


def _is_serving(target: str) -> bool:
    # A HealthCheckRequest for service "" is empty, and a response that says SERVING consists of this one field.
    serving = b"\x08\x01"
    with grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)]) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check", request_serializer=bytes, response_deserializer=bytes
        )
        try:
            return bool(check(b"", timeout=2) == serving)
        except grpc.RpcError:
            return False


_SERVICES = (
    Program("ingest", ("-m", "ingest_service"), grpc_health_check("ingest"), Role.SERVICE),
    Program("pipeline", ("-m", "worker_service", "pipeline"), grpc_health_check("pipeline"), Role.SERVICE),
    Program("report", ("-m", "report_service"), grpc_health_check("report"), Role.SERVICE),
)
_GATEWAY = Program("gateway", ("-m", "gateway"), is_gateway_ready, Role.GATEWAY)
PROGRAMS = (
    *_SERVICES,
    Program("worker-fast", ("-m", "worker_service", "worker", "--queue", "eda_fast")),
    Program("worker-deep", ("-m", "worker_service", "worker", "--queue", "eda_deep")),
    _GATEWAY,
)
"""Everything, with one worker for each queue."""
_CORES = os.cpu_count() or 1
_MOST_WORKERS = ("--max", str(max(2, _CORES)), "--deep-max", str(max(1, _CORES // 2)))
AUTOSCALED_PROGRAMS = (*_SERVICES, Program("autoscaler", ("-m", "neuralearn", "autoscale", *_MOST_WORKERS)), _GATEWAY)
"""Everything, with as many workers as there is work for, and no more than the machine has cores for."""
