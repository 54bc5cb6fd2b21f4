"""Ports, directories and environment variables of the processes, from the settings as configured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretBytes

from deploy.local.ports import free_port
from deploy.local.programs import to_client_host
from shared.settings.base import inherited_environment
from shared.settings.identity import TokenSettings, TransportSettings
from shared.settings.processes import LocalSettings

SERVICES = ("ingest", "pipeline", "report")
LISTENERS = ("gateway", *SERVICES)
PASSED_SETTINGS = (
    *("database_url", "redis_url", "storage_dir", "scratch_dir", "gateway_host", "grpc_host"),
    *(f"{name}_port" for name in LISTENERS),
)


def with_defaults(configured: LocalSettings, *, data_dir: Path) -> LocalSettings:
    """Return the settings with unset directories under `data_dir` and a free port for each port 0."""
    directories = {"storage_dir": data_dir / "objects", "scratch_dir": data_dir / "scratch"}
    unset: dict[str, Any] = {key: path for key, path in directories.items() if key not in configured.model_fields_set}
    keys = [f"{name}_port" for name in LISTENERS]
    ports = {key: free_port() for key in keys if not getattr(configured, key)}
    return configured.model_copy(update=unset | ports)


def with_free_ports(configured: LocalSettings, *, data_dir: Path, overrides: Mapping[str, str]) -> LocalSettings:
    """Return the settings with everything under `data_dir` and on free ports of 127.0.0.1.

    Args:
        configured: the settings as configured.
        data_dir: the directory for objects and scratch files.
        overrides: environment variables whose values are kept.
    """
    defaults: dict[str, Any] = {
        **{f"{name}_port": free_port() for name in LISTENERS},
        **{f"{name}_target": None for name in SERVICES},
        "gateway_host": "127.0.0.1",
        "grpc_host": "127.0.0.1",
        "storage_dir": data_dir / "objects",
        "scratch_dir": data_dir / "scratch",
    }
    update = {key: value for key, value in defaults.items() if not overrides.get(key.upper())}
    return configured.model_copy(update=update)


def listen_addresses(settings: LocalSettings) -> list[tuple[str, str, int]]:
    """Return the setting prefix, host and port of everything that will listen."""
    services = [(name.upper(), settings.grpc_host, getattr(settings, f"{name}_port")) for name in SERVICES]
    return [("GATEWAY", settings.gateway_host, settings.gateway_port), *services]


def child_environment(settings: LocalSettings, *, overrides: Mapping[str, str]) -> dict[str, str]:
    """Return all environment variables of a child process."""
    inherited = {**inherited_environment(), "PYTHONUNBUFFERED": "1"}
    return {**inherited, **overrides, **stack_variables(settings)}


def stack_variables(settings: LocalSettings) -> dict[str, str]:
    """Return the environment variables by which a process joins the stack: addresses, ports and directories."""
    passed = {key.upper(): str(getattr(settings, key)) for key in PASSED_SETTINGS}
    # As PostgreSQL's own programs take it; a driver's name is for us.
    passed["DATABASE_URL"] = passed["DATABASE_URL"].replace("postgresql+asyncpg://", "postgresql://", 1)
    return {
        **passed,
        **metrics_variables(settings),
        **_identity_variables(settings),
        **{f"{name.upper()}_TARGET": _target(settings, name) for name in SERVICES},
    }


def metrics_variables(settings: LocalSettings, *, offset: int | None = None) -> dict[str, str]:
    """Return the variable by which processes of one machine do not take each other's port for metrics.

    Args:
        settings: the settings of the stack.
        offset: the place of the process behind the first one; None for one more, which takes any free port.
    """
    if settings.metrics_port is None:
        return {}
    port = 0 if offset is None or not settings.metrics_port else settings.metrics_port + offset
    return {"METRICS_PORT": str(port)}


def _identity_variables(settings: LocalSettings) -> dict[str, str]:
    """Return the variables without which a process that joins would ask nobody who calls."""
    keys = (*TokenSettings.model_fields, *TransportSettings.model_fields)
    values = {key.upper(): getattr(settings, key) for key in keys if key in settings.model_fields_set}
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: object) -> str:
    secret = value.get_secret_value() if isinstance(value, SecretBytes) else value
    return secret.decode() if isinstance(secret, bytes) else str(secret)


def _target(settings: LocalSettings, service: str) -> str:
    configured: str | None = getattr(settings, f"{service}_target")
    return configured or f"{to_client_host(settings.grpc_host)}:{getattr(settings, f'{service}_port')}"
