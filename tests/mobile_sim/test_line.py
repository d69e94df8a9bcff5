"""The line is kept alive, and what is told of it is true. No network, no real time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import aiohttp
import pytest
from aiortc import RTCIceServer

from mobile_sim.line import (
    RESTART_S,
    Connecting,
    EndFailed,
    Line,
    LineEvent,
    Live,
    Restarted,
    Restarting,
    Retrying,
)
from mobile_sim.phone import Connection, ConnectionLost, ConnectionStats
from mobile_sim.whip import Refused, Session, Unreachable, WhipClient
from tests.mobile_sim.virtual_clock import VirtualClock


class FakeConnection(Connection):
    """Lives for `life` seconds of virtual time; `received` tells its packet count by age."""

    def __init__(
        self,
        clock: VirtualClock,
        life: float = 1e9,
        received: Callable[[int], int] = lambda second: second,
        connects: bool = True,
    ) -> None:
        self.closed_at: float | None = None
        self._clock = clock
        self._life = life
        self._received = received
        self._connects = connects
        self._age = 0.0
        self.moves: set[int] = set()
        """Ages at which the phone gets another address."""
        self.paths: list[Exception | None] = []
        """What becomes of the restarts, one after the other: no path, or one when None."""

    async def offer(self) -> str:
        return "the offer"

    async def connect(self, answer: str) -> None:
        assert answer == "the answer"
        if not self._connects:
            raise ConnectionLost("no path to the server (ICE)")

    def take_change(self) -> bool:
        return self._age in self.moves

    async def restart(self, exchange: Callable[[str], Awaitable[str]]) -> None:
        assert await exchange("our fragment") == "the server's fragment"
        self._received = lambda second: second  # the new path is alive
        if self.paths and (fault := self.paths.pop(0)) is not None:
            raise fault

    async def wait_lost(self, timeout_s: float) -> str | None:
        await asyncio.sleep(0)
        self._clock.pass_time(timeout_s)
        self._age += timeout_s or 1
        return "it broke" if self._age >= self._life else None

    async def stats(self) -> ConnectionStats:
        return ConnectionStats(self._received(int(self._age)), 0, 0, None)

    async def close(self) -> None:
        self.closed_at = self._clock.now


class FakeServer(WhipClient):
    """Gives out sessions 1, 2, 3 ..., unless `faults` has something to raise first."""

    def __init__(self) -> None:
        self.etag: str | None = None
        """Without one it does not restart ICE."""
        self.restart_faults: list[Exception] = []
        self.restarted: list[str] = []
        self.faults: list[Exception] = []
        self.delete_faults: list[Exception] = []
        self.deleted: list[str] = []
        self.forgotten = False
        """It knows none of its sessions any more."""
        self._sessions = 0

    async def post(self, offer: str) -> Session:
        if self.faults:
            raise self.faults.pop(0)
        self._sessions += 1
        server = RTCIceServer(urls=f"turn:127.0.0.1:{self._sessions}")
        return Session(f"/s/{self._sessions}", self.etag, "the answer", (server,))

    async def restart_ice(self, session: Session, fragment: str) -> tuple[Session, str]:
        assert fragment == "our fragment"
        self.restarted.append(session.url)
        if self.restart_faults:
            raise self.restart_faults.pop(0)
        return session, "the server's fragment"

    async def is_gone(self, session: Session) -> bool:
        return self.forgotten

    async def delete(self, session: Session) -> None:
        self.deleted.append(session.url)
        if self.delete_faults:
            raise self.delete_faults.pop(0)


class Rig:
    """A line that stops after so many successes or attempts."""

    def __init__(self, connections: Callable[[Rig], FakeConnection], end: Callable[[Rig], bool]):
        self.clock = VirtualClock()
        self.server = FakeServer()
        self.events: list[LineEvent] = []
        self.dialled: list[FakeConnection] = []
        self.ice: list[list[str]] = []
        self.ticks = 0
        self.hear: Callable[[LineEvent], None] = lambda event: None
        self._connections = connections
        self._end = end
        self._stop = asyncio.Event()
        self.line = Line(
            self.server, self._dial, self._tick, self._report, self.clock, random.Random(1)
        )

    async def run(self) -> None:
        await asyncio.wait_for(self.line.run(self._stop), 30)

    def _dial(self, ice_servers: Sequence[RTCIceServer]) -> FakeConnection:
        self.ice.append([str(server.urls) for server in ice_servers])
        self.dialled.append(self._connections(self))
        return self.dialled[-1]

    def _tick(self, connection: FakeConnection, stats: ConnectionStats) -> None:
        self.ticks += 1

    def _report(self, event: LineEvent) -> None:
        self.events.append(event)
        self.hear(event)
        if self._end(self):
            self._stop.set()

    def of(self, kind: type[LineEvent]) -> list[LineEvent]:
        return [event for event in self.events if isinstance(event, kind)]


def attempts(rig: Rig) -> list[int]:
    return [event.attempt for event in rig.events if isinstance(event, Connecting)]


def reasons(rig: Rig) -> list[str]:
    return [event.reason for event in rig.events if isinstance(event, Retrying)]


async def test_a_lost_connection_is_ended_closed_and_dialled_anew() -> None:
    rig = Rig(lambda rig: FakeConnection(rig.clock, life=3), lambda rig: len(rig.of(Live)) == 3)
    await rig.run()
    assert reasons(rig) == ["it broke", "it broke"]
    assert rig.server.deleted == ["/s/1", "/s/2", "/s/3"]
    assert all(connection.closed_at for connection in rig.dialled)
    assert rig.ticks >= 4


async def test_a_server_gone_silent_is_noticed() -> None:
    rig = Rig(
        lambda rig: FakeConnection(rig.clock, received=lambda age: min(age, 10)),
        lambda rig: len(rig.of(Retrying)) == 1,
    )
    await rig.run()
    assert reasons(rig) == ["the server has gone silent"]
    assert rig.dialled[0].closed_at == 100 + 10 + 3.25, (
        "it was heard each second; three is the limit"
    )


async def test_a_server_that_knows_the_session_no_more_is_asked_as_soon_as_it_is_silent() -> None:
    rig = Rig(
        lambda rig: FakeConnection(rig.clock, received=lambda age: min(age, 10)),
        lambda rig: len(rig.of(Retrying)) == 1,
    )
    rig.server.forgotten = True
    await rig.run()
    assert reasons(rig) == ["the server knows the session no more"]
    assert rig.dialled[0].closed_at == 100 + 10 + 1.5


async def test_the_backoff_grows_while_connections_are_short_and_starts_anew_after_a_long_one() -> (
    None
):
    lives = [2, 2, 2, 60, 2]
    rig = Rig(
        lambda rig: FakeConnection(rig.clock, life=lives[len(rig.dialled) % len(lives)]),
        lambda rig: len(rig.of(Connecting)) == 5,
    )
    await rig.run()
    assert attempts(rig) == [0, 1, 2, 3, 1]


async def test_every_passing_fault_is_tried_again_and_retry_after_respected() -> None:
    rig = Rig(lambda rig: FakeConnection(rig.clock), lambda rig: len(rig.of(Live)) == 1)
    rig.server.faults = [Unreachable("down"), Refused(503, "busy", 30.0), Refused(409, "taken")]
    await rig.run()
    assert reasons(rig) == ["down", "503: busy", "409: taken"]
    waits = [event.wait_ms for event in rig.events if isinstance(event, Retrying)]
    assert waits[1] >= 30_000
    assert rig.clock.now >= 130


async def test_a_final_refusal_ends_it() -> None:
    rig = Rig(lambda rig: FakeConnection(rig.clock), lambda rig: False)
    rig.server.faults = [Refused(403, "not you")]
    with pytest.raises(Refused, match="not you"):
        await rig.run()
    assert rig.dialled[0].closed_at is not None


async def test_a_session_without_a_path_is_ended_too() -> None:
    rig = Rig(
        lambda rig: FakeConnection(rig.clock, connects=False),
        lambda rig: len(rig.of(Retrying)) == 1,
    )
    await rig.run()
    assert rig.server.deleted == ["/s/1"]
    assert reasons(rig)[0] == "no path to the server (ICE)"
    assert rig.of(Live) == []


async def test_a_failing_end_is_reported_and_hides_nothing() -> None:
    rig = Rig(lambda rig: FakeConnection(rig.clock, life=2), lambda rig: len(rig.of(Retrying)) == 1)
    rig.server.delete_faults = [Unreachable("down")]
    await rig.run()
    assert rig.of(EndFailed) == [EndFailed("down")]
    assert reasons(rig)[0] == "it broke"


async def test_the_next_connection_knows_the_ice_servers_of_the_last_session() -> None:
    rig = Rig(lambda rig: FakeConnection(rig.clock, life=2), lambda rig: len(rig.of(Live)) == 3)
    await rig.run()
    assert rig.ice == [[], ["turn:127.0.0.1:1"], ["turn:127.0.0.1:2"]]


async def test_an_error_in_the_program_is_not_swallowed() -> None:
    rig = Rig(lambda rig: FakeConnection(rig.clock), lambda rig: False)
    rig.server.faults = [aiohttp.InvalidURL("nowhere")]
    with pytest.raises(aiohttp.InvalidURL):
        await rig.run()


# --- ICE restarts


def restarting(connections: Callable[[Rig], FakeConnection], end: Callable[[Rig], bool]) -> Rig:
    """A line whose server restarts ICE."""
    rig = Rig(connections, end)
    rig.server.etag = '"1"'
    return rig


async def test_another_address_restarts_ice_in_the_same_session() -> None:
    def moving(rig: Rig) -> FakeConnection:
        connection = FakeConnection(rig.clock)
        connection.moves = {3, 8}
        return connection

    rig = restarting(moving, lambda rig: len(rig.of(Restarted)) == 2)
    await rig.run()
    assert rig.server.restarted == ["/s/1", "/s/1"]
    assert rig.of(Restarting) == [Restarting("the phone has another address", 0)] * 2
    assert rig.of(Retrying) == []
    assert len(rig.dialled) == 1
    assert rig.server.deleted == ["/s/1"]


async def test_silence_restarts_ice_and_the_far_end_is_listened_to_anew() -> None:
    rig = restarting(
        lambda rig: FakeConnection(rig.clock, received=lambda age: min(age, 10)),
        lambda rig: len(rig.of(Restarted)) == 1,
    )
    await rig.run()
    assert rig.of(Restarting) == [Restarting("the server has gone silent", 0)]


async def test_a_refused_restart_becomes_a_new_session() -> None:
    def moving(rig: Rig) -> FakeConnection:
        connection = FakeConnection(rig.clock)
        connection.moves = {3} if len(rig.dialled) == 0 else set()
        return connection

    rig = restarting(moving, lambda rig: len(rig.of(Live)) == 2)
    rig.server.restart_faults = [Refused(404, "the session has ended")]
    await rig.run()
    (reason,) = reasons(rig)
    assert "another address" in reason
    assert "404" in reason
    assert rig.server.deleted == ["/s/1", "/s/2"]


async def test_a_restart_without_a_path_becomes_a_new_session() -> None:
    def moving(rig: Rig) -> FakeConnection:
        connection = FakeConnection(rig.clock)
        if len(rig.dialled) == 0:
            connection.moves, connection.paths = {3}, [ConnectionLost("ICE restart: no answer")]
        return connection

    rig = restarting(moving, lambda rig: len(rig.of(Live)) == 2)
    await rig.run()
    assert reasons(rig) == ["ICE restart: no answer"]


async def test_a_restart_is_tried_again_while_there_is_no_network() -> None:
    def moving(rig: Rig) -> FakeConnection:
        connection = FakeConnection(rig.clock, received=lambda age: 7)
        connection.moves = {3}
        return connection

    rig = restarting(moving, lambda rig: len(rig.of(Restarted)) == 1)
    rig.server.restart_faults = [Unreachable("no network")] * 3
    await rig.run()
    attempts = [event.attempt for event in rig.events if isinstance(event, Restarting)]
    assert attempts == [0, 1, 2, 3]
    (restarted,) = (event for event in rig.events if isinstance(event, Restarted))
    assert restarted.took_ms > 0
    assert not restarted.by_itself


async def test_it_is_given_up_when_consent_must_be_gone() -> None:
    def moving(rig: Rig) -> FakeConnection:
        connection = FakeConnection(rig.clock, received=lambda age: 7)
        connection.moves = {3}
        return connection

    rig = restarting(moving, lambda rig: len(rig.of(Retrying)) == 1)
    rig.server.restart_faults = [Unreachable("no network")] * 1000
    await rig.run()
    assert reasons(rig) == ["the phone has another address, and no network"]
    assert rig.clock.now - 103 <= RESTART_S


async def test_a_path_that_comes_back_by_itself_needs_no_other() -> None:
    def waking(rig: Rig) -> FakeConnection:
        return FakeConnection(rig.clock, received=lambda age: age if age < 10 or age > 16 else 10)

    rig = restarting(waking, lambda rig: len(rig.of(Restarted)) == 1)
    rig.server.restart_faults = [Unreachable("no network")] * 1000
    await rig.run()
    (restarted,) = (event for event in rig.events if isinstance(event, Restarted))
    assert restarted.by_itself


async def test_a_session_that_is_in_the_way_is_ended_first() -> None:
    rig = Rig(lambda rig: FakeConnection(rig.clock, life=2), lambda rig: len(rig.of(Live)) == 2)

    def taken(event: LineEvent) -> None:
        if isinstance(event, Retrying) and not rig.server.deleted:
            rig.server.faults = rig.server.faults or [Refused(409, "taken")]

    rig.hear = taken
    await rig.run()
    assert reasons(rig)[:2] == ["it broke", "409: taken"]
    assert rig.server.deleted == ["/s/1", "/s/2"]


async def test_a_network_that_is_back_ends_the_wait() -> None:
    class Patient(VirtualClock):
        """Sleeps until somebody ends it."""

        async def sleep(self, seconds: float) -> None:
            await asyncio.Event().wait()

    rig = Rig(lambda rig: FakeConnection(rig.clock), lambda rig: len(rig.of(Live)) == 1)
    rig.line._clock = Patient()
    rig.server.faults = [Unreachable("no network")]

    def back(event: LineEvent) -> None:
        if isinstance(event, Retrying):
            asyncio.get_running_loop().call_later(0.01, rig.line.network_is_back)

    rig.hear = back
    await rig.run()
    assert attempts(rig) == [0, 1]
