"""The process's work, with an engine that does what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sfu.engine import EngineEvent, MediaStarted, PeerClosed, PeerConnected
from sfu.plane.child import BATCH_BYTES, LONGEST_UNIT, batches
from sfu.plane.wire import (
    ACCEPTED,
    COUNTED,
    PEERS,
    STATS,
    YES,
    Beat,
    Busy,
    CannotStart,
    CloseTap,
    Figures,
    Happened,
    Offer,
    OpenTap,
    Refused,
    Remove,
    Reply,
    SendData,
    Stats,
    Stop,
    ToPlane,
    Units,
    WantKeyframes,
    event_of,
    opened,
)
from sluice.ids import ChannelId, PeerId
from sluice.media import AccessUnit, Codec
from tests.sfu.plane.planes import OFFER, ChildWorld, start

LINA = ChannelId("lina")


@pytest.fixture
async def world() -> AsyncIterator[ChildWorld]:
    world = ChildWorld()
    yield world
    await world.end()


def events(world: ChildWorld) -> list[EngineEvent]:
    return [event_of(message) for message in world.heard.of(Happened)]


def unit(payload: bytes = b"x", keyframe: bool = True) -> AccessUnit:
    return AccessUnit(Codec.VP8, "", keyframe, 1, 2, payload)


async def test_it_starts_with_the_settings_and_says_where_it_is(world: ChildWorld) -> None:
    started = await world.start()
    assert started.candidates == ["udp:127.0.0.1:8189", "tcp:127.0.0.1:8189"]
    assert world.config is not None
    assert (world.config.port, world.config.workers) == (0, 1)


async def test_peers_have_numbers_that_none_had_before(world: ChildWorld) -> None:
    await world.start(first_peer=500)
    world.line.send(Offer(1, "publisher", LINA, OFFER))
    accepted = opened(ACCEPTED, (await world.heard.next(Reply)).body)
    assert accepted.peer == 501
    assert world.engine.publisher("lina") == 1
    world.engine.start_media("lina")
    await world.heard.until(lambda: len(events(world)) == 2)
    assert events(world) == [PeerConnected(PeerId(501)), MediaStarted(LINA, PeerId(501))]

    world.line.send(Stats(2, PeerId(501)))
    stats = opened(STATS, (await world.heard.next(Reply, 2)).body)
    assert stats is not None
    assert stats.peer == 501
    world.line.send(SendData(3, [PeerId(499), PeerId(501), PeerId(7)], "chat", b"hello", False))
    assert opened(PEERS, (await world.heard.next(Reply, 3)).body) == [499, 7]
    assert world.engine.peers[PeerId(1)].sent == [("chat", b"hello")]
    world.line.send(Remove(4, PeerId(500)))
    assert not opened(YES, (await world.heard.next(Reply, 4)).body)
    world.line.send(Remove(5, PeerId(501)))
    assert opened(YES, (await world.heard.next(Reply, 5)).body)


async def test_refusals_come_back_as_such(world: ChildWorld) -> None:
    await world.start()
    world.line.send(Offer(1, "viewer", LINA, "v=0"))
    assert await world.heard.next(Refused) == Refused(1, "malformed", "The offer has no m= line.")
    world.engine.busy = True
    world.line.send(Offer(2, "viewer", LINA, OFFER))
    assert await world.heard.next(Busy) == Busy(2, "The fake engine is busy.")


async def test_one_call_that_waits_holds_up_no_other(world: ChildWorld) -> None:
    await world.start()
    world.engine.hanging = asyncio.Event()
    world.line.send(Offer(1, "viewer", LINA, OFFER))
    world.line.send(Figures(2))
    answer = await world.heard.next(Reply)
    assert answer.call == 2
    counted = opened(COUNTED, answer.body)
    assert counted is not None
    assert counted.totals.counters["offers"] == 0
    world.engine.hanging.set()
    assert (await world.heard.next(Reply, 2)).call == 1


async def test_units_come_until_their_tap_is_closed(world: ChildWorld) -> None:
    await world.start()
    world.line.send(OpenTap(4, LINA, 2))
    world.line.send(WantKeyframes(LINA))
    world.line.send(Figures(1))
    await world.heard.next(Reply)
    assert world.engine.keyframes_wanted == {LINA: 1}
    for number in range(3):
        world.engine.deliver("lina", unit(b"%d" % number))
    units = await world.heard.next(Units)
    assert (units.tap, units.dropped) == (4, 1)
    assert [one.payload for one in units.units] == [b"1", b"2"]
    world.line.send(CloseTap(4))
    world.line.send(Figures(2))
    await world.heard.next(Reply, 2)
    world.engine.deliver("lina", unit())
    world.line.send(Figures(3))
    await world.heard.next(Reply, 3)
    assert len(world.heard.of(Units)) == 1


async def test_beats_tell_when_all_threads_answered_last(world: ChildWorld) -> None:
    await world.start()
    first = await world.heard.next(Beat)
    assert first.counted.totals.counters["offers"] == 0
    assert first.workers_ms < 500
    world.engine.answers = False
    silent = await world.heard.next(Beat, 4)
    assert silent.workers_ms >= 500


async def test_told_to_stop_it_closes_all_peers_and_hangs_up(world: ChildWorld) -> None:
    await world.start(first_peer=10)
    world.line.send(Offer(1, "publisher", LINA, OFFER))
    await world.heard.next(Reply)
    world.line.send(Stop())
    async with asyncio.timeout(10):
        await world.child
        await world.line.gone.wait()
    assert events(world) == [PeerClosed(PeerId(11), "stopped", "fake: stopped")]
    assert world.engine.stopped
    assert world.ended == ["it hung up"]


async def test_when_the_front_process_is_gone_it_ends_too(world: ChildWorld) -> None:
    await world.start()
    world.line.abort()
    async with asyncio.timeout(10):
        await world.child
    assert world.engine.stopped


async def test_without_a_first_word_it_ends_as_well(world: ChildWorld) -> None:
    await world.begin()
    world.line.abort()
    async with asyncio.timeout(10):
        await world.child
    assert world.config is None


async def test_a_taken_port_is_told(world: ChildWorld) -> None:
    world.engine.taken = "udp 8189: Address already in use"
    await world.begin()
    world.line.send(start())
    assert await world.heard.next(CannotStart) == CannotStart(world.engine.taken)
    async with asyncio.timeout(10):
        await world.child


@pytest.mark.parametrize("nonsense", [[Figures(1)], [start(), start()]], ids=["early", "twice"])
async def test_nonsense_ends_it(world: ChildWorld, nonsense: list[ToPlane]) -> None:
    await world.begin()
    for message in nonsense:
        world.line.send(message)
    async with asyncio.timeout(10):
        await world.child
        await world.line.gone.wait()
    assert world.ended == ["it hung up"]


def test_units_go_in_messages_of_a_fair_size() -> None:
    small, large = unit(bytes(BATCH_BYTES // 2)), unit(bytes(2 * BATCH_BYTES))
    too_long = unit(bytes(LONGEST_UNIT + 1))
    units = [small, small, small, large, too_long, small]
    assert list(batches(units)) == [[small, small], [small], [large], [small]]
    assert list(batches([])) == []
