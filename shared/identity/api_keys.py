"""API keys: long-lived credentials for programs.

A key is `nl_<id>_<secret>`. The id is public and names the key in lists and logs. The secret has 256 random bits, so
that a plain SHA-256 at rest is enough: there is no dictionary to try, and no salt or slow hash would add anything.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.vocabulary import Role, Scope
from shared.identity.caller import Caller

PREFIX = "nl_"
_FORM = re.compile(r"nl_([a-z2-7]{12})_[A-Za-z0-9_-]{43}", re.ASCII)
_ID_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key as it is stored."""

    key_id: str
    secret_hash: bytes
    """SHA-256 of the whole key."""
    user_id: str
    name: str
    """What its owner calls it."""
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Return True if the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def caller(self, *, has_claims: bool) -> Caller:
        """Return the caller that presents this key.

        Args:
            has_claims: True if tokens name the collaborations of a user; a key has none then.
        """
        memberships: Mapping[str, Role] | None = {} if has_claims else None
        return Caller(
            kind="key",
            user_id=self.user_id,
            scopes=frozenset(self.scopes),
            memberships=memberships,
            key_id=self.key_id,
        )


def create_key() -> tuple[str, str]:
    """Return the id of a new key, and the key itself."""
    key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(12))
    return key_id, f"{PREFIX}{key_id}_{secrets.token_urlsafe(32)}"


def parse_key_id(key: str) -> str | None:
    """Return the id of a key; None if it has not the form of one."""
    match = _FORM.fullmatch(key)
    return match.group(1) if match else None


def hash_key(key: str) -> bytes:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode()).digest()


def is_same_key(key: str, secret_hash: bytes) -> bool:
    """Return True if a key has this hash, in a time that does not depend on the answer."""
    return hmac.compare_digest(hash_key(key), secret_hash)
