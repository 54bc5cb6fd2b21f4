"""Settings by subject; `processes` combines them into the settings of each process."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, FilePath, SecretStr, model_validator

from shared.contracts.vocabulary import DEFAULT_OUTLIER_STRATEGY, DEFAULT_PRIVACY, OutlierStrategy, PrivacyMethod
from shared.settings.base import EnvironmentSettings
from shared.settings.tls_files import TlsFiles
from shared.settings.types import (
    HttpUrl,
    IsSigningKey,
    KeySetSource,
    LongSecret,
    Port,
    Positive,
    PostgresUrl,
    Rate,
    RedisUrl,
    SigningKey,
    Target,
    is_loopback,
    require_pair,
)

LogFormat = Literal["auto", "json", "console"]


class ProcessSettings(EnvironmentSettings):
    """Settings of every process."""

    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = Field(
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


class IdentitySettings(EnvironmentSettings):
    """How callers prove who they are."""

    auth_mode: Literal["open", "token"] = Field(
        "open",
        description="open: nobody proves anything, and only this machine is listened to; token: every call carries a "
        "token or an API key.",
    )
    allow_open: bool = Field(False, description="Listen to other machines in open mode too.")
    service_secret: LongSecret | None = Field(
        None, description="By which the processes know each other in token mode; the same for all, 32 bytes at least."
    )

    @model_validator(mode="after")
    def _has_service_secret(self) -> Self:
        if self.auth_mode == "token" and self.service_secret is None:
            raise ValueError("AUTH_MODE=token needs SERVICE_SECRET, such as from openssl rand -base64 32")
        return self

    @property
    def service_key(self) -> bytes | None:
        """The secret by which the processes know each other; None in open mode."""
        if self.auth_mode == "open" or self.service_secret is None:
            return None
        return self.service_secret.get_secret_value()

    def require_loopback(self, setting: str, host: str) -> None:
        """Return if a listener on this host is as safe as the mode asks for.

        Raises:
            ValueError: other machines would reach a service where nobody proves who calls.
        """
        if self.auth_mode == "open" and not self.allow_open and not is_loopback(host):
            raise ValueError(
                f"{setting}={host} lets other machines in, and nobody has to prove who calls: set AUTH_MODE=token, or "
                "ALLOW_OPEN=1 where the network keeps strangers out"
            )


class TokenSettings(IdentitySettings):
    """The check of users' tokens."""

    jwt_algorithm: Literal["HS256", "RS256", "ES256", "EdDSA"] = Field(
        "HS256", description="The only algorithm that a token may be signed with."
    )
    jwt_secret: LongSecret | None = Field(None, description="The secret of HS256, 32 bytes at least.")
    jwt_jwks: KeySetSource | None = Field(
        None,
        description="The key set of the other algorithms: an https:// address, or a file; read again as it changes.",
    )
    jwt_issuer: str | None = Field(None, description="Who issues the tokens: their `iss`.")
    jwt_audience: str | None = Field(None, description="Whom they are for: their `aud`.")
    jwt_leeway_seconds: Annotated[float, Field(ge=0, le=300)] = Field(
        30, description="By how much the clocks of issuer and service may differ, seconds."
    )
    jwt_collaborations_claim: str | None = Field(
        None,
        description="The claim with a user's collaborations and the role in each; if unset, members are kept here.",
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        needed, other = ("jwt_secret", "jwt_jwks") if self.jwt_algorithm == "HS256" else ("jwt_jwks", "jwt_secret")
        if getattr(self, other) is not None:
            raise ValueError(f"{other.upper()} is not for JWT_ALGORITHM={self.jwt_algorithm}; set {needed.upper()}")
        if getattr(self, needed) is not None and not (self.jwt_issuer and self.jwt_audience):
            raise ValueError(f"{needed.upper()} needs JWT_ISSUER and JWT_AUDIENCE too")
        if self.auth_mode == "open" and getattr(self, needed) is not None:
            raise ValueError(
                f"{needed.upper()} is set, but nobody has to prove who calls: set AUTH_MODE=token, or unset it"
            )
        if self.jwt_secret is not None and self.jwt_secret == self.service_secret:
            raise ValueError("JWT_SECRET and SERVICE_SECRET must differ: who signs tokens of users is not a process")
        return self


class TransportSettings(IdentitySettings):
    """TLS between the processes."""

    grpc_tls_certificate: FilePath | None = Field(
        None, description="Certificate of this process in PEM form, for serving gRPC and for proving itself to others."
    )
    grpc_tls_key: FilePath | None = Field(None, description="Key of that certificate.")
    grpc_tls_ca: FilePath | None = Field(
        None, description="Authority of the other processes' certificates; with it servers demand one of their clients."
    )
    allow_plaintext: bool = Field(
        False, description="Listen to other machines without TLS in token mode, as behind a mesh that encrypts."
    )

    @model_validator(mode="after")
    def _has_pair(self) -> Self:
        require_pair("GRPC_TLS_CERTIFICATE", self.grpc_tls_certificate, "GRPC_TLS_KEY", self.grpc_tls_key)
        return self

    def tls_files(self) -> TlsFiles | None:
        """Return the files of TLS between processes; None without TLS."""
        if self.grpc_tls_certificate is None and self.grpc_tls_ca is None:
            return None
        return TlsFiles(certificate=self.grpc_tls_certificate, key=self.grpc_tls_key, ca=self.grpc_tls_ca)

    def require_encryption(self, setting: str, host: str, certificate: Path | None) -> None:
        """Return if what other machines send to a listener on this host can't be read on the way.

        Raises:
            ValueError: it can.
        """
        if self.auth_mode == "token" and certificate is None and not self.allow_plaintext and not is_loopback(host):
            needed = setting.replace("_HOST", "_TLS_CERTIFICATE")
            raise ValueError(
                f"{setting}={host} lets other machines in without TLS: set {needed}, or ALLOW_PLAINTEXT=1 where "
                "something else encrypts"
            )


class RateLimitSettings(IdentitySettings):
    """Limits on how often callers may call; in token mode, and where other machines are let in."""

    limits_redis_url: RedisUrl | None = Field(
        None, validation_alias=AliasChoices("redis_url"), description="Redis or Valkey, which counts calls."
    )
    user_rate_limit: Rate = Field(
        "1200/minute", description="Calls of a user, and of an API key, such as 1200/minute;20000/day."
    )
    upload_rate_limit: Rate = Field("120/minute", description="Uploads of a user, and of an API key.")
    address_rate_limit: Rate = Field("3000/minute", description="Calls from an address.")
    limits_fail_open: bool = Field(True, description="Let calls go on while Redis does not answer; else they get 503.")


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
    public_url: HttpUrl | None = Field(
        None, description="Where clients reach the gateway; the links in webhooks begin with it."
    )


class GeminiSettings(EnvironmentSettings):
    """The language model of smart and deep modes."""

    gemini_api_key: SecretStr | None = Field(
        None, description="Google Gemini key for smart and deep modes; without it no model is asked."
    )
    gemini_model: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")] = Field(
        "gemini-3.8-flash", description="The model that smart and deep modes ask."
    )
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

    heartbeat_seconds: Annotated[float, Field(gt=0)] = Field(10, description="Pause between two heartbeats, seconds.")


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
