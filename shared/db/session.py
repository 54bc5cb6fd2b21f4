"""Connections to PostgreSQL, and its failures in our words."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.errors import Unavailable

RETRY_SECONDS = 2.0
PING_SECONDS = 5.0

_OUTAGES = ("08", "25006", "25P03", "40", "53", "55P03", "57P")
"""SQLSTATE classes and codes that pass: connection failure, a replica that is not the primary (any more), a transaction
that stood still, rolled back by others, no resources left, a lock that was not to be had, starting or stopping."""

_SESSION_SETTINGS = {
    # Who freezes or loses power in mid-transaction may keep nobody from a run for longer than this.
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "lock_timeout": "5s",
}


class Database:
    """One process's pool of connections. Every block is one transaction."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self._engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            pool_pre_ping=True,
            connect_args={"timeout": 5, "command_timeout": 30, "server_settings": _SESSION_SETTINGS},
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A connection in a transaction: committed when the block ends, rolled back when it raises.

        Raises:
            Unavailable: PostgreSQL can't be reached or broke off.
        """
        try:
            async with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            if _is_outage(error):
                raise _unavailable() from error
            raise
        except (ConnectionError, TimeoutError, PoolTimeout) as error:
            raise _unavailable() from error

    async def ping(self) -> None:
        """Return if PostgreSQL answers, and soon.

        Raises:
            Unavailable: it does not.
        """
        try:
            async with asyncio.timeout(PING_SECONDS), self.transaction():
                pass
        except TimeoutError as error:
            raise _unavailable() from error

    @asynccontextmanager
    async def session_lock(self, key: int) -> AsyncIterator[bool]:
        """Whether this process holds the advisory lock `key` while the block runs (it never waits for it).

        A block that takes longer than a minute loses it, so that a frozen process can't keep it.
        """
        async with self.transaction() as connection:
            await connection.execute(text("set local idle_in_transaction_session_timeout = '60s'"))
            got = await connection.scalar(text("select pg_try_advisory_xact_lock(:key)"), {"key": key})
            yield bool(got)

    async def check(self) -> None:
        """Make sure PostgreSQL answers and its tables are there.

        Raises:
            Unavailable: with a sentence that names DATABASE_URL.
        """
        try:
            async with self.transaction() as connection:
                found = await connection.scalar(text("select to_regclass('runs') is not null"))
        except Unavailable as error:
            cause = str(error.__cause__).splitlines()[0]
            raise Unavailable(f"DATABASE_URL: PostgreSQL does not answer there ({cause})") from error
        except Exception as error:
            raise Unavailable(f"DATABASE_URL: PostgreSQL refuses us ({type(error).__name__})") from error
        if not found:
            raise Unavailable("DATABASE_URL: the database has no tables; run `make migrate`")

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


def _is_outage(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None) or ""
    passing = isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    return passing or state.startswith(_OUTAGES)


def _unavailable() -> Unavailable:
    return Unavailable(
        "The database does not answer; please try again.", reason="DATABASE_UNAVAILABLE", retry_after=RETRY_SECONDS
    )
