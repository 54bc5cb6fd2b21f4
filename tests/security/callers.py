"""Callers of a stack in token mode, and the credentials that they present."""

import time
from typing import Any

import jwt

JWT_SECRET = "a-secret-of-the-issuer-of-tokens-" + "0123456789" * 4
SERVICE_SECRET = "a-secret-of-the-processes-0123456789abcdef"
ISSUER, AUDIENCE = "https://issuer.example", "neuralearn"
TOKEN_MODE = {
    "AUTH_MODE": "token",
    "SERVICE_SECRET": SERVICE_SECRET,
    "JWT_SECRET": JWT_SECRET,
    "JWT_ISSUER": ISSUER,
    "JWT_AUDIENCE": AUDIENCE,
    "JWT_LEEWAY_SECONDS": "5",
}


def claims(user_id: str = "ada", **changes: Any) -> dict[str, Any]:
    """Return the claims of a valid token; a change to None leaves a claim out."""
    valid = {"iss": ISSUER, "aud": AUDIENCE, "sub": user_id, "exp": int(time.time()) + 86_400}
    return {name: value for name, value in {**valid, **changes}.items() if value is not None}


def token(user_id: str = "ada", *, secret: str = JWT_SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    """Return a token."""
    return jwt.encode(claims(user_id, **changes), secret, algorithm=algorithm)


def bearer(credential: str | None) -> dict[str, str]:
    """Return the header that presents a credential."""
    return {} if credential is None else {"Authorization": f"Bearer {credential}"}


def unsigned_token(user_id: str = "ada") -> str:
    """Return a token with `alg: none`."""
    return jwt.encode(claims(user_id), key="", algorithm="none")
