"""Every setting of every process, read once from the environment and an optional `.env` file.

This is the only module that reads the environment. A wrong value stops the start-up with one sentence naming the key.
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretBytes, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_FEWEST_KEY_BYTES = 16


def _postgres_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"postgres", "postgresql", "postgresql+asyncpg"} or not parts.path.strip("/"):
        raise ValueError("must look like postgresql://user:password@host:5432/database")
    return "postgresql+asyncpg" + value[len(parts.scheme) :]


def _redis_url(value: str) -> str:
    if urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must look like redis://host:6379/0")
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("must be an http:// or https:// address")
    return value


def _address(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError("must look like host:port")
    return value


def _target(value: str) -> str:
    if not re.fullmatch(r"(dns:///|ipv4:|ipv6:)?[^/\s:]+:\d+|(dns:///|ipv6:)?\[[0-9a-fA-F:]+\]:\d+|unix:.+", value):
        raise ValueError("must look like host:port, dns:///host:port or unix:/path")
    return value


def _signing_key(text: str) -> bytes:
    text = text.strip()
    encoded = text.removeprefix("whsec_")
    try:
        key = text.encode() if encoded == text else base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError("must be Base64 behind whsec_") from None
    if len(key) < _FEWEST_KEY_BYTES:
        raise ValueError(f"must be at least {_FEWEST_KEY_BYTES} bytes long, as it is all that proves who signed")
    return key


PostgresUrl = Annotated[str, AfterValidator(_postgres_url)]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
SigningKey = Annotated[SecretBytes, BeforeValidator(_signing_key)]
Address = Annotated[str, AfterValidator(_address)]
Target = Annotated[str, AfterValidator(_target)]
Positive = Annotated[int, Field(gt=0)]
Port = Annotated[int, Field(ge=0, le=65535)]


class _EnvironmentSettings(BaseSettings):
    """Read from the environment and `.env`; each field's name in capitals is its variable."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)


LogFormat = Literal["auto", "json", "console"]


class DatabaseSettings(_EnvironmentSettings):
    """What a migration needs."""

    database_url: PostgresUrl = Field(description="PostgreSQL, where the truth lives.")


class GatewaySettings(_EnvironmentSettings):
    """What the gateway needs; it knows neither database nor queue nor storage."""

    gateway_host: str = Field("127.0.0.1", description="Address the REST gateway listens on.")
    gateway_port: Port = Field(8000, description="Port the REST gateway listens on.")
    cors_origins: str = Field("", description="Front-ends on other origins, comma-separated; * for all.")
    grpc_host: str = Field("127.0.0.1", description="Address the gRPC services listen on.")
    ingest_port: Port = Field(50051, description="Port of IngestService.")
    pipeline_port: Port = Field(50052, description="Port of PipelineService.")
    report_port: Port = Field(50053, description="Port of ReportService.")
    ingest_target: Target | None = Field(
        None, description="Where clients find IngestService, e.g. dns:///ingest:50051."
    )
    pipeline_target: Target | None = Field(None, description="Where clients find PipelineService.")
    report_target: Target | None = Field(None, description="Where clients find ReportService.")
    max_upload_bytes: Positive = Field(512 * 1024 * 1024, description="Largest accepted file, bytes.")
    max_concurrent_uploads: Positive = Field(64, description="Uploads the gateway carries at once; more get 503.")
    upload_idle_seconds: Positive = Field(60, description="How long a client may send nothing of its upload, seconds.")
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = Field(
        "INFO", description="Least severe line."
    )
    log_format: LogFormat = Field("auto", description="json, console, or auto: console on a terminal.")
    failpoints: Path | None = Field(None, description="For tests only: a directory of points at which to fail.")

    def target(self, service: str) -> str:
        """Where a client dials `ingest`, `pipeline` or `report`."""
        configured: str | None = getattr(self, f"{service}_target")
        return configured or f"{self.grpc_host}:{getattr(self, f'{service}_port')}"


