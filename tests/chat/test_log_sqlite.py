"""The log in SQLite: it behaves as every log, and a file that fails is said to fail."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings

from chat.log import LogError, RoomLog
from chat.log_sqlite import SqliteLog
from tests.chat.log_conformance import (
    GARDEN,
    T0,
    LastingConformance,
    Reopen,
    closed_after,
    collect,
    draft,
    seqs,
    texts,
)
from tests.chat.log_erasing import ErasingConformance
from tests.chat.log_steps import Step, behaves_as_memory, steps


class TestSqliteLog(LastingConformance, ErasingConformance):
    @pytest.fixture
    async def logs(self, tmp_path: Path) -> AsyncIterator[list[RoomLog]]:
        async with closed_after(SqliteLog(tmp_path / "chat.db")) as logs:
            yield logs

    @pytest.fixture
    def log(self, logs: list[RoomLog]) -> RoomLog:
        return logs[0]

    @pytest.fixture
    def reopen(self, logs: list[RoomLog], tmp_path: Path) -> Reopen:
        async def reopened() -> RoomLog:
            await logs.pop().close()
            logs.append(SqliteLog(tmp_path / "chat.db"))
            return logs[0]

        return reopened


@settings(max_examples=40, deadline=None)
@given(steps)
def test_it_does_what_the_log_in_memory_does(steps: list[Step]) -> None:
    async def run(folder: str) -> None:
        async with closed_after(SqliteLog(Path(folder) / "chat.db")) as [log]:
            await behaves_as_memory(log, GARDEN, steps)

    with TemporaryDirectory() as folder:
        asyncio.run(run(folder))


async def test_the_later_of_two_processes_has_the_room(tmp_path: Path) -> None:
    async with closed_after(*(SqliteLog(tmp_path / "chat.db") for _ in range(2))) as [one, two]:
        follower = one.follow(GARDEN)
        await one.open(GARDEN)
        await one.append(GARDEN, [draft("a")])
        assert texts(await collect(follower, 1)) == ["a"]
        await two.append(GARDEN, [draft("b")])
        with pytest.raises(LogError):
            await one.append(GARDEN, [draft("c")])
        head = await one.open(GARDEN)
        assert [end.last for end in head.chain] == [1, 2]
        await one.append(GARDEN, [draft("d")])
        news = await anext(follower)
        assert news.head is not None
        assert news.head.position.epoch == head.position.epoch
        assert news.head.position.seq == 1, "entries go on after what was read"
        assert texts(await collect(follower, 2)) == ["b", "d"]


async def test_what_cannot_be_written_is_not_acknowledged(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "chat.db")
    await log.append(GARDEN, [draft("a")])
    follower = log.follow(GARDEN)
    await asyncio.to_thread(spoil, tmp_path / "chat.db", "ALTER TABLE keys RENAME TO gone")
    with pytest.raises(LogError):
        await log.append(GARDEN, [draft("b", key="kim:1")])
    await asyncio.to_thread(spoil, tmp_path / "chat.db", "ALTER TABLE gone RENAME TO keys")
    await log.append(GARDEN, [draft("c")])
    assert seqs(await collect(follower, 1)) == [2]
    assert texts(await log.after(GARDEN, 0, 9)) == ["a", "c"]
    await log.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from chat.log_sqlite import SqliteLog
from tests.chat.log_conformance import GARDEN, draft

async def write():
    log = SqliteLog(Path(sys.argv[1]))
    for n in range(100_000):
        [one] = await log.append(GARDEN, [draft(str(n))])
        print(one.seq, flush=True)

asyncio.run(write())
"""


async def test_killed_at_any_moment_it_has_what_it_acknowledged(tmp_path: Path) -> None:
    acknowledged = 0
    for lines in (1, 20, 57):
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, tmp_path / "chat.db", stdout=asyncio.subprocess.PIPE
        )
        assert writer.stdout is not None
        for _ in range(lines):
            acknowledged = int(await writer.stdout.readline())
        writer.kill()
        await writer.communicate()
        async with closed_after(SqliteLog(tmp_path / "chat.db")) as [log]:
            head = await log.open(GARDEN)
            assert head.chain[-1].last == head.position.seq >= acknowledged
            numbers = seqs(await log.after(GARDEN, 0, 100_000))
            assert numbers == list(range(1, head.position.seq + 1))


async def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "rooms" / "chat.db")
    await log.append(GARDEN, [draft("a")])
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "rooms").iterdir()}
    assert modes == {0}
    await log.close()


async def test_what_was_erased_cannot_be_read_out_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    log = SqliteLog(path)
    await log.append(GARDEN, [draft("between the lines" * 9, T0 + n) for n in range(500)])
    await log.append(GARDEN, [draft("afterwards", T0 + 900)])
    await log.erase(GARDEN, T0, T0 + 500)
    await log.close()  # the last connection puts all into the one file
    left = b"".join(one.read_bytes() for one in tmp_path.iterdir())  # noqa: ASYNC240
    assert b"afterwards" in left
    assert b"between the lines" not in left


async def test_what_waits_for_the_disk_is_bounded(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "chat.db")
    await log.open(GARDEN)
    results = await asyncio.gather(
        *(log.append(GARDEN, [draft() for _ in range(1_000)]) for _ in range(30)),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, LogError)]
    assert 0 < len(refused) < 15
    assert not any(error.maybe for error in refused)
    assert (await log.open(GARDEN)).position.seq == 1_000 * (30 - len(refused))
    await log.close()


def spoil(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute(statement)
    db.close()
