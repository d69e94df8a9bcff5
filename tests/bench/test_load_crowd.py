"""How viewers come and go one by one."""

from __future__ import annotations

from signaling.load_crowd import Crowd
from signaling.load_door import WhepDoor
from tests.bench.fakes import FakeClock, FakeLoad, FakeServer


async def test_the_longest_viewer_goes_first_and_its_session_ends_with_it() -> None:
    clock = FakeClock()
    load = FakeLoad(clock)
    async with FakeServer().running() as server:
        door = WhepDoor(f"{server.base}/whep/a", "tok", clock=clock)
        async with door:
            crowd = Crowd(load, door, clock)
            await crowd.join(3, rate=100.0)
            first, *others = crowd.viewers
            await crowd.go()
            assert (crowd.viewers, load.removed) == (others, {first})
            assert len(server.deletes) == 1
            await crowd.disperse()
            await crowd.go()
            assert (crowd.viewers, load.removed) == ([], {first, *others})
        assert len(server.deletes) == 3


async def test_a_refused_viewer_is_counted_and_the_others_stay() -> None:
    clock = FakeClock()
    async with FakeServer(lambda number: 503 if number == 1 else 201).running() as server:
        door = WhepDoor(f"{server.base}/whep/a", clock=clock)
        async with door:
            crowd = Crowd(FakeLoad(clock), door, clock)
            await crowd.join(2, rate=100.0)
            await crowd.come()
    assert (len(crowd.viewers), crowd.refused) == (2, {"503": 1})
    assert door.unended == {}
