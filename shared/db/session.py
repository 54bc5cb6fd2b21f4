"""Connections to PostgreSQL, and its failures as service errors."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from shared.errors import Unavailable

RETRY_SECONDS = 2.0
PING_SECONDS = 5.0
IDLE_SECONDS = 1.0
"""A connection that nobody used for so long is asked whether it still works, before it is used."""
CLOSE_SECONDS = 5.0

_OUTAGES = ("08", "25006", "25P03", "40", "53", "55P03", "57P")
"""SQLSTATE classes and codes of transient failures.

Connection failure (08), read-only replica (25006), transaction idle too long (25P03), rollback by the server (40), no
resources left (53), lock timeout (55P03), starting or stopping (57P).
"""

_SESSION_SETTINGS = {
    # A process that freezes or loses power in mid-transaction must not block a run for longer than this.
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "lock_timeout": "5s",
}


class Database:
    """The connection pool of a process. Every `transaction` block is one transaction."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self._engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=10,
            connect_args={"timeout": 5, "command_timeout": 30, "server_settings": _SESSION_SETTINGS},
        )
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        _ping_idle_connections(self._engine)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction: committed when the block ends, rolled back when it raises.

        Raises:
            Unavailable: PostgreSQL can't be reached, or the connection broke.
        """
        async with self._open(self._engine.begin()) as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection on which each statement stands for itself: for one that reads, and three round trips less.

        Raises:
            Unavailable: PostgreSQL can't be reached, or the connection broke.
        """
        async with self._open(self._reading.connect()) as connection:
            yield connection

    @asynccontextmanager
    async def _open(self, opening: AbstractAsyncContextManager[AsyncConnection]) -> AsyncIterator[AsyncConnection]:
        try:
            async with opening as connection:
                yield connection
        except DBAPIError as error:
            if _is_outage(error):
                raise _unavailable() from error
            raise
        except (ConnectionError, TimeoutError, PoolTimeout) as error:
            raise _unavailable() from error

    async def ping(self) -> None:
        """Return if PostgreSQL answers within a few seconds.

        Raises:
            Unavailable: PostgreSQL does not answer.
        """
        try:
            async with asyncio.timeout(PING_SECONDS), self.reading() as connection:
                await connection.execute(text("select 1"))
        except TimeoutError as error:
            raise _unavailable() from error

    @asynccontextmanager
    async def session_lock(self, key: int) -> AsyncIterator[bool]:
        """Try to take the advisory lock `key` for the block, without waiting; True if it was taken.

        A block that takes longer than a minute loses the lock, so that a frozen process can't keep it.
        """
        async with self.transaction() as connection:
            await connection.execute(text("set local idle_in_transaction_session_timeout = '60s'"))
            is_locked = await connection.scalar(text("select pg_try_advisory_xact_lock(:key)"), {"key": key})
            yield bool(is_locked)

    async def check_access(self) -> None:
        """Check that PostgreSQL answers and lets us into the database.

        Raises:
            Unavailable: it does not; the detail names DATABASE_URL and the reason.
        """
        try:
            async with self.reading() as connection:
                await connection.execute(text("select 1"))
        except Unavailable as error:
            raise Unavailable(
                f"DATABASE_URL: PostgreSQL does not answer there ({_first_line(error.__cause__)})"
            ) from error
        except DBAPIError as error:
            # The driver's own message, without SQLAlchemy's links around it; it never has the password.
            cause = error.orig.__cause__ if error.orig and error.orig.__cause__ else error.orig
            raise Unavailable(f"DATABASE_URL: PostgreSQL refuses us ({_first_line(cause)})") from error
        except OSError as error:
            raise Unavailable(f"DATABASE_URL: PostgreSQL does not answer there ({_first_line(error)})") from error

    async def check(self) -> None:
        """Check that PostgreSQL answers and has its tables.

        Raises:
            Unavailable: it does not; the detail names DATABASE_URL and the reason.
        """
        await self.check_access()
        async with self.transaction() as connection:
            has_tables = await connection.scalar(text("select to_regclass('runs') is not null"))
        if not has_tables:
            raise Unavailable("DATABASE_URL: the database has no tables; run `make migrate`")

    async def server_version(self) -> str:
        """Return the version of PostgreSQL."""
        async with self.transaction() as connection:
            return str(await connection.scalar(text("show server_version")))

    async def revision(self) -> str | None:
        """Return the revision of the tables; None if there are none."""
        async with self.transaction() as connection:
            if not await connection.scalar(text("select to_regclass('alembic_version') is not null")):
                return None
            revision: str | None = await connection.scalar(text("select version_num from alembic_version"))
            return revision

    async def close(self) -> None:
        """Close every connection; one that does not answer for some seconds is given up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._engine.dispose()


def _ping_idle_connections(engine: AsyncEngine) -> None:
    """Replace a connection that does not answer when it is used again after a while.

    Source: https://docs.sqlalchemy.org/en/20/core/pooling.html#custom-legacy-pessimistic-ping
    """

    @event.listens_for(engine.sync_engine, "checkin")
    def remember(connection: Any, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def ping(connection: Any, record: ConnectionPoolEntry, proxy: Any) -> None:
        idle = time.monotonic() - record.info.get("used_at", time.monotonic())
        if idle >= IDLE_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error


async def lock_user(connection: AsyncConnection, user_id: str, *, exclusive: bool = False) -> None:
    """Let what a user does and the erasure of the user wait for each other, until the transaction ends."""
    function = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
    await connection.execute(text(f"select {function}(hashtextextended(:user_id, 1))"), {"user_id": user_id})


def _first_line(error: BaseException | None) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _is_outage(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None) or ""
    is_connection_failure = isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    return is_connection_failure or state.startswith(_OUTAGES)


def _unavailable() -> Unavailable:
    return Unavailable(
        "The database does not answer; please try again.", reason="DATABASE_UNAVAILABLE", retry_after=RETRY_SECONDS
    )
