"""From the settings as configured to the settings as started: ports, directories, and what each process is told."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.local.ports import free_port
from deploy.local.programs import reachable
from shared.settings.base import inherited_environment
from shared.settings.processes import LocalSettings

SERVICES = ("ingest", "pipeline", "report")
LISTENERS = ("gateway", *SERVICES)
PASSED_ON = (
    *("database_url", "redis_url", "storage_dir", "scratch_dir", "gateway_host", "grpc_host"),
    *(f"{name}_port" for name in LISTENERS),
)


def with_places(configured: LocalSettings, *, data_dir: Path) -> LocalSettings:
    """Put unset directories under `data_dir`, and give a port to each listener configured as 0."""
    directories = {"storage_dir": data_dir / "objects", "scratch_dir": data_dir / "scratch"}
    places: dict[str, Any] = {key: path for key, path in directories.items() if key not in configured.model_fields_set}
    keys = [f"{name}_port" for name in LISTENERS]
    ports = {key: free_port() for key in keys if not getattr(configured, key)}
    return configured.model_copy(update=places | ports)


def with_free_places(configured: LocalSettings, *, data_dir: Path, overrides: Mapping[str, str]) -> LocalSettings:
    """Put everything under `data_dir` and on free ports of 127.0.0.1, except what `overrides` says."""
    places: dict[str, Any] = {
        **{f"{name}_port": free_port() for name in LISTENERS},
        **{f"{name}_target": None for name in SERVICES},
        "gateway_host": "127.0.0.1",
        "grpc_host": "127.0.0.1",
        "storage_dir": data_dir / "objects",
        "scratch_dir": data_dir / "scratch",
    }
    return configured.model_copy(update={key: place for key, place in places.items() if not overrides.get(key.upper())})


def listeners(settings: LocalSettings) -> list[tuple[str, str, int]]:
    """Setting prefix, host and port of everything that will listen."""
    services = [(name.upper(), settings.grpc_host, getattr(settings, f"{name}_port")) for name in SERVICES]
    return [("GATEWAY", settings.gateway_host, settings.gateway_port), *services]


def environment(settings: LocalSettings, *, overrides: Mapping[str, str]) -> dict[str, str]:
    """All variables of a child process."""
    passed_on = {key.upper(): str(getattr(settings, key)) for key in PASSED_ON}
    targets = {f"{name.upper()}_TARGET": _target(settings, name) for name in SERVICES}
    inherited = {**inherited_environment(), "PYTHONUNBUFFERED": "1"}
    return {**inherited, **overrides, **passed_on, **targets}


def _target(settings: LocalSettings, service: str) -> str:
    configured: str | None = getattr(settings, f"{service}_target")
    return configured or f"{reachable(settings.grpc_host)}:{getattr(settings, f'{service}_port')}"
