"""A check of the servers that the settings name, before anything starts."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import redis

from deploy.local.process import StartFailed
from shared.errors import ServiceError
from shared.settings.processes import LocalSettings


def require_configured_servers(settings: LocalSettings) -> None:
    """Ask each server that the settings name whether it lets us in.

    Raises:
        StartFailed: one does not; the sentence names the setting.
    """
    if settings.redis_url:
        _require_redis(settings.redis_url)
    try:
        # In a thread, as the caller may itself be run by an event loop.
        with ThreadPoolExecutor(1) as executor:
            executor.submit(asyncio.run, _check_database_and_bucket(settings)).result()
    except ServiceError as error:
        raise StartFailed(str(error)) from None


def _require_redis(url: str) -> None:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise StartFailed(f"REDIS_URL: no answer ({error}).") from None


async def _check_database_and_bucket(settings: LocalSettings) -> None:
    if settings.database_url:
        await _check_database(settings.database_url)
    if settings.s3_bucket_name:
        await _check_bucket(settings)


async def _check_database(url: str) -> None:
    from shared.db.session import Database  # imported here, as it takes most of a second that the demo need not wait

    database = Database(url, pool_size=1)
    try:
        await database.check_access()
    finally:
        await database.close()


async def _check_bucket(settings: LocalSettings) -> None:
    from shared.storage import open_store  # the same

    async with open_store(settings) as store:
        await store.check()
