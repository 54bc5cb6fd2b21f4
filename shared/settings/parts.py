"""Settings by subject; `processes` combines them into the settings of each process."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import unquote

from pydantic import AliasChoices, Field, SecretStr, model_validator

from shared.contracts.vocabulary import DEFAULT_OUTLIER_STRATEGY, DEFAULT_PRIVACY, OutlierStrategy, PrivacyMethod
from shared.settings.base import EnvironmentSettings
from shared.settings.identity import TransportSettings
from shared.settings.types import (
    HttpUrl,
    IsolationMode,
    IsSigningKey,
    ModelName,
    Port,
    Positive,
    PostgresUrl,
    RedisUrl,
    SigningKey,
    Target,
    require_secret,
)

LogFormat = Literal["auto", "json", "console"]


class TraceSettings(EnvironmentSettings):
    """Where a process sends its traces. Other variables of OpenTelemetry, such as OTEL_BSP_*, work as it says."""

    otel_exporter_otlp_endpoint: HttpUrl | None = Field(
        None,
        description="Collector that gets traces by OTLP over HTTP, e.g. http://collector:4318; without it there are "
        "none.",
    )
    otel_exporter_otlp_headers: SecretStr | None = Field(
        None, description="Headers that the collector asks for, as name=value, comma-separated."
    )
    otel_traces_sampler_arg: Annotated[float, Field(ge=0, le=1)] = Field(
        1, description="Share of traces that are kept, 0 to 1; a caller's own trace is kept if the caller keeps it."
    )

    @model_validator(mode="after")
    def _has_headers(self) -> Self:
        self.otlp_headers()
        return self

    def otlp_headers(self) -> dict[str, str]:
        """Return the headers that the collector asks for.

        Raises:
            ValueError: one of them has no name.
        """
        text = "" if self.otel_exporter_otlp_headers is None else self.otel_exporter_otlp_headers.get_secret_value()
        pairs = [pair.partition("=") for pair in text.split(",") if pair.strip()]
        if not all(name.strip() and equals for name, equals, _ in pairs):
            raise ValueError("OTEL_EXPORTER_OTLP_HEADERS: must be name=value, comma-separated")
        return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}


class ProcessSettings(TraceSettings):
    """Settings of every process."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe line: DEBUG, INFO, WARNING or ERROR."
    )
    log_format: LogFormat = Field("auto", description="json, console, or auto: console on a terminal.")
    failpoints: Path | None = Field(None, description="For tests only: a directory of points at which to fail.")
    metrics_host: str = Field("127.0.0.1", description="Address that /metrics is served on.")
    metrics_port: Port | None = Field(
        None,
        description="Port where a process serves /metrics for Prometheus, 0 for any free one; nowhere if unset. The "
        "processes of `make run` take it and the next ones.",
    )


class AddressSettings(TransportSettings):
    """Addresses of the gRPC services, to listen on and to call."""

    grpc_host: str = Field("127.0.0.1", description="Address the gRPC services listen on.")
    ingest_port: Port = Field(50051, description="Port of IngestService.")
    pipeline_port: Port = Field(50052, description="Port of PipelineService.")
    report_port: Port = Field(50053, description="Port of ReportService.")
    ingest_target: Target | None = Field(
        None, description="Where clients find IngestService, e.g. dns:///ingest:50051; that port here if unset."
    )
    pipeline_target: Target | None = Field(
        None, description="Where clients find PipelineService; that port here if unset."
    )
    report_target: Target | None = Field(None, description="Where clients find ReportService; that port here if unset.")
    grpc_reflection: bool = Field(True, description="Let gRPC clients ask which rpcs there are.")

    @model_validator(mode="after")
    def _is_open_on_loopback_only(self) -> Self:
        self.require_loopback("GRPC_HOST", self.grpc_host)
        self.require_encryption("GRPC_HOST", self.grpc_host, self.grpc_tls_certificate)
        return self

    def target(self, service: str) -> str:
        """Return the gRPC target of the service `ingest`, `pipeline` or `report`."""
        configured: str | None = getattr(self, f"{service}_target")
        return configured or f"{self.grpc_host}:{getattr(self, f'{service}_port')}"


