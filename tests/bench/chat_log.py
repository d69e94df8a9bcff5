"""How many entries a second each log takes, and gives back: `python -m tests.bench.chat_log`.

One process asks and one room answers, so a figure is that of one event loop together with the
backend. Redis runs beside it, without a disk; SQLite writes to the folder for temporary files.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chat.entry import Draft, RoomId
from chat.log import RoomLog
from chat.log_memory import MemoryLog
from chat.log_redis import RedisLog
from chat.log_sqlite import SqliteLog
from chat.redis_store import connect
from tests.chat.redis_servers import redis_server

ROOM = RoomId("bench")
BODY = b'{"id":"k","user":{"id":"u","name":"Kim","roles":[]},"text":"' + b"x" * 100 + b'"}'
CALLERS = 64
"""That append one by one, at the same time."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Entries a second."""

    backend: str
    one_by_one: float
    """Each with a key and its own call, from many callers."""
    in_batches: float
    """Of 50, one call after another."""
    followed: float
    """From the call to the follower, in batches of 50."""
    read: float
    """History, 500 at a time."""


async def measure(backend: str, log: RoomLog, count: int) -> Figures:
    await log.open(ROOM)
    one_by_one = await _rate(count, _append_one_by_one(log, count))
    in_batches = await _rate(count, _append_in_batches(log, count))
    followed = await _rate(count, _append_and_follow(log, count))
    return Figures(
        backend, one_by_one, in_batches, followed, await _rate(2 * count, _read(log, 2 * count))
    )


def table(rows: Sequence[Figures]) -> str:
    lines = [
        "| backend | one by one | batches of 50 | to a follower | history |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        figures = (row.one_by_one, row.in_batches, row.followed, row.read)
        cells = " | ".join(f"{figure:,.0f}" for figure in figures)
        lines.append(f"| {row.backend} | {cells} |")
    return "\n".join(lines)


@asynccontextmanager
async def backends(*, redis: bool) -> AsyncIterator[dict[str, RoomLog]]:
    """All that can be had here, closed at the end."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        logs: dict[str, RoomLog] = {
            "memory": MemoryLog(),
            "SQLite": SqliteLog(Path(folder) / "chat.db"),
        }
        if redis:
            server = stack.enter_context(redis_server())
            logs["Redis"] = leader = RedisLog(connect([server.url]))
            await leader.open(ROOM)
            logs["Redis, by another node"] = RedisLog(connect([server.url]))
        for log in logs.values():
            stack.push_async_callback(log.close)
        yield logs


def _draft(key: str | None = None) -> Draft:
    now_ms = time.time_ns() // 1_000_000
    return Draft("message", BODY, now_ms, None, key)


async def _append_one_by_one(log: RoomLog, count: int) -> None:
    async def caller(number: int) -> None:
        for n in range(count // CALLERS):
            await log.append(ROOM, [_draft(f"{number}:{n}")])

    await asyncio.gather(*(caller(number) for number in range(CALLERS)))


async def _append_in_batches(log: RoomLog, count: int) -> None:
    for n in range(count // 50):
        await log.append(ROOM, [_draft(f"b{n}:{i}") for i in range(50)])


async def _append_and_follow(log: RoomLog, count: int) -> None:
    news = log.follow(ROOM)
    writing = asyncio.ensure_future(_append_unkeyed(log, count))
    got = 0
    while got < count // 50 * 50:
        got += len((await anext(news)).entries)
    await writing


async def _append_unkeyed(log: RoomLog, count: int) -> None:
    for _ in range(count // 50):
        await log.append(ROOM, [_draft() for _ in range(50)])


async def _read(log: RoomLog, count: int) -> None:
    at = 0
    while at < count and (page := await log.after(ROOM, at, 500)):
        at = page[-1].seq


async def _rate(count: int, work: Awaitable[None]) -> float:
    start = time.perf_counter()
    await work
    return count / (time.perf_counter() - start)


async def run(count: int) -> Sequence[Figures]:
    redis = shutil.which("redis-server") is not None
    async with backends(redis=redis) as logs:
        return [await measure(backend, log, count) for backend, log in logs.items()]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=20_000, help="of each kind")
    print(table(asyncio.run(run(parser.parse_args(arguments).entries))))


if __name__ == "__main__":
    main(sys.argv[1:])
