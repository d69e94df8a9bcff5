"""Followers of changes: nothing is missed, nothing piles up."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from recorder.jobs.changes import Followers
from recorder.jobs.job import Job
from tests.recorder.jobs.world import spec

FIRST = Job(1, "a" * 32, spec(), 1, "waiting", 0.0, 0, 0, 1_000)
SECOND = replace(FIRST, id=2, key="b" * 32)


async def test_each_follower_hears_of_every_job() -> None:
    followers = Followers()
    one, other = followers.open(), followers.open()
    followers.put([FIRST, SECOND])

    assert [await anext(one), await anext(one)] == [FIRST, SECOND]
    assert [await anext(other), await anext(other)] == [FIRST, SECOND]


async def test_a_slow_one_gets_the_newest_state_only() -> None:
    followers = Followers()
    slow = followers.open()
    for percent in range(100):
        followers.put([replace(FIRST, state="running", progress=percent / 100)])
    followers.put([SECOND])

    assert (await anext(slow)).progress == 0.99
    assert await anext(slow) == SECOND


async def test_one_that_waits_is_woken() -> None:
    followers = Followers()
    follower = followers.open()
    waiting = asyncio.create_task(anext(follower))
    await asyncio.sleep(0)
    followers.put([FIRST])
    assert await waiting == FIRST


async def test_at_the_end_what_waits_is_read_first() -> None:
    followers = Followers()
    follower = followers.open()
    followers.put([FIRST])
    followers.close()

    assert [job async for job in follower] == [FIRST]
    assert [job async for job in followers.open()] == []


async def test_who_lets_go_is_forgotten() -> None:
    followers = Followers()
    follower = followers.open()
    del follower
    followers.put([FIRST])
    late = followers.open()
    followers.close()
    with pytest.raises(StopAsyncIteration):
        await anext(late)