class DatabaseSettings(EnvironmentSettings):
    """Connection to PostgreSQL."""

    database_url: PostgresUrl = Field(
        description="PostgreSQL, where the truth lives: postgresql://user:password@host:5432/database."
    )
    database_pool_size: Positive = Field(10, description="Connections each process keeps to PostgreSQL.")


class QueueSettings(EnvironmentSettings):
    """Connection to Redis."""

    redis_url: RedisUrl = Field(description="Redis or Valkey, which only delivers: redis://host:6379/0.")


class StorageSettings(EnvironmentSettings):
    """Location of the object store."""

    storage_dir: Path = Field(Path(".local/objects"), description="Object directory when no bucket is configured.")
    s3_bucket_name: str | None = Field(
        None, description="Bucket; set it to store objects in S3 instead of a directory."
    )
    aws_access_key_id: str | None = Field(None, description="S3 access key.")
    aws_secret_access_key: SecretStr | None = Field(None, description="S3 secret key.")
    aws_region: str = Field("us-east-1", description="S3 region.")
    aws_endpoint_url: HttpUrl | None = Field(None, description="Address of an S3-compatible store; AWS if unset.")

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        if self.s3_bucket_name and not (self.aws_access_key_id and self.aws_secret_access_key):
            raise ValueError("S3_BUCKET_NAME needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY too")
        return self


class ScratchSettings(EnvironmentSettings):
    """Location of temporary files."""

    scratch_dir: Path | None = Field(
        None, description="Where work in progress is spooled; the system's default if unset."
    )


class IsolationSettings(ScratchSettings):
    """Use of the child processes."""

    isolation: IsolationMode = Field(
        "recycled", description="recycled: small tasks share child processes one after the other. fresh: none do."
    )


class UploadSizeSettings(EnvironmentSettings):
    """Limit of the size of an upload."""

    max_upload_bytes: Positive = Field(512 * 1024 * 1024, description="Largest accepted file, bytes.")


class TableSizeSettings(EnvironmentSettings):
    """Limits of the size of tables, and of how many are read at a time."""

    max_rows: Positive = Field(100_000, description="Most rows a table may have.")
    max_columns: Positive = Field(100, description="Most columns a table may have.")
    decode_slots: Positive | None = Field(
        None, description="Files that IngestService reads at a time; one for each core, and two at least, if unset."
    )


class PreparationSettings(EnvironmentSettings):
    """Choices for uploads that leave them open."""

    outlier_strategy: OutlierStrategy = Field(
        DEFAULT_OUTLIER_STRATEGY, description="What is done with outliers where an upload does not say."
    )
    privacy: PrivacyMethod = Field(
        DEFAULT_PRIVACY, description="What is done with personal data where an upload does not say."
    )


class QuotaSettings(EnvironmentSettings):
    """Quotas per user."""

    max_datasets_per_user: Annotated[int, Field(ge=0)] = Field(
        0, description="Datasets that a user may have at a time; 0 for no limit."
    )
    max_stored_bytes_per_user: Annotated[int, Field(ge=0)] = Field(
        0, description="Bytes of uploads that a user may have stored at a time; 0 for no limit."
    )
    max_concurrent_uploads_per_user: Positive = Field(
        8, description="Uploads of a user at the same time, in token mode; more wait for some seconds."
    )

    smart_uploads_per_user: Annotated[int, Field(ge=0)] = Field(
        3, description="Uploads in smart mode that each user has; 0 for no limit."
    )
    deep_uploads_per_user: Annotated[int, Field(ge=0)] = Field(
        1, description="Uploads in deep mode that each user has; 0 for no limit."
    )
    usage_reset_days: Positive | None = Field(
        None, description="Days after which the count starts anew; never if unset."
    )


class OutboundSettings(EnvironmentSettings):
    """Addresses that the service may call on behalf of users."""

    allow_private_urls: bool = Field(
        False, description="Let dataset_url and webhook_url reach private networks and this machine."
    )


