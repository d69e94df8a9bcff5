"""The engine in a process of its own: it behaves as every engine, and outlives its media plane."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from sfu.engine import (
    Accepted,
    EngineBusy,
    EngineEvent,
    EngineTotals,
    IceCredentials,
    MediaStarted,
    PeerClosed,
    PlaneLost,
)
from sfu.layers import LayerWish
from sfu.plane.remote import RESTARTED, RemoteEngine
from sfu.plane.wire import CannotStart, FromPlane, Started, Units, WireError, happened, reply
from sluice.config import MediaConfig
from sluice.ids import PeerId
from tests.sfu.engine_conformance import CHANNEL, EngineConformance, Events, Make, publish


class TestRemote(EngineConformance):
    @pytest.fixture
    def make(self) -> Make:
        return RemoteEngine


@pytest.fixture
async def remote() -> AsyncIterator[RemoteEngine]:
    engine = RemoteEngine(MediaConfig(port=0, workers=2))
    await engine.start()
    yield engine
    await engine.stop()


def kill(engine: RemoteEngine) -> None:
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)


async def until_alive(engine: RemoteEngine, restarts: int = 1) -> None:
    async with asyncio.timeout(20):
        while not (engine.alive and engine.restarts == restarts):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def test_when_it_dies_every_peer_is_told_and_another_may_come(remote: RemoteEngine) -> None:
    events = Events(remote)
    publisher, first = await publish(remote, [VideoStreamTrack(), AudioStreamTrack()])
    await events.until(MediaStarted)
    tap = remote.open_tap(CHANNEL)
    units = aiter(tap)
    async with asyncio.timeout(10):
        await anext(units)
    offers = (await remote.totals()).counters

    kill(remote)
    assert await events.until(PlaneLost) == PlaneLost(1)
    closed = await events.until(PeerClosed)
    assert closed == PeerClosed(first.peer, "failed", "the media plane was restarted")
    await until_alive(remote)
    await publisher.close()

    totals = await remote.totals()
    assert totals.peers == 0
    assert all(totals.counters[name] >= count for name, count in offers.items())
    again, second = await publish(remote, [VideoStreamTrack(), AudioStreamTrack()])
    assert second.peer > first.peer
    started = await events.until(MediaStarted, lambda event: event.peer == second.peer)
    assert started.channel == CHANNEL
    async with asyncio.timeout(10):
        await anext(units)  # the tap that was there before
    stats = await remote.peer_stats(second.peer)
    assert stats is not None
    assert stats.peer == second.peer
    assert await remote.peer_stats(first.peer) is None
    assert not await remote.remove(first.peer)
    assert await remote.send_data_many([first.peer], "chat", b"", False) == [first.peer]
    tap.close()
    await again.close()


async def test_numbers_grow_over_many_lives(remote: RemoteEngine) -> None:
    seen: list[PeerId] = []
    for restarts in range(3):
        await until_alive(remote, restarts)
        for _ in range(2):
            peer, accepted = await publish(remote, [AudioStreamTrack()])
            await peer.close()
            seen.append(accepted.peer)
        kill(remote)
    assert seen == sorted(set(seen))


async def test_what_is_asked_while_there_is_none_is_answered_at_once() -> None:
    engine = RemoteEngine(MediaConfig(port=0, workers=1))
    assert not engine.alive
    with pytest.raises(EngineBusy, match="starts again"):
        await engine.add_viewer(CHANNEL, "v=0")
    peer = PeerId(1)
    assert await engine.restart_ice(peer, IceCredentials("u", "p")) is None
    assert await engine.peer_stats(peer) is None
    assert not await engine.add_candidate(peer, "candidate:1 1 udp 1 192.0.2.1 1 typ host")
    assert not await engine.remove(peer)
    assert not await engine.select_layer(peer, LayerWish())
    assert not await engine.send_data(peer, "chat", b"", False)
    assert await engine.totals() == EngineTotals({}, 0, 0)
    assert await engine.histograms() == {}
    engine.want_keyframes(CHANNEL)
    tap = engine.open_tap(CHANNEL)
    tap.close()
    await engine.stop()


async def test_a_peer_that_nobody_waits_for_any_more_is_removed(remote: RemoteEngine) -> None:
    events = Events(remote)
    asked = asyncio.create_task(publish(remote, [AudioStreamTrack()]))
    async with asyncio.timeout(10):
        while not remote._offers:  # noqa: ASYNC110 - nothing tells when it is on its way
            await asyncio.sleep(0)
    asked.cancel()
    closed = await events.until(PeerClosed)
    assert closed.reason == "removed"
    assert (await remote.totals()).peers == 0


async def test_stopped_while_it_hangs_every_peer_is_told_all_the_same() -> None:
    engine = RemoteEngine(MediaConfig(port=0, workers=1))
    await engine.start()
    events = Events(engine)
    publisher, published = await publish(engine, [AudioStreamTrack()])
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)
    await engine.stop()
    closed = await events.until(PeerClosed)
    assert (closed.peer, closed.reason) == (published.peer, "stopped")
    await publisher.close()


def told(engine: RemoteEngine) -> list[EngineEvent]:
    return list(engine._events)


def test_a_peer_that_was_closed_before_its_answer_came_is_not_told_twice() -> None:
    engine = RemoteEngine(MediaConfig(port=0))
    early, late = PeerClosed(PeerId(5), "timeout", ""), PeerClosed(PeerId(6), "failed", RESTARTED)
    engine._offers |= {1, 2}
    engine.hear(happened(early))
    for call, peer in ((1, early.peer), (2, late.peer)):
        engine.hear(reply(call, Accepted(peer, "v=0", IceCredentials("u", "p"))))
    engine.down()
    assert told(engine) == [early, PlaneLost(1), late]
    assert engine.greeting().first_peer == 6


@pytest.mark.parametrize(
    "nonsense",
    [happened(PlaneLost(1)), Started([]), CannotStart("")],
    ids=["its own death", "another start", "no start"],
)
def test_what_no_media_plane_says_is_an_error(nonsense: FromPlane) -> None:
    engine = RemoteEngine(MediaConfig(port=0))
    with pytest.raises(WireError):
        engine.hear(nonsense)
    assert told(engine) == []


def test_what_comes_too_late_is_nobodys() -> None:
    engine = RemoteEngine(MediaConfig(port=0))
    engine.hear(Units(7, 0, []))
    engine.hear(reply(7, True))
    assert told(engine) == []
