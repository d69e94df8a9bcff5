"""The private parts of aioice and aiortc are where we look for them, and do what we need."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aioice
import pytest
from aiortc import RTCIceGatherer, RTCIceTransport
from aiortc.rtcicetransport import RTCIceParameters

from mobile_sim.ice import (
    MONITOR,
    Datagrams,
    PathFailed,
    RemoteIce,
    Restart,
    interpose,
    parse_fragment,
    round_trip_s,
)
from mobile_sim.network import only, use_loopback_when_alone


class Tap:
    """A wire that counts, and is cut on demand."""

    def __init__(self) -> None:
        self.sent = self.received = 0
        self.cut = False

    def join(self, send: Datagrams, receive: Datagrams) -> tuple[Datagrams, Datagrams]:
        def out(data: bytes, address: tuple[str, int]) -> None:
            self.sent += 1
            if not self.cut:
                send(data, address)

        def back(data: bytes, address: tuple[str, int]) -> None:
            self.received += 1
            if not self.cut:
                receive(data, address)

        return out, back


class Pair:
    """An ICE transport of aiortc that is connected to a bare aioice connection."""

    def __init__(self) -> None:
        self.tap = Tap()
        self.transport = RTCIceTransport(RTCIceGatherer([]))
        self.transport._connection.ice_controlling = True
        self.far = aioice.Connection(ice_controlling=False)

    async def connect(self) -> None:
        use_loopback_when_alone()
        with only(["127.0.0.1"]):
            await self.transport.iceGatherer.gather()
            await self.far.gather_candidates()
        ours = self.transport._connection
        interpose(ours, self.tap)
        await introduce(self.far, ours)
        await asyncio.gather(
            self.far.connect(),
            self._start(RTCIceParameters(self.far.local_username, self.far.local_password)),
        )

    async def _start(self, remote: RTCIceParameters) -> None:
        for candidate in self.far.local_candidates:
            await self.transport._connection.add_remote_candidate(candidate)
        await self.transport._connection.add_remote_candidate(None)
        await self.transport.start(remote)

    async def close(self) -> None:
        await self.transport.stop()
        await self.far.close()


async def introduce(connection: aioice.Connection, to: aioice.Connection) -> None:
    """Tell `connection` the candidates and credentials of `to`."""
    connection.remote_username, connection.remote_password = to.local_username, to.local_password
    for candidate in to.local_candidates:
        await connection.add_remote_candidate(candidate)
    await connection.add_remote_candidate(None)


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    pair = Pair()
    await pair.connect()
    yield pair
    await pair.close()


async def another_far_end(restart: Restart, tap: Tap) -> tuple[aioice.Connection, RemoteIce]:
    """Gather on both sides of a restart, and make the far end ready for our checks."""
    far = aioice.Connection(ice_controlling=False)
    with only(["127.0.0.2"]):
        await restart.gather(tap)
        await far.gather_candidates()
    asked = parse_fragment(restart.fragment("video", "0"))
    far.remote_username, far.remote_password = asked.ufrag, asked.pwd
    for candidate in asked.candidates:
        await far.add_remote_candidate(candidate)
    await far.add_remote_candidate(None)
    return far, RemoteIce(
        far.local_username, far.local_password, tuple(far.local_candidates), False
    )


async def test_all_datagrams_of_a_connection_pass_the_wire(pair: Pair) -> None:
    sent, received = pair.tap.sent, pair.tap.received
    await pair.transport._send(b"hello")
    assert await pair.far.recv() == b"hello"
    await pair.far.send(b"you too")
    assert await pair.transport._recv() == b"you too"
    assert (pair.tap.sent, pair.tap.received) == (sent + 1, received + 1)
    assert sent > 0, "the checks went through it as well"


async def test_a_restart_moves_the_transport_and_who_waits_for_data_does_not_notice(
    pair: Pair,
) -> None:
    waiting = asyncio.create_task(pair.transport._recv())
    await asyncio.sleep(0)
    states: list[str] = []
    pair.transport.on("statechange", lambda: states.append(pair.transport.state))
    restart, tap = Restart(pair.transport), Tap()
    far, remote = await another_far_end(restart, tap)
    await asyncio.gather(far.connect(), restart.finish(remote))
    pair.tap.cut = True  # the old path
    await far.send(b"on the new path")
    assert await asyncio.wait_for(waiting, 5) == b"on the new path"
    await pair.transport._send(b"answer")
    assert await far.recv() == b"answer"
    assert tap.sent > 0
    assert states == [], "for DTLS and all above it nothing happened"
    await far.close()


async def test_the_end_of_the_old_connection_is_not_the_end_of_the_transport(pair: Pair) -> None:
    old = pair.transport._connection
    restart = Restart(pair.transport)
    far, remote = await another_far_end(restart, Tap())
    await asyncio.gather(far.connect(), restart.finish(remote))
    assert old._closed
    assert pair.transport.state == "completed"
    ended = asyncio.Event()
    pair.transport.on("statechange", ended.set)
    fresh = pair.transport._connection
    await fresh.close()  # as when consent is lost
    await asyncio.wait_for(ended.wait(), 5)
    assert pair.transport.state == "failed"
    await far.close()


async def test_a_restart_that_is_dropped_leaves_all_as_it_was(pair: Pair) -> None:
    restart = Restart(pair.transport)
    with only(["127.0.0.2"]):
        await restart.gather(None)
    await restart.drop()
    await pair.transport._send(b"still here")
    assert await pair.far.recv() == b"still here"
    await pair.far.send(b"me too")
    assert await pair.transport._recv() == b"me too"


async def test_a_path_that_is_none_is_refused(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mobile_sim.ice.CHECK_TIMEOUT_S", 0.1)
    restart = Restart(pair.transport)
    with only(["127.0.0.2"]):
        await restart.gather(None)
    nobody = aioice.Candidate.from_sdp("1 1 udp 2130706431 127.0.0.1 9 typ host")
    with pytest.raises(PathFailed, match="no answer on the new path"):
        await restart.finish(RemoteIce("abcd", "x" * 22, (nobody,), True))
    await restart.drop()
    await pair.transport._send(b"still here")
    assert await pair.far.recv() == b"still here"


async def test_a_connection_that_ended_meanwhile_is_not_revived(pair: Pair) -> None:
    restart = Restart(pair.transport)
    far, remote = await another_far_end(restart, Tap())
    await pair.transport.stop()
    waiting = asyncio.create_task(far.connect())
    with pytest.raises(PathFailed, match="ended meanwhile"):
        await restart.finish(remote)
    await restart.drop()
    await waiting
    await far.close()


async def test_without_an_address_there_is_no_restart(pair: Pair) -> None:
    restart = Restart(pair.transport)
    with only([]), pytest.raises(PathFailed, match="no network address"):
        await restart.gather(None)
    await restart.drop()


async def test_the_round_trip_is_that_of_the_wire_and_unknown_where_it_is_cut(pair: Pair) -> None:
    rtt_s = await round_trip_s(pair.transport)
    assert rtt_s is not None
    assert rtt_s > 0
    pair.tap.cut = True
    assert await round_trip_s(pair.transport) is None


async def test_other_versions_are_reported() -> None:
    transport = RTCIceTransport(RTCIceGatherer([]))
    connection = transport._connection
    del vars(connection)["_protocols"]
    with pytest.raises(RuntimeError, match=r"needs 0\.13"):
        interpose(connection, Tap())
    del vars(transport)[MONITOR]
    with pytest.raises(RuntimeError, match=r"needs 1\.16"):
        Restart(transport)


def test_a_fragment_is_read_without_its_dummy_sections() -> None:
    remote = parse_fragment(
        "a=ice-lite\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=ice-ufrag:abcd\r\n"
        "a=ice-pwd:0123456789012345678901\r\n"
        "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host\r\na=end-of-candidates\r\n"
    )
    assert (remote.ufrag, remote.pwd, remote.lite) == ("abcd", "0123456789012345678901", True)
    assert [(one.host, one.port) for one in remote.candidates] == [("192.0.2.1", 5000)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no ICE credentials"),
        ("a=ice-ufrag:abcd\r\n", "no ICE credentials"),
        ("a=ice-ufrag:abcd\r\na=ice-pwd:x\r\na=candidate:1 1 udp\r\n", "cannot be used"),
        ("a=candidate:1 1 udp x 192.0.2.1 y typ host\r\n", "cannot be used"),
    ],
)
def test_a_broken_fragment_is_no_path(text: str, reason: str) -> None:
    with pytest.raises(PathFailed, match=reason):
        parse_fragment(text)
