"""A lock that says whether it can be forgotten."""

from __future__ import annotations

import asyncio

from sfu.counted_lock import CountedLock


async def test_it_is_idle_when_nobody_holds_or_wants_it() -> None:
    lock = CountedLock()
    idle = [lock.idle]
    async with lock:
        waiting = asyncio.create_task(_through(lock))
        await asyncio.sleep(0)
        idle.append(lock.idle)
    await waiting
    assert [*idle, lock.idle] == [True, False, True]


async def test_one_who_gives_up_waiting_does_not_count() -> None:
    lock = CountedLock()
    async with lock:
        waiting = asyncio.create_task(_through(lock))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert lock.idle


async def _through(lock: CountedLock) -> None:
    async with lock:
        pass
