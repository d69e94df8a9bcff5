"""Broadcasts on a fake engine and a virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sfu.broadcast import (
    Active,
    Inactive,
    LayersNews,
    MediaRestarted,
    News,
    Reconnect,
    Resumed,
    Stalled,
    ViewerCount,
    ViewerLayer,
)
from sfu.engine import (
    CloseReason,
    DataMessage,
    EngineBusy,
    Layer,
    LayerSwitched,
    MediaStalled,
    OfferRefused,
    PeerClosed,
    PeerConnected,
)
from sfu.fake import FakeEngine
from sfu.rooms import YIELDS_MS, NotLive, Role, RoomLimits, Rooms
from sluice.clock import VirtualClock
from sluice.ids import ChannelId, PeerId
from sluice.media import Codec
from sluice.stream import Reader

LIVE = ChannelId("live")
OFFER = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=rtpmap:96 VP8/90000\r\n"
LAYERS = (Layer("h", Codec.VP8, 1, 2, 3, True),)


class World:
    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.clock = VirtualClock()
        self.rooms = Rooms(
            self.engine,
            self.clock,
            RoomLimits(grace_ms=60_000, half_open_max=5, viewers_per_channel=4),
        )
        self.closed: list[tuple[PeerId, Role, CloseReason]] = []
        self.rooms.listen(lambda peer, role, reason: self.closed.append((peer, role, reason)))

    async def go_live(self) -> PeerId:
        peer = (await self.rooms.publish(LIVE, OFFER)).peer
        self.engine.start_media("live")
        await self.engine.settled()
        return peer

    async def join(self) -> PeerId:
        peer = (await self.rooms.watch(LIVE, OFFER)).peer
        self.engine.connect(peer)
        await self.engine.settled()
        return peer

    async def removals(self) -> None:
        """Let the rooms' background removals happen."""
        for _ in range(3):
            await asyncio.sleep(0)
        await self.engine.settled()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    made.rooms.start()
    yield made
    await made.engine.stop()
    await made.rooms.stop()


async def heard(reader: Reader[News]) -> list[News]:
    reader.close()
    return [news async for news in reader]


class TestGoingLive:
    async def test_viewers_may_come_from_the_first_packet_on(self, world: World) -> None:
        with pytest.raises(NotLive):
            await world.rooms.watch(LIVE, OFFER)
        await world.rooms.publish(LIVE, OFFER)
        with pytest.raises(NotLive):
            await world.rooms.watch(LIVE, OFFER)
        world.engine.start_media("live")
        await world.engine.settled()
        assert (await world.rooms.watch(LIVE, OFFER)).peer

    async def test_subscribers_hear_of_it(self, world: World) -> None:
        reader = world.rooms.subscribe(LIVE, 16)
        await world.go_live()
        world.engine.set_layers("live", LAYERS)
        world.engine.stall("live")
        world.engine.resume("live")
        await world.engine.settled()
        assert await heard(reader) == [
            Active(world.clock.wall_ms()),
            LayersNews(LAYERS),
            Stalled(),
            Resumed(),
        ]

    async def test_a_refused_offer_changes_nothing(self, world: World) -> None:
        await world.go_live()
        with pytest.raises(OfferRefused):
            await world.rooms.publish(LIVE, "v=0\r\n")
        broadcast = world.rooms.broadcast(LIVE)
        assert broadcast is not None
        assert broadcast.publisher == world.engine.publisher("live")
        assert not broadcast.stalled

    async def test_a_publisher_that_never_connects_leaves_no_trace(self, world: World) -> None:
        await world.rooms.publish(LIVE, OFFER)
        world.clock.advance(10_000)
        world.rooms.tick()
        await world.removals()
        assert world.rooms.broadcast(LIVE) is None
        assert world.engine.peers == {}
        assert world.closed == [(PeerId(1), "publisher", "timeout")]


