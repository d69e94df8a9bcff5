"""What the benches of the media plane share, as far as it decides something."""

from __future__ import annotations

import dataclasses

import pytest

from signaling.load_door import WhepDoor
from signaling.load_result import LoadResult
from signaling.load_run import LoadRun, Plan
from tests.bench import rig
from tests.bench.fakes import PACKETS_PER_S, FakeClock, FakeLoad, FakeServer


async def result(viewers: int) -> LoadResult:
    """A run of two seconds."""
    clock = FakeClock()
    async with FakeServer().running() as server:
        door = WhepDoor(f"{server.base}/whep/a", clock=clock)
        return await LoadRun(
            Plan(viewers, 100.0, 2.0), FakeLoad(clock), door, clock=clock
        ).measure()


async def test_lost_is_what_was_missed_in_the_streams() -> None:
    whole = await result(4)
    video = dataclasses.replace(whole.video, lost=5)
    audio = dataclasses.replace(whole.audio, lost=2)
    assert rig.lost(whole) == 0
    assert rig.lost(dataclasses.replace(whole, video=video, audio=audio)) == 7


async def test_a_viewer_that_got_nothing_lost_all_that_another_got() -> None:
    whole = await result(4)
    assert rig.lost(dataclasses.replace(whole, viewers=5)) == pytest.approx(
        2 * PACKETS_PER_S, abs=1
    )


async def test_a_server_that_falls_behind_is_not_whole_though_nothing_is_lost() -> None:
    whole = await result(2)
    assert whole.delivered_percent is None
    assert rig.is_whole(whole)
    assert rig.is_whole(dataclasses.replace(whole, delivered_percent=99.9))
    assert not rig.is_whole(dataclasses.replace(whole, delivered_percent=80.0))


async def test_viewers_go_to_several_doors_in_turn_and_leave_by_their_own() -> None:
    clock = FakeClock()
    load = FakeLoad(clock)
    async with FakeServer().running() as server:
        doors = [
            WhepDoor(f"{server.base}/whep/{name}", None, f"{server.base}/whip/{name}", clock=clock)
            for name in ("a", "b")
        ]
        async with rig.SeveralDoors(doors) as several:
            assert await several.publish(load) == [0, 1]
            viewers = [await several.join(load) for _ in range(3)]
            await several.leave(viewers[1])
            assert [path for path, _ in server.deletes] == ["/whep/b/s3"]
        assert len(server.deletes) == 5
    assert [path for path, _, _ in server.posts][2:] == ["/whep/a", "/whep/b", "/whep/a"]
    assert several.unended == {}
