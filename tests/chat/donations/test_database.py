"""The database: its tables, its transactions, and what its absence looks like."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from chat.donations.database import Database, LedgerDown, lock, sqlite_url
from chat.donations.models import Base, Goal
from tests.chat.donations.postgres import running


def goal(channel: str, version: int = 1) -> Goal:
    return Goal(channel=channel, title="t", currency="EUR", target=1, since_ms=0, version=version)


async def keep(database: Database, channel: str) -> None:
    async def work(session: AsyncSession) -> None:
        session.add(goal(channel))

    await database.write(work)


async def goals(database: Database) -> list[str]:
    async with database.reading() as session:
        return list((await session.execute(select(Goal.channel).order_by(Goal.channel))).scalars())


async def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))

    async with database.reading() as session:
        assert await (await session.connection()).run_sync(differences) == []


async def test_opening_again_changes_nothing(database: Database, url: URL) -> None:
    await keep(database, "a")
    other = Database(url)
    await other.open()
    assert await goals(other) == ["a"]
    await other.close()


async def test_several_servers_may_open_at_once(url: URL) -> None:
    servers = [Database(url) for _ in range(4)]
    await asyncio.gather(*(server.open() for server in servers))
    await keep(servers[0], "a")
    assert await goals(servers[3]) == ["a"]
    for server in servers:
        await server.close()


async def test_a_write_is_kept_whole_or_not_at_all(database: Database) -> None:
    async def work(session: AsyncSession) -> None:
        session.add(goal("a"))
        await session.flush()
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        await database.write(work)
    assert await goals(database) == []


async def test_who_was_slower_looks_again(database: Database) -> None:
    """The first look sees nothing, the insert fails, the second look sees the other's row."""
    looks: list[bool] = []

    async def work(session: AsyncSession) -> bool:
        found = await session.get(Goal, "a") is not None
        if not looks:
            found = False
        looks.append(found)
        if not found:
            session.add(goal("a"))
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
        await lock(session, "goal:a")
        found = await session.get_one(Goal, "a")
        found.version += 1

    await asyncio.gather(*(database.write(count) for _ in range(10)))
    async with database.reading() as session:
        assert (await session.get_one(Goal, "a")).version == 11


async def test_sqlite_waits_for_the_disk_and_holds_references(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "m.db"))
    await database.open()
    async with database.reading() as session:
        settings = {
            name: (await session.execute(text(f"PRAGMA {name}"))).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    await database.close()


async def test_a_locked_sqlite_file_is_a_ledger_that_is_down(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "m.db"), busy_s=0.01)
    await database.open()
    other = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerDown, match="locked"):
        await keep(database, "a")
    other.execute("ROLLBACK")
    await keep(database, "a")
    assert await goals(database) == ["a"]
    other.close()
    await database.close()


async def test_a_file_that_cannot_be_opened_is_a_ledger_that_is_down(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "no-such-folder" / "m.db"))
    with pytest.raises(LedgerDown):
        await database.open()
    await database.close()


@pytest.mark.needs("initdb")
async def test_a_postgresql_that_goes_away_is_down_until_it_comes_back() -> None:
    with running() as server:
        database = Database(server.new_database(), busy_s=1.0)
        await database.open()
        await keep(database, "a")
        server.stop()
        with pytest.raises(LedgerDown):
            await keep(database, "b")
        with pytest.raises(LedgerDown):
            await goals(database)
        server.start()
        await keep(database, "c")
        assert await goals(database) == ["a", "c"]
        async with database.reading() as session:
            assert (await session.execute(select(func.count()).select_from(Goal))).scalar() == 2
        await database.close()
