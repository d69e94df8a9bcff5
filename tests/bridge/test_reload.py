"""Waiting for media."""

from __future__ import annotations

import asyncio

import pytest

from bridge.reload import Holds, Key, Waiting
from sluice.errors import Problem

FAR = 1e12
"""Loop time that never comes."""


async def begun(waiting: Waiting, key: Key, leaving: asyncio.Future[None]) -> asyncio.Task[bool]:
    """Somebody who waits already."""
    task = asyncio.create_task(waiting.until(key, FAR, leaving))
    await asyncio.sleep(0)
    return task


@pytest.fixture
async def never() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


async def test_only_what_lies_before_the_edge_is_released(never: asyncio.Future[None]) -> None:
    waiting = Waiting()
    early = [await begun(waiting, (7, 1), never) for _ in range(3)]
    late = await begun(waiting, (7, 2), never)
    waiting.release((7, 2))
    assert await asyncio.gather(*early) == [True] * 3
    assert not late.done()
    assert len(waiting) == 1
    waiting.release(None)
    assert await late
    assert len(waiting) == 0


async def test_who_leaves_or_waits_for_too_long_leaves_nothing_behind(
    never: asyncio.Future[None],
) -> None:
    waiting, loop = Waiting(), asyncio.get_running_loop()
    gone: asyncio.Future[None] = loop.create_future()
    leaver, stayer = await begun(waiting, (7, 1), gone), await begun(waiting, (7, 1), never)
    gone.set_result(None)
    assert not await leaver
    assert not await waiting.until((7, 2), loop.time(), never)
    assert len(waiting) == 1
    stayer.cancel()
    await asyncio.gather(stayer, return_exceptions=True)
    assert len(waiting) == 0


def test_the_cap_is_counted_and_given_back() -> None:
    holds = Holds(2)
    with holds, holds:
        assert holds.held == 2
        with pytest.raises(Problem) as busy:
            holds.check()
        assert busy.value.kind.code == "busy"
        assert busy.value.retry_after_s == 1
    assert holds.held == 0
    holds.check()