class Settings(GatewaySettings, DatabaseSettings):
    """Everything a service behind the gateway needs."""

    redis_url: RedisUrl = Field(description="Redis or Valkey, which only delivers.")
    database_pool_size: Positive = Field(10, description="Connections each process keeps to PostgreSQL.")
    storage_dir: Path = Field(Path(".local/objects"), description="Object directory when no bucket is configured.")
    scratch_dir: Path | None = Field(
        None, description="Where work in progress is spooled; the system's default if unset."
    )
    s3_bucket_name: str | None = Field(
        None, description="Bucket; set it to store objects in S3 instead of a directory."
    )
    aws_access_key_id: str | None = Field(None, description="S3 access key.")
    aws_secret_access_key: SecretStr | None = Field(None, description="S3 secret key.")
    aws_region: str = Field("us-east-1", description="S3 region.")
    aws_endpoint_url: HttpUrl | None = Field(None, description="Address of an S3-compatible store.")
    gemini_api_key: SecretStr | None = Field(None, description="Google Gemini key for smart and deep modes.")
    gemini_model: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")] = Field(
        "gemini-3.8-flash", description="The model that smart and deep modes ask."
    )
    gemini_base_url: HttpUrl | None = Field(None, description="A Gemini-compatible server instead of Google's.")
    gemini_call_seconds: Positive = Field(45, description="Longest wait for one answer, seconds.")
    gemini_run_seconds: Positive = Field(90, description="Longest wait for all answers of a run, seconds.")
    smart_uploads_per_user: Annotated[int, Field(ge=0)] = Field(
        3, description="Uploads in smart mode that each user has; 0 for no limit."
    )
    deep_uploads_per_user: Annotated[int, Field(ge=0)] = Field(
        1, description="Uploads in deep mode that each user has; 0 for no limit."
    )
    usage_reset_days: Positive | None = Field(
        None, description="Days after which the count starts anew; never if unset."
    )
    metrics_port: Port | None = Field(
        None, description="Where a worker of the fast queue serves /metrics, one of the deep queue one port on."
    )
    max_rows: Positive = Field(100_000, description="Most rows a table may have.")
    max_columns: Positive = Field(100, description="Most columns a table may have.")
    allow_private_urls: bool = Field(False, description="Let dataset_url point into private networks.")
    fast_timeout_seconds: Positive = Field(600, description="Deadline of a fast or smart run, seconds.")
    deep_timeout_seconds: Positive = Field(1800, description="Deadline of a deep run, seconds.")
    run_memory_bytes: Annotated[int, Field(ge=256 * 1024**2)] = Field(
        2 * 1024**3, description="Memory one run's process may allocate, bytes."
    )
    worker_slots: Positive = Field(2, description="Runs one worker process carries at once.")
    lease_seconds: Positive = Field(30, description="A run whose worker is silent this long is taken over, seconds.")
    heartbeat_seconds: Annotated[float, Field(gt=0)] = Field(
        10, description="Pause between two signs of life, seconds."
    )
    reconcile_seconds: Annotated[float, Field(gt=0)] = Field(
        5, description="Pause between two reconciler passes, seconds."
    )

    failed_kept_hours: Annotated[float, Field(gt=0)] = Field(
        24, description="How long a failed dataset is kept with its error before it is removed, hours."
    )
    collect_seconds: Annotated[float, Field(gt=0)] = Field(
        3600, description="Pause between two searches for orphaned objects, seconds."
    )
    orphan_seconds: Annotated[float, Field(ge=0)] = Field(
        3600, description="How long an object may be without its row before it is removed, seconds."
    )
    webhook_secret: SigningKey | None = Field(
        None, description="Key that signs webhooks, or whsec_ and the key in Base64; without it webhook_url is refused."
    )
    public_url: HttpUrl | None = Field(
        None, description="Where clients reach the gateway; the links in webhooks begin with it."
    )

    @model_validator(mode="after")
    def _complete(self) -> "Settings":
        if self.s3_bucket_name and not (self.aws_access_key_id and self.aws_secret_access_key):
            raise ValueError("S3_BUCKET_NAME needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY too")
        if self.heartbeat_seconds * 2 > self.lease_seconds:
            raise ValueError("HEARTBEAT_SECONDS must be at most half of LEASE_SECONDS")
        return self


AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def load_settings(kind: type[AnySettings]) -> AnySettings:
    """Read the settings, or stop the process with one sentence that names the key at fault."""
    try:
        return kind()
    except ValidationError as error:
        raise SystemExit(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    problem = "is not set" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
    key = ".".join(str(part) for part in first["loc"]).upper()
    return f"{key}: {problem}" if key else problem


class LocalSettings(Settings):
    """What `deploy.local` starts from: the same keys, where a missing server address means "start one here"."""

    database_url: PostgresUrl | None = Field(None, description="PostgreSQL; unset starts one.")  # type: ignore[assignment]
    redis_url: RedisUrl | None = Field(None, description="Redis or Valkey; unset starts one.")  # type: ignore[assignment]
    local_data_dir: Path = Field(Path(".local"), description="Where the local stack keeps its data.")

    @classmethod
    def load(cls, overrides: Mapping[str, str]) -> "LocalSettings":
        """Read the settings, `overrides` before the environment, or exit like `load_settings`; "" unsets a server."""
        given: dict[str, Any] = {key.lower(): value for key, value in overrides.items() if value}
        unset = {key: None for key in ("database_url", "redis_url") if overrides.get(key.upper()) == ""}
        try:
            return cls(**given, **unset)
        except ValidationError as error:
            raise SystemExit(_sentence(error)) from None

    @staticmethod
    def inherited_environment() -> dict[str, str]:
        """The variables a child process starts with."""
        return dict(os.environ)
