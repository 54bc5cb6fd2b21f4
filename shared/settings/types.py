"""Types of settings; the error for a wrong value says what it must look like."""

import base64
import binascii
import ipaddress
import re
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretBytes

IsolationMode = Literal["recycled", "fresh"]
"""Whether child processes serve several small tasks, or one."""

_POSTGRES_OPTIONS = ("ssl", "host", "port", "prepared_statement_cache_size")
_MIN_KEY_BYTES = 16
_MIN_SECRET_BYTES = 32
"""As long as the output of SHA-256, which RFC 7518 asks for."""


def _postgres_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"postgres", "postgresql", "postgresql+asyncpg"} or not parts.path.strip("/"):
        raise ValueError("must look like postgresql://user:password@host:5432/database")
    _require_port(value)
    query = dict(parse_qsl(parts.query))
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    unknown = next((name for name in query if name not in _POSTGRES_OPTIONS), None)
    if unknown is not None:
        raise ValueError(f"may have the options {', '.join(_POSTGRES_OPTIONS)}, not {unknown[:50]}")
    address = value[len(parts.scheme) :].partition("?")[0]
    return f"postgresql+asyncpg{address}{'?' if query else ''}{urlencode(query)}"


def _require_port(value: str) -> None:
    """Return if the port of an address is a number, or absent."""
    try:
        _ = urlsplit(value).port
    except ValueError:
        raise ValueError("must have a number between 0 and 65535 as its port") from None


def _redis_url(value: str) -> str:
    if urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("must look like redis://host:6379/0")
    _require_port(value)
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("must be an http:// or https:// address")
    return value


def _model_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]+", value):
        raise ValueError("must be the name of a model: letters, digits, dots, dashes and underscores")
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
    if len(key) < _MIN_KEY_BYTES:
        raise ValueError(f"must be at least {_MIN_KEY_BYTES} bytes long, as it is all that proves who signed")
    return key


def _is_signing_key(value: object) -> object:
    return bool(_signing_key(value)) if isinstance(value, str) else value


def _origins(value: str) -> str:
    for origin in filter(None, (part.strip() for part in value.split(","))):
        parts = urlsplit(origin)
        is_origin = parts.scheme in {"http", "https"} and parts.netloc and not (parts.path or parts.query)
        if origin != "*" and not is_origin:
            raise ValueError(
                f"must be * or origins like https://app.example.org, comma-separated, not {origin[:100]!r}"
            )
    return value


def _long_secret(text: str) -> bytes:
    if len(text.encode()) < _MIN_SECRET_BYTES:
        raise ValueError(f"must be at least {_MIN_SECRET_BYTES} bytes long, such as from openssl rand -base64 32")
    return text.encode()


def _key_set(source: str) -> str:
    parts = urlsplit(source)
    is_local = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if parts.scheme not in ("", "https") and not is_local:
        raise ValueError("must be the path of a file or an https:// address")
    return source


def is_loopback(host: str) -> bool:
    """Return True if only this machine reaches a listener on this host."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _rate(value: str) -> str:
    if value == "none":
        return ""
    if not all(re.fullmatch(r"[1-9]\d*/(second|minute|hour|day)", part) for part in value.split(";")):
        raise ValueError("must look like 600/minute or 600/minute;10000/day, or be none")
    return value


def require_pair(first: str, first_value: object, second: str, second_value: object) -> None:
    """Return if two settings are both set or both unset.

    Raises:
        ValueError: one is set without the other.
    """
    if (first_value is None) != (second_value is None):
        missing, present = (second, first) if second_value is None else (first, second)
        raise ValueError(f"{present} needs {missing} too")


PostgresUrl = Annotated[str, AfterValidator(_postgres_url)]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
ModelName = Annotated[str, AfterValidator(_model_name)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]


def require_secret(setting: str, secret: SecretBytes | None, fallback: SecretBytes | None) -> None:
    """Return if a fallback stands beside the secret that it is for.

    Raises:
        ValueError: it stands alone.
    """
    if fallback is not None and secret is None:
        raise ValueError(f"{setting}_FALLBACK needs {setting} too: it is only accepted beside it")


def secret_values(*secrets: SecretBytes | None) -> tuple[bytes, ...]:
    """Return the values of the secrets that are set."""
    return tuple(secret.get_secret_value() for secret in secrets if secret is not None)


SigningKey = Annotated[SecretBytes, BeforeValidator(_signing_key)]
LongSecret = Annotated[SecretBytes, BeforeValidator(_long_secret)]
KeySetSource = Annotated[str, AfterValidator(_key_set)]
Rate = Annotated[str, AfterValidator(_rate)]
Address = Annotated[str, AfterValidator(_address)]
Target = Annotated[str, AfterValidator(_target)]
Positive = Annotated[int, Field(gt=0)]
Port = Annotated[int, Field(ge=0, le=65535)]
CorsOrigins = Annotated[str, AfterValidator(_origins)]
IsSigningKey = Annotated[bool, BeforeValidator(_is_signing_key)]
"""True if a valid key is set; the key itself is not kept."""
