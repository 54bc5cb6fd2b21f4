"""Composition of the access control of a service from its settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits.aio.storage import RedisStorage
from redis.asyncio import ConnectionPool

from shared.db.session import Database
from shared.identity.access_control import AccessControl, OpenAccess
from shared.identity.key_sets import KeySet, KeySource, SecretKeys
from shared.identity.rate_limits import RateLimits, Rates
from shared.identity.token_access import TokenAccess
from shared.identity.tokens import ServiceTokens, TokenPolicy, UserTokens
from shared.settings.identity import RateLimitSettings, TokenSettings
from shared.settings.types import secret_values

_REDIS_SECONDS = 0.5


def build_access_control(settings: TokenSettings, database: Database) -> AccessControl:
    """Return the access control that the settings ask for."""
    if not settings.service_keys:
        return OpenAccess()
    return TokenAccess(
        database,
        users=_user_tokens(settings),
        services=ServiceTokens(*settings.service_keys),
        has_claims=settings.jwt_collaborations_claim is not None,
    )


@asynccontextmanager
async def open_rate_limits(settings: RateLimitSettings) -> AsyncIterator[RateLimits | None]:
    """Open the limits that the settings ask for; None where only this machine calls, or there is no Redis."""
    is_local = settings.auth_mode == "open" and not settings.allow_open
    if is_local or settings.limits_redis_url is None:
        yield None
        return
    pool = ConnectionPool.from_url(
        settings.limits_redis_url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS
    )
    storage = RedisStorage(
        f"async+{settings.limits_redis_url}",
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="neuralearn:limits",
        connection_pool=pool,  # type: ignore[arg-type]
    )
    rates = Rates(user=settings.user_rate_limit, upload=settings.upload_rate_limit, address=settings.address_rate_limit)
    try:
        yield RateLimits(storage, rates, fails_open=settings.limits_fail_open)
    finally:
        await pool.disconnect()


def _user_tokens(settings: TokenSettings) -> UserTokens | None:
    keys: KeySource
    if settings.jwt_secret is not None:
        keys = SecretKeys(*secret_values(settings.jwt_secret, settings.jwt_secret_fallback))
    elif settings.jwt_jwks is not None:
        keys = KeySet(settings.jwt_jwks, algorithm=settings.jwt_algorithm)
    else:
        return None
    policy = TokenPolicy(
        algorithm=settings.jwt_algorithm,
        issuer=settings.jwt_issuer or "",
        audience=settings.jwt_audience or "",
        leeway_seconds=settings.jwt_leeway_seconds,
        collaborations_claim=settings.jwt_collaborations_claim,
    )
    return UserTokens(policy, keys)
