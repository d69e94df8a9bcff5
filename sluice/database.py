"""A database: SQLite in one file, or PostgreSQL, through the same models.

Whoever has tables hands over the folder of their migrations. Several sets of tables may share one
database, as long as each names a version table of its own.
"""

from __future__ import annotations

import asyncio
import sqlite3
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

import asyncpg  # type: ignore[import-untyped]
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

T = TypeVar("T")

_ATTEMPTS: Final = 5
_WRITES: Final = "sluice_writes"
_MIGRATING: Final = 0x51_0C_E5

_turns: Final[WeakKeyDictionary[AbstractEventLoop, asyncio.Lock]] = WeakKeyDictionary()


class DatabaseDown(Exception):
    """The database cannot be reached, or refuses to write. Nothing of the call was kept."""


class Database:
    """Opens sessions. A write is one transaction: all of it is kept, or nothing."""

    def __init__(self, url: str | URL, migrations: Path, *, busy_s: float = 5.0) -> None:
        """`migrations` is a script folder of Alembic, with `env.py` and `versions`."""
        parsed = make_url(url)
        self._migrations = migrations
        self.sqlite = parsed.get_backend_name() == "sqlite"
        if self.sqlite:
            self._engine = create_async_engine(parsed, connect_args={"timeout": busy_s})
            _tune_sqlite(self._engine)
        else:
            self._engine = create_async_engine(
                parsed,
                pool_pre_ping=True,
                pool_timeout=busy_s,
                connect_args={"timeout": busy_s, "command_timeout": 30.0},
            )
        self._writer = self._engine.execution_options(**{_WRITES: True})
        # SQLite lets one write at a time, and those that wait have no order: some would wait for
        # ever. So ours queue up here, and only other processes' are left to it.
        self._turn: AbstractAsyncContextManager[object] = (
            asyncio.Lock() if self.sqlite else nullcontext()
        )

    async def open(self) -> None:
        """Bring the tables to this version. Raises DatabaseDown."""
        async with _errors_told(), self._writer.begin() as connection, _alembic():
            await connection.run_sync(_migrate, self._migrations)

    async def close(self) -> None:
        await self._engine.dispose()

    async def write(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Run `work` in one transaction. Raises DatabaseDown.

        `work` looks before it inserts. Where another process was quicker, the unique constraint
        says so, and `work` runs again and finds what the other one wrote.
        """
        async with _errors_told():
            attempt = 1
            while True:
                try:
                    async with (
                        self._turn,
                        AsyncSession(self._writer, expire_on_commit=False) as session,
                        session.begin(),
                    ):
                        return await work(session)
                except IntegrityError:
                    if attempt == _ATTEMPTS:
                        raise
                    attempt += 1

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session to read with. Raises DatabaseDown."""
        async with (
            _errors_told(),
            AsyncSession(self._engine, expire_on_commit=False) as session,
        ):
            yield session


async def lock(session: AsyncSession, name: str) -> None:
    """Hold `name` until the transaction ends, so that two of them cannot miss each other.

    In SQLite, a write has the whole file anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name}
        )


def sqlite_url(path: Path) -> URL:
    return URL.create("sqlite+aiosqlite", database=str(path))


def _migrate(connection: Connection, migrations: Path) -> None:
    """Bring the tables to this version, within the connection's transaction."""
    if connection.dialect.name == "postgresql":
        # Of several servers that start at once, one makes the tables.
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _alembic() -> asyncio.Lock:
    """Held while Alembic runs: it keeps what it is at in globals, and another database that is
    opened meanwhile on the same loop would have its steps run there.
    """
    return _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock())


@asynccontextmanager
async def _errors_told() -> AsyncIterator[None]:
    """A fault of the database becomes DatabaseDown; a fault of ours stays what it is."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise DatabaseDown(f"{type(error.orig).__name__}: {error.orig}") from error
    except (PoolTimeout, OSError, sqlite3.Error, asyncpg.PostgresError) as error:  # no connection
        raise DatabaseDown(f"{type(error).__name__}: {error}") from error


def _tune_sqlite(engine: AsyncEngine) -> None:
    """WAL, and a commit is on the disk when it returns; a write takes the lock at its begin, so
    that what it read is still so when it writes.
    """

    def connected(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        # The driver would begin transactions by itself, and too late.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", begun)
