"""People who come, are refused, and come again."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.bench.bad_http import Caller
from tests.bench.fakes import FakeClock, FakeLoad, FakeServer, Report
from tests.bench.newcomers import PATIENCE_S, Newcomers


class SeeingLoad(FakeLoad):
    """Whose viewers have a keyframe as soon as they are answered."""

    def report(self) -> Report:
        return Report(join_keyframe_ms=tuple(float(one) for one in self.answered))


class Crowd:
    """A server, and newcomers of it on a clock of their own."""

    def __init__(self, server: FakeServer, load: type[FakeLoad] = SeeingLoad) -> None:
        self.clock = FakeClock()
        self.loads: list[FakeLoad] = []
        parts = urlsplit(server.base)

        def client() -> FakeLoad:
            self.loads.append(load(self.clock))
            return self.loads[-1]

        self.people = Newcomers(
            "/whep/a",
            lambda: Caller("127.0.0.1", parts.hostname or "", parts.port or 0),
            client,
            self.clock,
        )


async def test_each_sees_a_picture_and_leaves() -> None:
    async with FakeServer().running() as server:
        crowd = Crowd(server)
        await crowd.people.come(3, 6.0)
    people = crowd.people
    assert (len(people.joined_ms), people.first_try, people.given_up) == (3, 3, 0)
    assert people.refused == {}
    assert len(server.deletes) == 3
    assert all(load.stopped for load in crowd.loads)


async def test_who_is_refused_comes_again_and_its_time_goes_on() -> None:
    async with FakeServer(lambda number: 503 if number < 2 else 201).running() as server:
        crowd = Crowd(server)
        await crowd.people.one()
    people = crowd.people
    assert (people.first_try, people.given_up, people.refused) == (0, 0, {"503": 2})
    assert people.joined_ms == [2_000.0]
    assert crowd.loads[0].removed == {0, 1}


async def test_patience_ends_where_nobody_is_let_in() -> None:
    async with FakeServer(lambda number: 429).running() as server:
        crowd = Crowd(server)
        await crowd.people.one()
    people = crowd.people
    assert (people.joined_ms, people.given_up) == ([], 1)
    assert people.refused == {"429": int(PATIENCE_S)}
    assert server.deletes == []


async def test_who_never_sees_a_picture_has_not_come() -> None:
    async with FakeServer().running() as server:
        crowd = Crowd(server, FakeLoad)
        await crowd.people.one()
    assert (crowd.people.joined_ms, crowd.people.given_up) == ([], 1)
    assert len(server.deletes) == 1


async def test_a_server_that_is_not_there_is_a_refusal() -> None:
    async with FakeServer().running() as server:
        crowd = Crowd(server)
    await crowd.people.one()
    assert crowd.people.given_up == 1
    assert set(crowd.people.refused) == {"ConnectionRefusedError"}
