"""The keys that verify tokens: one secret, or a JSON Web Key Set in a file or behind a URL (RFC 7517)."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import httpx
import jwt

from shared.errors import Unauthenticated, Unavailable
from shared.logs import get_logger

MAX_BYTES = 256 * 1024
FRESH_SECONDS = 300.0
"""How long a fetched key set is used before it is fetched again."""
STALE_SECONDS = 3600.0
"""How long a key set is used whose source does not answer any more."""
REFETCH_SECONDS = 10.0
"""The least pause between two fetches, however many unknown keys are presented."""
_FETCH_SECONDS = 5.0
_log = get_logger("identity")


class KeySource(Protocol):
    """Where the keys come from."""

    async def find(self, key_id: str | None) -> Sequence[Any]:
        """Return the keys that a token may be signed with, in a form that PyJWT takes: at least one.

        Raises:
            Unauthenticated: there is no such key.
            Unavailable: the keys can't be fetched.
        """


class SecretKeys:
    """Secrets, which sign and verify (HS256): one, and a second while one replaces the other."""

    def __init__(self, *secrets: bytes) -> None:
        self._secrets = secrets

    async def find(self, key_id: str | None) -> Sequence[bytes]:
        """Return the secrets."""
        return self._secrets


class KeySet:
    """A JSON Web Key Set that is read again when it is old or lacks a key: keys are rotated without a restart."""

    def __init__(self, source: str, *, algorithm: str) -> None:
        """Set the source.

        Args:
            source: an https:// address, or the path of a file.
            algorithm: the only algorithm whose keys are used.
        """
        self._source = source
        self._algorithm = algorithm
        self._keys: Sequence[jwt.PyJWK] = ()
        self._fetched_at = self._tried_at = -STALE_SECONDS
        self._lock = asyncio.Lock()

    async def find(self, key_id: str | None) -> Sequence[jwt.PyJWK]:
        """Return the key of this id; without an id the only key, if there is but one.

        Raises:
            Unauthenticated: there is no such key.
            Unavailable: the keys can't be fetched.
        """
        if self._age() > FRESH_SECONDS or self._match(key_id) is None:
            await self._refresh()
        if self._age() > STALE_SECONDS:
            raise Unavailable("The keys that verify tokens can't be fetched.", reason="KEYS_UNAVAILABLE")
        key = self._match(key_id)
        if key is None:
            raise Unauthenticated("The token is signed with a key that is not known.", reason="TOKEN_INVALID")
        return (key,)

    def _match(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.key_id == key_id), None)

    def _age(self) -> float:
        return time.monotonic() - self._fetched_at

    async def _refresh(self) -> None:
        """Fetch the keys, unless that was tried a moment ago."""
        async with self._lock:
            if time.monotonic() - self._tried_at < REFETCH_SECONDS:
                return
            self._tried_at = time.monotonic()
            try:
                keys = jwt.PyJWKSet.from_json(await self._read()).keys
            except (OSError, httpx.HTTPError, jwt.PyJWTError, ValueError, AttributeError, TypeError) as error:
                _log.warning("key set not read", cause=type(error).__name__)
                return
            self._keys = [key for key in keys if key.algorithm_name == self._algorithm and key.public_key_use != "enc"]
            self._fetched_at = time.monotonic()
            _log.info("key set read", keys=len(self._keys))

    async def _read(self) -> str:
        if not self._source.startswith(("http://", "https://")):
            content = await asyncio.to_thread(Path(self._source).read_bytes)
        else:
            content = await _fetch(self._source)
        if len(content) > MAX_BYTES:
            raise ValueError("the key set is too large")
        return content.decode()


async def _fetch(url: str) -> bytes:
    content = bytearray()
    async with (
        asyncio.timeout(_FETCH_SECONDS),
        httpx.AsyncClient(trust_env=False) as client,
        client.stream("GET", url, headers={"accept-encoding": "identity"}) as response,
    ):
        response.raise_for_status()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > MAX_BYTES:
                break
    return bytes(content)