class TestLosingThePublisher:
    async def test_the_broadcast_and_its_viewers_wait_for_the_grace_time(
        self, world: World
    ) -> None:
        publisher = await world.go_live()
        viewer = await world.join()
        reader = world.rooms.subscribe(LIVE, 16)
        world.engine.close(publisher, "timeout")
        await world.engine.settled()
        world.clock.advance(59_999)
        world.rooms.tick()
        assert viewer in world.engine.peers
        world.clock.advance(1)
        world.rooms.tick()
        await world.removals()
        assert viewer not in world.engine.peers
        assert world.rooms.broadcast(LIVE) is None
        assert await heard(reader) == [
            Stalled(),
            ViewerCount(1),
            Inactive(),
            ViewerCount(0),
            LayersNews(()),
        ]

    async def test_its_return_goes_on_with_the_same_viewers(self, world: World) -> None:
        publisher = await world.go_live()
        viewer = await world.join()
        world.engine.close(publisher, "timeout")
        await world.engine.settled()
        since = world.clock.wall_ms()
        world.clock.advance(30_000)
        reader = world.rooms.subscribe(LIVE, 16)
        await world.go_live()
        world.clock.advance(120_000)
        world.rooms.tick()
        broadcast = world.rooms.broadcast(LIVE)
        assert broadcast is not None
        assert (broadcast.viewers, broadcast.since_ms) == ({viewer}, since)
        assert (await heard(reader))[0] == Resumed()

    @pytest.mark.parametrize("reason", ["timeout", "failed", "left"])
    async def test_every_loss_without_a_goodbye_has_grace(
        self, world: World, reason: CloseReason
    ) -> None:
        world.engine.close(await world.go_live(), reason)
        await world.engine.settled()
        broadcast = world.rooms.broadcast(LIVE)
        assert broadcast is not None
        assert broadcast.stalled

    async def test_a_goodbye_ends_it_at_once(self, world: World) -> None:
        publisher = await world.go_live()
        viewer = await world.join()
        assert await world.rooms.leave(publisher)
        await world.removals()
        assert world.engine.peers == {}
        assert (viewer, "viewer", "removed") in world.closed
        assert not await world.rooms.leave(publisher)

    async def test_end_closes_publisher_and_viewers_without_grace(self, world: World) -> None:
        await world.go_live()
        await world.join()
        await world.rooms.end(LIVE)
        await world.removals()
        assert world.engine.peers == {}
        assert world.rooms.broadcast(LIVE) is None


class TestTakeover:
    async def test_the_new_publisher_replaces_the_old_one(self, world: World) -> None:
        first = await world.go_live()
        second = (await world.rooms.publish(LIVE, OFFER)).peer
        await world.engine.settled()
        broadcast = world.rooms.broadcast(LIVE)
        assert broadcast is not None
        assert broadcast.publisher == second
        assert world.closed == [(first, "publisher", "replaced")]
        assert broadcast.lost_ms is None

    async def test_a_late_packet_of_the_old_one_does_not_end_the_stall(self, world: World) -> None:
        from sfu.engine import MediaStarted

        first = await world.go_live()
        await world.rooms.publish(LIVE, OFFER)
        world.rooms.handle(MediaStarted(LIVE, first))
        broadcast = world.rooms.broadcast(LIVE)
        assert broadcast is not None
        assert broadcast.stalled

    async def test_two_at_once_leave_one_in_charge(self, world: World) -> None:
        await asyncio.gather(*(world.rooms.publish(LIVE, OFFER) for _ in range(3)))
        await world.engine.settled()
        broadcast = world.rooms.broadcast(LIVE)
        assert broadcast is not None
        assert list(world.engine.peers) == [broadcast.publisher]
        assert world.rooms._gates == {}

    async def test_a_leave_of_the_old_one_does_not_end_the_new_one(self, world: World) -> None:
        first = await world.go_live()
        await world.rooms.publish(LIVE, OFFER)
        assert not await world.rooms.leave(first)
        assert world.rooms.broadcast(LIVE) is not None


class TestBounds:
    async def test_a_full_channel_takes_no_more_viewers(self, world: World) -> None:
        await world.go_live()
        for _ in range(4):
            await world.join()
        with pytest.raises(EngineBusy):
            await world.rooms.watch(LIVE, OFFER)

    async def test_half_open_peers_are_bounded_and_an_old_one_gives_way(self, world: World) -> None:
        await world.go_live()
        old = (await world.rooms.watch(LIVE, OFFER)).peer
        world.clock.advance(YIELDS_MS)
        young = (await world.rooms.watch(LIVE, OFFER)).peer
        for name in ("a", "b", "c"):
            await world.rooms.publish(ChannelId(name), OFFER)
        newest = (await world.rooms.publish(ChannelId("d"), OFFER)).peer
        assert old not in world.engine.peers
        with pytest.raises(EngineBusy):
            await world.rooms.publish(ChannelId("e"), OFFER)
        assert {young, newest} <= world.engine.peers.keys()

    async def test_half_open_peers_expire_in_order(self, world: World) -> None:
        await world.go_live()
        early = (await world.rooms.watch(LIVE, OFFER)).peer
        world.clock.advance(5_000)
        late = (await world.rooms.watch(LIVE, OFFER)).peer
        world.clock.advance(5_000)
        world.rooms.tick()
        await world.removals()
        assert early not in world.engine.peers
        assert late in world.engine.peers

    async def test_a_peer_whose_post_was_given_up_is_removed_when_it_connects(
        self, world: World
    ) -> None:
        orphan = (await world.engine.add_viewer(LIVE, OFFER)).peer
        world.engine.connect(orphan)
        await world.engine.settled()
        await world.removals()
        assert orphan not in world.engine.peers

    async def test_fanouts_without_readers_are_forgotten(self, world: World) -> None:
        reader = world.rooms.subscribe(LIVE, 4)
        world.rooms.unsubscribe(LIVE, reader)
        assert world.rooms._fanouts == {}


