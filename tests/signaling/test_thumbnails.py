"""Pictures of moments: asked of the queue, waited for, and not for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from recorder.work.task import Spec
from signaling import thumbnails as module
from signaling.thumbnails import MOST, MOST_WAITING, Thumbnails, place_ms
from sluice.errors import Problem
from tests.recorder.catalog.world import lay, records
from tests.signaling.scripted_queue import ScriptedQueue

VOD = "live-20260101-120000-abcdef"
PICTURE = {"poster.jpg": b"a picture"}


class World:
    def __init__(self, recordings: Path) -> None:
        lay(recordings, VOD, records(VOD))
        self.queue = ScriptedQueue(recordings)
        self.thumbnails = Thumbnails(self.queue, recordings)

    async def asked(self, at_ms: int = 3_000) -> asyncio.Task[Path]:
        """Somebody who waits."""
        count = len(self.queue.jobs)
        task = asyncio.create_task(self.thumbnails.at(VOD, at_ms))
        async with asyncio.timeout(10):
            await self.queue.until(count + 1)
        return task


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_a_picture_is_waited_for(world: World) -> None:
    asked = await world.asked()
    job = world.queue.of_kind("poster")
    assert (job.spec.parameters, job.priority) == ({"at_ms": 3_000}, 5)
    other = await world.queue.submit(Spec("poster", VOD))
    world.queue.settle(other, "failed")  # somebody else's
    world.queue.settle(job, "running")
    folder = world.queue.make(job, PICTURE)
    world.queue.settle(job)
    assert await asked == folder / "poster.jpg"


async def test_many_who_want_the_same_wait_for_one_job(world: World) -> None:
    first = await world.asked()
    others = [asyncio.create_task(world.thumbnails.at(VOD, 3_000)) for _ in range(5)]
    await asyncio.sleep(0)
    job = world.queue.of_kind("poster")
    world.queue.make(job, PICTURE)
    world.queue.settle(job)
    assert len({*await asyncio.gather(first, *others)}) == 1
    assert len(world.queue.jobs) == 1


async def test_what_is_there_is_not_waited_for(world: World) -> None:
    asked = await world.asked()
    job = world.queue.of_kind("poster")
    world.queue.make(job, PICTURE)
    world.queue.settle(job)
    path = await asked
    assert await world.thumbnails.at(VOD, 3_000) == path


async def test_a_moment_without_a_picture(world: World) -> None:
    asked = await world.asked()
    world.queue.settle(world.queue.of_kind("poster"), "failed")
    for asking in (asked, world.thumbnails.at(VOD, 3_000)):
        with pytest.raises(Problem) as refused:
            await asking
        assert refused.value.kind.code == "media-unknown"


async def test_nobody_waits_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 0)
    with pytest.raises(Problem) as refused:
        await world.thumbnails.at(VOD, 3_000)
    assert (refused.value.kind.code, refused.value.retry_after_s) == ("late", 2)


async def test_only_so_many_wait_at_once(world: World) -> None:
    waiting = [await world.asked(1_000 * number) for number in range(MOST_WAITING)]
    with pytest.raises(Problem) as refused:
        await world.thumbnails.at(VOD, 0)
    assert refused.value.kind.code == "busy"
    job = world.queue.jobs[next(iter(world.queue.jobs))]
    world.queue.make(job, PICTURE)
    world.queue.settle(job)
    await waiting[0]
    await world.thumbnails.at(VOD, 0)  # there is room again
    for one in waiting[1:]:
        one.cancel()
    await asyncio.gather(*waiting[1:], return_exceptions=True)
    assert len([await world.asked(100_000 + n) for n in range(MOST_WAITING)]) == MOST_WAITING


def test_a_recording_has_so_many_pictures_however_long_it_is() -> None:
    assert place_ms(6_999, 7_000) == 6_000
    for length_ms in (599_999, 3_600_000, 360_000_000):
        places = {place_ms(at_ms, length_ms) for at_ms in range(0, length_ms, 1_000)}
        assert len(places) <= MOST
