"""Settings of who may call, and how calls are kept from strangers and from floods."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, Field, FilePath, model_validator

from shared.settings.base import EnvironmentSettings
from shared.settings.tls_files import TlsFiles
from shared.settings.types import (
    KeySetSource,
    LongSecret,
    Rate,
    RedisUrl,
    is_loopback,
    require_pair,
    require_secret,
    secret_values,
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

    service_secret_fallback: LongSecret | None = Field(
        None, description="A second secret that is accepted too, while SERVICE_SECRET is being replaced."
    )

    @model_validator(mode="after")
    def _has_service_secret(self) -> Self:
        require_secret("SERVICE_SECRET", self.service_secret, self.service_secret_fallback)
        if self.auth_mode == "token" and self.service_secret is None:
            raise ValueError("AUTH_MODE=token needs SERVICE_SECRET, such as from openssl rand -base64 32")
        return self

    @property
    def service_keys(self) -> tuple[bytes, ...]:
        """The secrets by which the processes know each other, the one that signs first; none in open mode."""
        return () if self.auth_mode == "open" else secret_values(self.service_secret, self.service_secret_fallback)

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
    jwt_secret_fallback: LongSecret | None = Field(
        None, description="A second secret that is accepted too, while JWT_SECRET is being replaced."
    )
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
        require_secret("JWT_SECRET", self.jwt_secret, self.jwt_secret_fallback)
        needed, other = ("jwt_secret", "jwt_jwks") if self.jwt_algorithm == "HS256" else ("jwt_jwks", "jwt_secret")
        if getattr(self, other) is not None:
            raise ValueError(f"{other.upper()} is not for JWT_ALGORITHM={self.jwt_algorithm}; set {needed.upper()}")
        if getattr(self, needed) is not None and not (self.jwt_issuer and self.jwt_audience):
            raise ValueError(f"{needed.upper()} needs JWT_ISSUER and JWT_AUDIENCE too")
        if self.auth_mode == "open" and getattr(self, needed) is not None:
            raise ValueError(
                f"{needed.upper()} is set, but nobody has to prove who calls: set AUTH_MODE=token, or unset it"
            )
        users = {self.jwt_secret, self.jwt_secret_fallback} - {None}
        if users & {self.service_secret, self.service_secret_fallback}:
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
