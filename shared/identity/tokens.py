"""JSON Web Tokens: those of users, and those by which the processes of the service know each other.

Source: RFC 7519; RFC 8725 (best practices): one algorithm by configuration, explicit types, issuer and audience.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, get_args

import jwt
from jwt.types import Options

from shared.contracts.vocabulary import Role, Scope
from shared.errors import Unauthenticated
from shared.identity.caller import ROLES, SCOPES, Caller
from shared.identity.key_sets import KeySource
from shared.logs import get_logger

_log = get_logger("identity")
MAX_CHARACTERS = 8192
SERVICE_TYPE = "neuralearn-service+jwt"
SERVICE_SECONDS = 60
_SERVICE_AUDIENCE = "neuralearn-services"
_REQUIRED: Options = {"require": ["exp", "iss", "aud", "sub"]}
_SCOPE_PREFIX = "neuralearn:"
_DEFAULT_SCOPES: frozenset[Scope] = frozenset(("read", "write"))
_MAX_USER_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True)
class TokenPolicy:
    """What a user's token has to be like."""

    algorithm: str
    issuer: str
    audience: str
    leeway_seconds: float
    collaborations_claim: str | None
    """The claim with the roles of the user; None where members are kept in the database."""


class UserTokens:
    """The check of users' tokens."""

    def __init__(self, policy: TokenPolicy, keys: KeySource) -> None:
        self._policy = policy
        self._keys = keys

    async def verify(self, token: str) -> Caller:
        """Return the user that a token is for.

        The scopes are the words of the claim `scope` that begin with `neuralearn:`; without any, read and write.

        Raises:
            Unauthenticated: the token is not valid.
            Unavailable: the keys can't be fetched.
        """
        policy = self._policy
        header = unverified_header(token)
        if header.get("typ", "JWT") not in ("JWT", "at+jwt") or "crit" in header:
            raise _invalid()
        key_id = header.get("kid")
        keys = await self._keys.find(key_id if isinstance(key_id, str) else None)
        claims = _decode(
            token,
            keys,
            algorithms=[policy.algorithm],
            issuer=policy.issuer,
            audience=policy.audience,
            leeway=policy.leeway_seconds,
        )
        return Caller(
            kind="user",
            user_id=_parse_user(claims["sub"]),
            scopes=_parse_scopes(claims.get("scope")),
            memberships=self._memberships(claims),
        )

    def _memberships(self, claims: Mapping[str, Any]) -> Mapping[str, Role] | None:
        name = self._policy.collaborations_claim
        return None if name is None else parse_memberships(claims.get(name))


class ServiceTokens:
    """Short-lived tokens that a process of the service signs for each of its calls, with a secret that all share."""

    def __init__(self, secret: bytes, *accepted: bytes) -> None:
        """Set the secret that signs, and those that are accepted as well."""
        self._secret = secret
        self._accepted = (secret, *accepted)

    def sign(self, process: str) -> str:
        """Return a token for a process."""
        claims = {
            "iss": "neuralearn",
            "aud": _SERVICE_AUDIENCE,
            "sub": process,
            "exp": int(time.time()) + SERVICE_SECONDS,
        }
        return jwt.encode(claims, self._secret, algorithm="HS256", headers={"typ": SERVICE_TYPE})

    def verify(self, token: str) -> Caller:
        """Return the process that a token is for.

        Raises:
            Unauthenticated: the token is not valid.
        """
        claims = _decode(
            token, self._accepted, algorithms=["HS256"], issuer="neuralearn", audience=_SERVICE_AUDIENCE, leeway=10
        )
        return Caller(
            kind="service", user_id=_parse_user(claims["sub"]), scopes=frozenset(("operate",)), memberships={}
        )


def unverified_header(token: str) -> Mapping[str, Any]:
    """Return the header of a token, of which nothing has been verified.

    Raises:
        Unauthenticated: it is no token.
    """
    if len(token) > MAX_CHARACTERS:
        raise _invalid()
    try:
        header: Mapping[str, Any] = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise _invalid() from None
    return header


def parse_memberships(claim: object) -> dict[str, Role]:
    """Return the roles in a claim: `{"team": "editor"}`, or `["team", "other:owner"]`, where no role means viewer."""
    if isinstance(claim, Mapping):
        pairs = [(name, role) for name, role in claim.items() if isinstance(role, str)]
    else:
        names = [name for name in claim if isinstance(name, str)] if isinstance(claim, list) else []
        pairs = [_split_role(name) for name in names]
    return {name: role for name, role in pairs if name and role in ROLES}


def _split_role(name: str) -> tuple[str, str]:
    collaboration, _, role = name.rpartition(":")
    return (collaboration, role) if role in get_args(Role) and collaboration else (name, "viewer")


def _decode(token: str, keys: Sequence[Any], **checks: Any) -> dict[str, Any]:
    """Return the claims of a token that one of the keys has signed."""
    *others, last = keys
    try:
        for key in others:
            with suppress(jwt.InvalidSignatureError):
                return jwt.decode(token, key, options=_REQUIRED, **checks)
        return jwt.decode(token, last, options=_REQUIRED, **checks)
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("The token has expired; get a new one.", reason="TOKEN_EXPIRED") from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        # The caller is not told which check failed; whoever sets a deployment up has to know.
        _log.info("token refused", cause=type(error).__name__)
        raise _invalid() from None


def _parse_user(subject: object) -> str:
    is_name = isinstance(subject, str) and subject == subject.strip() and subject.isprintable()
    if not is_name or not 0 < len(str(subject)) <= _MAX_USER_CHARACTERS:
        raise _invalid()
    return str(subject)


def _parse_scopes(claim: object) -> frozenset[Scope]:
    words = claim.split() if isinstance(claim, str) else []
    ours = [word.removeprefix(_SCOPE_PREFIX) for word in words if word.startswith(_SCOPE_PREFIX)]
    return frozenset(scope for scope in SCOPES if scope in ours) if ours else _DEFAULT_SCOPES


def _invalid() -> Unauthenticated:
    # One sentence for all faults: which check failed is of use only to a forger.
    return Unauthenticated("The token is not valid here.", reason="TOKEN_INVALID")
