"""The settings of each process; none reads a secret that it does not use."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import Field, FilePath, model_validator

from shared.settings import base
from shared.settings.base import EnvironmentSettings
from shared.settings.identity import RateLimitSettings, TokenSettings
from shared.settings.parts import (
    AddressSettings,
    DatabaseSettings,
    GeminiSettings,
    HeartbeatSettings,
    IsolationSettings,
    MemorySettings,
    OutboundSettings,
    PreparationSettings,
    ProcessSettings,
    QueueSettings,
    QuotaSettings,
    RunSettings,
    ScratchSettings,
    StorageSettings,
    TableSizeSettings,
    UpkeepSettings,
    UploadSizeSettings,
    WebhookPresenceSettings,
    WebhookSettings,
)
from shared.settings.types import CorsOrigins, Port, Positive, PostgresUrl, RedisUrl, require_pair


class GatewaySettings(ProcessSettings, AddressSettings, UploadSizeSettings):
    """Settings of the gateway, which reaches neither database nor queue nor object store."""

    gateway_host: str = Field("127.0.0.1", description="Address the REST gateway listens on.")
    gateway_port: Port = Field(8000, description="Port the REST gateway listens on.")
    gateway_hosts: str = Field(
        "",
        description="Names that clients may call the gateway by, comma-separated; * for all. If unset, localhost where "
        "it listens on a loopback address, else all.",
    )
    gateway_tls_certificate: FilePath | None = Field(
        None, description="Certificate of the REST gateway in PEM form; HTTP without TLS if unset."
    )
    gateway_tls_key: FilePath | None = Field(None, description="Key of that certificate.")
    gateway_docs: bool = Field(True, description="Serve the description of the API at /docs, /redoc and /openapi.json.")
    cors_origins: CorsOrigins = Field("", description="Front-ends on other origins, comma-separated; * for all.")
    max_concurrent_uploads: Positive = Field(64, description="Uploads the gateway carries at once; more get 503.")
    upload_idle_seconds: Positive = Field(
        60,
        description="How long a client may send nothing of its upload, seconds; from then on it must bring 1 KiB a "
        "second on average.",
    )

    @model_validator(mode="after")
    def _is_open_to_this_machine_only(self) -> Self:
        self.require_loopback("GATEWAY_HOST", self.gateway_host)
        require_pair("GATEWAY_TLS_CERTIFICATE", self.gateway_tls_certificate, "GATEWAY_TLS_KEY", self.gateway_tls_key)
        self.require_encryption("GATEWAY_HOST", self.gateway_host, self.gateway_tls_certificate)
        return self


class IngestSettings(
    ProcessSettings,
    TokenSettings,
    RateLimitSettings,
    AddressSettings,
    DatabaseSettings,
    StorageSettings,
    IsolationSettings,
    UploadSizeSettings,
    TableSizeSettings,
    MemorySettings,
    PreparationSettings,
    QuotaSettings,
    OutboundSettings,
    WebhookPresenceSettings,
):
    """Settings of IngestService."""


class PipelineSettings(
    ProcessSettings,
    TokenSettings,
    RateLimitSettings,
    AddressSettings,
    DatabaseSettings,
    QueueSettings,
    StorageSettings,
    ScratchSettings,
    HeartbeatSettings,
    UpkeepSettings,
    OutboundSettings,
    WebhookSettings,
):
    """Settings of PipelineService."""


class WorkerSettings(
    ProcessSettings,
    AddressSettings,
    DatabaseSettings,
    QueueSettings,
    StorageSettings,
    IsolationSettings,
    RunSettings,
    GeminiSettings,
):
    """Settings of a worker."""


class ReportSettings(
    ProcessSettings,
    TokenSettings,
    RateLimitSettings,
    AddressSettings,
    DatabaseSettings,
    StorageSettings,
    IsolationSettings,
):
    """Settings of ReportService."""

    safe_csv: bool = Field(
        False,
        description="Put an apostrophe before text that spreadsheets take for a formula, in CSV whose request does not "
        "say.",
    )


class Settings(  # type: ignore[misc]  # the pydantic plugin does not know diamonds
    GatewaySettings, IngestSettings, PipelineSettings, WorkerSettings, ReportSettings
):
    """All settings of all processes."""


class LocalSettings(Settings):
    """Settings of `deploy.local`: the same keys, but a server without an address is started locally."""

    database_url: PostgresUrl | None = Field(None, description="PostgreSQL; unset starts one.")  # type: ignore[assignment]
    redis_url: RedisUrl | None = Field(None, description="Redis or Valkey; unset starts one.")  # type: ignore[assignment]
    local_data_dir: Path = Field(Path(".local"), description="Where the local stack keeps its data.")

    @classmethod
    def load(cls, overrides: Mapping[str, str]) -> "LocalSettings":
        """Read the settings; `overrides` take precedence over the environment, and "" unsets a server.

        Raises:
            SystemExit: a value is missing or wrong, or a variable looks like a misspelled key.
        """
        values: dict[str, Any] = {key.lower(): value for key, value in overrides.items() if value}
        unset = {key: None for key in ("database_url", "redis_url") if overrides.get(key.upper()) == ""}
        settings = base.read_settings(cls, **values, **unset)
        base.reject_misspelled_keys(base.environment_keys(), cls.keys())
        return settings


AnySettings = TypeVar("AnySettings", bound=EnvironmentSettings)


def load_settings(kind: type[AnySettings]) -> AnySettings:
    """Read the settings of a process, or stop it with one sentence that names the key at fault.

    Raises:
        SystemExit: a value is missing or wrong, or a variable looks like a misspelled key of any process.
    """
    return base.load_settings(kind, known=LocalSettings.keys())


def take_settings(kind: type[AnySettings]) -> AnySettings:
    """Read the settings of a process and remove those of all processes from its environment.

    What it starts from then on, such as the children that parse files of strangers, gets no secret.

    Raises:
        SystemExit: as `load_settings`.
    """
    settings = load_settings(kind)
    base.forget_variables(LocalSettings.keys())
    return settings