class WebhookPresenceSettings(EnvironmentSettings):
    """Presence of the signing key, for a process that must know it but signs no webhooks."""

    can_sign_webhooks: IsSigningKey = Field(
        False, validation_alias=AliasChoices("webhook_secret"), description="Whether a key that signs webhooks is set."
    )


class WebhookSettings(EnvironmentSettings):
    """Signing key of webhooks, and base address of their links."""

    webhook_secret: SigningKey | None = Field(
        None,
        description="Key of at least 16 bytes that signs webhooks, as text or as whsec_ and Base64; without it "
        "webhook_url is refused.",
    )
    webhook_secret_fallback: SigningKey | None = Field(
        None, description="A second key that signs webhooks too, while receivers change from one to the other."
    )
    public_url: HttpUrl | None = Field(
        None, description="Where clients reach the gateway; the links in webhooks begin with it."
    )

    @model_validator(mode="after")
    def _has_webhook_secret(self) -> Self:
        require_secret("WEBHOOK_SECRET", self.webhook_secret, self.webhook_secret_fallback)
        return self


class GeminiSettings(EnvironmentSettings):
    """The language model of smart and deep modes."""

    gemini_api_key: SecretStr | None = Field(
        None, description="Google Gemini key for smart and deep modes; without it no model is asked."
    )
    gemini_model: ModelName = Field("gemini-3.8-flash", description="The model that smart and deep modes ask.")
    gemini_base_url: HttpUrl | None = Field(None, description="A Gemini-compatible server instead of Google's.")
    gemini_call_seconds: Positive = Field(45, description="Longest wait for one answer, seconds.")
    gemini_run_seconds: Positive = Field(90, description="Longest wait for all answers of a run, seconds.")


class MemorySettings(EnvironmentSettings):
    """Memory limit of child processes."""

    run_memory_bytes: Annotated[int, Field(ge=256 * 1024**2)] = Field(
        2 * 1024**3, description="Memory the process of one run, or of one decoding, may allocate, bytes."
    )


class HeartbeatSettings(EnvironmentSettings):
    """Heartbeat of workers."""

    heartbeat_seconds: Annotated[float, Field(gt=0)] = Field(
        10, description="Pause between two extensions of a lease, seconds."
    )


class LeaseSettings(HeartbeatSettings):
    """Lease of runs."""

    lease_seconds: Positive = Field(30, description="A run whose worker is silent this long is taken over, seconds.")

    @model_validator(mode="after")
    def _heartbeat_fits_lease(self) -> Self:
        if self.heartbeat_seconds * 2 > self.lease_seconds:
            raise ValueError("HEARTBEAT_SECONDS must be at most half of LEASE_SECONDS")
        return self


class UpkeepSettings(EnvironmentSettings):
    """Background tasks of PipelineService: their intervals and retention times."""

    reconcile_seconds: Annotated[float, Field(gt=0)] = Field(
        5, description="Pause between two reconciler passes, seconds."
    )
    failed_kept_hours: Annotated[float, Field(gt=0)] = Field(
        24, description="How long a failed dataset is kept with its error before it is removed, hours."
    )
    retention_days: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Days after which a dataset is removed with all results; never if unset."
    )
    audit_days: Annotated[float, Field(gt=0)] | None = Field(
        365, description="Days after which an event of the audit trail is removed."
    )
    collect_seconds: Annotated[float, Field(gt=0)] = Field(
        3600, description="Pause between two searches for orphaned objects, seconds."
    )
    orphan_seconds: Annotated[float, Field(ge=0)] = Field(
        3600, description="How long an object may be without its row before it is removed, seconds."
    )


class RunSettings(LeaseSettings, MemorySettings):
    """Execution of runs by a worker."""

    fast_timeout_seconds: Positive = Field(600, description="Deadline of a fast or smart run, seconds.")
    deep_timeout_seconds: Positive = Field(1800, description="Deadline of a deep run, seconds.")
    worker_slots: Positive = Field(2, description="Runs one worker process carries at once.")
