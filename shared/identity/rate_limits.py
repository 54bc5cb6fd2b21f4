"""Limits on how often a user, a key and an address may call, counted in Redis for all processes together."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from limits import RateLimitItem, parse_many
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError

from shared.errors import QuotaExceeded, Unavailable
from shared.identity.caller import Caller
from shared.logs import get_logger

_log = get_logger("identity")


@dataclass(frozen=True, kw_only=True)
class Rates:
    """The limits, such as `600/minute;10000/day`; empty for none."""

    user: str = ""
    """Calls of a user, and of an API key."""
    upload: str = ""
    """Uploads of a user, and of an API key."""
    address: str = ""
    """Calls from an address, also of callers who do not prove who they are."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far a caller is from the limit that is nearest."""

    limit: int
    remaining: int
    reset_seconds: int
    """Seconds until the count is lower again."""

    def headers(self) -> dict[str, str]:
        """Return the standing as `RateLimit` headers."""
        return {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset_seconds),
        }


class RateLimits:
    """The count of calls; a sliding window, so that a burst at the turn of two minutes gains nothing."""

    def __init__(self, storage: Storage, rates: Rates, *, fails_open: bool) -> None:
        """Set the limits.

        Args:
            storage: where calls are counted.
            rates: the limits.
            fails_open: True if calls go on while the storage does not answer.
        """
        self._strategy = SlidingWindowCounterRateLimiter(storage)
        self._user = _parse(rates.user)
        self._upload = _parse(rates.upload)
        self._address = _parse(rates.address)
        self._fails_open = fails_open
        self._warned_at = 0.0

    async def count_address(self, address: str) -> Standing | None:
        """Count a call from an address.

        Raises:
            QuotaExceeded: there were too many (RATE_LIMITED).
            Unavailable: they can't be counted, and limits do not fail open.
        """
        return await self._count(self._address, [("address", address)])

    async def count_caller(self, caller: Caller, *, is_upload: bool) -> Standing | None:
        """Count a call of a user and its key; processes are not counted.

        Raises:
            QuotaExceeded: there were too many (RATE_LIMITED).
            Unavailable: they can't be counted, and limits do not fail open.
        """
        if caller.kind not in ("user", "key"):
            return None
        identities = [("user", caller.user_id), *([("key", caller.key_id)] if caller.key_id else [])]
        standing = await self._count(self._user, identities)
        if is_upload:
            standing = _nearest(standing, await self._count(self._upload, [(f"{k} upload", v) for k, v in identities]))
        return standing

    async def _count(self, items: Sequence[RateLimitItem], identities: Sequence[tuple[str, str]]) -> Standing | None:
        nearest: Standing | None = None
        try:
            for item in items:
                for identity in identities:
                    key = _key(*identity)
                    is_within = await self._strategy.hit(item, key)
                    window = await self._strategy.get_window_stats(item, key)
                    reset = max(1, round(window.reset_time - time.time()))
                    standing = Standing(limit=item.amount, remaining=window.remaining, reset_seconds=reset)
                    if not is_within:
                        raise _rate_limited(item, standing)
                    nearest = _nearest(nearest, standing)
        except (StorageError, OSError) as error:
            self._on_outage(error)
        return nearest

    def _on_outage(self, error: Exception) -> None:
        if not self._fails_open:
            raise Unavailable(
                "Calls can't be counted just now; please try again.", reason="LIMITS_UNAVAILABLE"
            ) from error
        if time.monotonic() - self._warned_at > 10:
            self._warned_at = time.monotonic()
            _log.warning("calls not counted", cause=type(error).__name__)


def _key(kind: str, name: str) -> str:
    """Return what is counted under, which names nobody."""
    return f"{kind}:{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _parse(rate: str) -> Sequence[RateLimitItem]:
    return parse_many(rate) if rate else ()


def _nearest(first: Standing | None, second: Standing | None) -> Standing | None:
    standings = [standing for standing in (first, second) if standing is not None]
    return min(standings, key=lambda standing: standing.remaining / standing.limit, default=None)


def _rate_limited(item: RateLimitItem, standing: Standing) -> QuotaExceeded:
    rate = f"{item.amount:,} per {item.GRANULARITY.name}"
    return QuotaExceeded(
        f"Too many calls: {rate} are allowed; please try again in {standing.reset_seconds} seconds.",
        reason="RATE_LIMITED",
        metadata=standing.headers(),
        retry_after=standing.reset_seconds,
    )