class TestEvents:
    async def test_the_viewer_count_is_told_by_the_tick(self, world: World) -> None:
        await world.go_live()
        reader = world.rooms.subscribe(LIVE, 16)
        viewers = [await world.join() for _ in range(3)]
        world.rooms.tick()
        world.engine.close(viewers[0], "left")
        await world.engine.settled()
        world.rooms.tick()
        world.rooms.tick()
        assert await heard(reader) == [ViewerCount(3), ViewerCount(2)]

    async def test_a_viewer_that_has_not_connected_does_not_count(self, world: World) -> None:
        await world.go_live()
        await world.rooms.watch(LIVE, OFFER)
        broadcast = world.rooms.broadcast(LIVE)
        assert broadcast is not None
        assert (len(broadcast.viewers), len(broadcast.connected)) == (1, 0)

    async def test_a_viewer_hears_of_its_own_layer(self, world: World) -> None:
        await world.go_live()
        viewer, other = await world.join(), await world.join()
        own = world.rooms.subscribe(LIVE, 16, viewer)
        everybodys = world.rooms.subscribe(LIVE, 16)
        world.engine.switch_layer(viewer, "h")
        world.engine.switch_layer(other, "q")
        world.engine.switch_layer(viewer, None)
        await world.engine.settled()
        assert await heard(everybodys) == []
        assert await heard(own) == [ViewerLayer("h"), ViewerLayer(None)]
        assert world.rooms.present(LIVE, viewer)[-1] == ViewerLayer(None)
        assert ViewerLayer(None) not in world.rooms.present(LIVE)

    async def test_a_viewer_that_left_hears_of_no_layer(self, world: World) -> None:
        await world.go_live()
        viewer = await world.join()
        reader = world.rooms.subscribe(LIVE, 16, viewer)
        world.rooms.unsubscribe(LIVE, reader, viewer)
        member = world.rooms.member(viewer)
        assert member is not None
        assert member.readers == []
        await world.rooms.leave(viewer)
        world.rooms.handle(LayerSwitched(viewer, "h"))
        assert await heard(reader) == []

    async def test_data_messages_reach_whoever_plugged_in(self, world: World) -> None:
        got: list[tuple[ChannelId, DataMessage]] = []
        world.rooms.on_data = lambda channel, message: got.append((channel, message))
        await world.go_live()
        viewer = await world.join()
        world.engine.say(viewer, "chat", b"hello")
        await world.engine.settled()
        assert got == [(LIVE, DataMessage(viewer, "chat", b"hello", False))]

    async def test_events_of_strangers_do_nothing(self, world: World) -> None:
        for event in (
            MediaStalled(ChannelId("nobody")),
            PeerClosed(PeerId(99), "left", ""),
            PeerConnected(PeerId(98)),
            DataMessage(PeerId(97), "chat", b"", False),
        ):
            world.rooms.handle(event)
        await world.removals()
        assert world.rooms.broadcasts() == []

    async def test_one_event_that_fails_does_not_stop_the_rest(self, world: World) -> None:
        def fail(channel: ChannelId, message: DataMessage) -> None:
            raise ValueError("on purpose")

        world.rooms.on_data = fail
        publisher = await world.go_live()
        world.engine.say(publisher, "chat", b"x")
        world.engine.stall("live")
        await world.engine.settled()
        assert world.rooms.events_seen["failed"] == 1
        broadcast = world.rooms.broadcast(LIVE)
        assert broadcast is not None
        assert broadcast.stalled


async def test_with_the_media_plane_all_peers_are_gone_and_the_broadcast_waits(
    world: World,
) -> None:
    publisher, viewer = await world.go_live(), await world.join()
    news, own = world.rooms.subscribe(LIVE, 8), world.rooms.subscribe(LIVE, 8, viewer)
    elsewhere = world.rooms.subscribe(ChannelId("other"), 8)
    world.engine.die()
    await world.engine.settled()
    assert world.closed == [(publisher, "publisher", "failed"), (viewer, "viewer", "failed")]
    assert await heard(news) == [MediaRestarted(2), Stalled()]
    assert await heard(own) == [MediaRestarted(2), Stalled()]
    assert await heard(elsewhere) == [MediaRestarted(2)]
    with pytest.raises(EngineBusy):
        await world.rooms.watch(LIVE, OFFER)

    world.engine.revive()
    back = world.rooms.subscribe(LIVE, 8)
    assert await world.join() > viewer
    assert await world.go_live() > publisher
    assert await heard(back) == [Resumed()]


async def test_at_the_end_subscribers_are_told_to_come_back(world: World) -> None:
    reader = world.rooms.subscribe(LIVE, 4)
    await world.rooms.stop()
    assert [news async for news in reader] == [Reconnect()]
    assert not world.rooms.pumping
