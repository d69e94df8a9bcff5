"""The database: its migrations, its transactions, and what its absence looks like."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from chat.donations import migrations as donations
from sluice.database import Database, DatabaseDown, lock, sqlite_url
from tests.postgres import running
from tests.sluice import migrations as counters
from tests.sluice.counters import Counter


@pytest.fixture
async def database(database_url: URL) -> AsyncIterator[Database]:
    opened = Database(database_url, counters.FOLDER)
    await opened.open()
    yield opened
    await opened.close()


async def keep(database: Database, name: str) -> None:
    async def work(session: AsyncSession) -> None:
        session.add(Counter(name=name, count=1))

    await database.write(work)


async def names(database: Database) -> list[str]:
    async with database.reading() as session:
        return list((await session.execute(select(Counter.name).order_by(Counter.name))).scalars())


async def tables(database: Database) -> set[str]:
    async with database.reading() as session:
        connection = await session.connection()
        return set(await connection.run_sync(lambda one: inspect(one).get_table_names()))


async def test_opening_again_changes_nothing(database: Database, database_url: URL) -> None:
    await keep(database, "a")
    other = Database(database_url, counters.FOLDER)
    await other.open()
    assert await names(other) == ["a"]
    await other.close()


async def test_several_servers_may_open_at_once(database_url: URL) -> None:
    servers = [Database(database_url, counters.FOLDER) for _ in range(4)]
    await asyncio.gather(*(server.open() for server in servers))
    await keep(servers[0], "a")
    assert await names(servers[3]) == ["a"]
    for server in servers:
        await server.close()


async def test_two_sets_of_tables_share_a_database(database: Database, database_url: URL) -> None:
    other = Database(database_url, donations.FOLDER)
    await other.open()
    assert await tables(other) > {"counters", "donations"}
    await keep(database, "a")
    await database.open()
    assert await names(database) == ["a"]
    await other.close()


async def test_databases_that_are_opened_at_once_each_get_their_own_tables(
    tmp_path: Path,
) -> None:
    folders = [counters.FOLDER, donations.FOLDER] * 3
    opened = [
        Database(sqlite_url(tmp_path / f"{number}.db"), folder)
        for number, folder in enumerate(folders)
    ]
    await asyncio.gather(*(one.open() for one in opened))
    for folder, one in zip(folders, opened, strict=True):
        assert ("counters" in await tables(one)) == (folder is counters.FOLDER)
        assert ("donations" in await tables(one)) == (folder is donations.FOLDER)
        await one.close()


async def test_a_write_is_kept_whole_or_not_at_all(database: Database) -> None:
    async def work(session: AsyncSession) -> None:
        session.add(Counter(name="a", count=1))
        await session.flush()
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        await database.write(work)
    assert await names(database) == []


async def test_who_was_slower_looks_again(database: Database) -> None:
    """The first look sees nothing, the insert fails, the second look sees the other's row."""
    looks: list[bool] = []

    async def work(session: AsyncSession) -> bool:
        found = await session.get(Counter, "a") is not None
        if not looks:
            found = False
        looks.append(found)
        if not found:
            session.add(Counter(name="a", count=1))
        return found

    await keep(database, "a")
    assert await database.write(work) is True
    assert looks == [False, True]


async def test_a_write_that_never_fits_ends(database: Database) -> None:
    await keep(database, "a")
    with pytest.raises(IntegrityError):
        await keep(database, "a")


async def test_writes_at_once_do_not_miss_each_other(database: Database) -> None:
    """Read, then write what was read plus one, ten times at once."""
    await keep(database, "a")

    async def count(session: AsyncSession) -> None:
        await lock(session, "counter:a")
        found = await session.get_one(Counter, "a")
        found.count += 1

    await asyncio.gather(*(database.write(count) for _ in range(10)))
    async with database.reading() as session:
        assert (await session.get_one(Counter, "a")).count == 11


async def test_sqlite_waits_for_the_disk_and_holds_references(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "m.db"), counters.FOLDER)
    await database.open()
    async with database.reading() as session:
        settings = {
            name: (await session.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    await database.close()


async def test_a_locked_sqlite_file_is_a_database_that_is_down(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "m.db"), counters.FOLDER, busy_s=0.01)
    await database.open()
    other = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseDown, match="locked"):
        await keep(database, "a")
    other.execute("ROLLBACK")
    await keep(database, "a")
    assert await names(database) == ["a"]
    other.close()
    await database.close()


async def test_a_file_that_cannot_be_opened_is_a_database_that_is_down(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "no-such-folder" / "m.db"), counters.FOLDER)
    with pytest.raises(DatabaseDown):
        await database.open()
    await database.close()


@pytest.mark.needs("initdb")
async def test_a_postgresql_that_goes_away_is_down_until_it_comes_back() -> None:
    with running() as server:
        database = Database(server.new_database(), counters.FOLDER, busy_s=1.0)
        await database.open()
        await keep(database, "a")
        server.stop()
        with pytest.raises(DatabaseDown):
            await keep(database, "b")
        with pytest.raises(DatabaseDown):
            await names(database)
        server.start()
        await keep(database, "c")
        assert await names(database) == ["a", "c"]
        async with database.reading() as session:
            counted = await session.execute(select(func.count()).select_from(Counter))
            assert counted.scalar() == 2
        await database.close()
