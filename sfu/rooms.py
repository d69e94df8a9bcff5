"""The broadcasts of this machine: who publishes, who watches, and what subscribers hear of it.

The loop that drives it: read an engine event, feed it to the channel's `Broadcast`, tell the
news; once a second look at the clock. Everything here is bounded: peers by the engine's limits
and `half_open_max`, subscribers by their queues and by who opens them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Literal

import structlog

from sfu.broadcast import (
    Broadcast,
    Inactive,
    LayersNews,
    MediaRestarted,
    News,
    Reconnect,
    Rendition,
    ViewerCount,
    ViewerLayer,
)
from sfu.counted_lock import CountedLock
from sfu.engine import (
    Accepted,
    CloseReason,
    DataMessage,
    Engine,
    EngineBusy,
    EngineEvent,
    LayersChanged,
    LayerSwitched,
    MediaResumed,
    MediaStalled,
    MediaStarted,
    PeerClosed,
    PeerConnected,
    PlaneLost,
)
from sluice.clock import Clock
from sluice.ids import ChannelId, PeerId
from sluice.stream import Fanout, Reader
from sluice.tasks import Tasks

log = structlog.get_logger(__name__)

Role = Literal["publisher", "viewer"]
Listener = Callable[[PeerId, Role, CloseReason], None]

TICK_S = 1.0
YIELDS_MS = 2_000
"""A peer connects within a second, mostly; one that has not after so long may give way."""
_EARLY_CLOSED = 1024


class NotLive(Exception):
    """The channel has no broadcast to watch."""


@dataclass(frozen=True, slots=True)
class RoomLimits:
    """Bounds of the rooms. Times in milliseconds."""

    grace_ms: int = 60_000
    half_open_max: int = 1_000
    half_open_timeout_ms: int = 10_000
    viewers_per_channel: int = 5_000


@dataclass(slots=True)
class Member:
    """A publisher or viewer that the engine holds for us."""

    peer: PeerId
    channel: ChannelId
    role: Role
    joined_ms: int
    connected: bool = False
    layer: ViewerLayer | None = None
    """Viewer: what it is sent now; None until the engine says it."""
    readers: list[Reader[News]] = field(default_factory=list)
    """Viewer: its own subscriptions, which hear of its layer too."""


class Rooms:
    """All broadcasts and their peers. Used from the event loop's thread only."""

    def __init__(self, engine: Engine, clock: Clock, limits: RoomLimits | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._limits = limits or RoomLimits()
        self._tasks = Tasks()
        self._broadcasts: dict[ChannelId, Broadcast] = {}
        self._members: dict[PeerId, Member] = {}
        self._half_open: dict[PeerId, None] = {}
        self._joining = 0
        self._gates: dict[ChannelId, CountedLock] = {}
        self._fanouts: dict[ChannelId, Fanout[News]] = {}
        self._listeners: list[Listener] = []
        # A peer can be closed before `publish` or `watch` has written it down.
        self._early: OrderedDict[PeerId, CloseReason] = OrderedDict()
        self.pumping = False
        """Whether engine events are being read; false means nothing works any more."""
        self.events_seen: dict[str, int] = {}
        """Engine events by type name."""
        self.events_dropped = 0
        """News that slow subscribers lost."""
        self.on_data: Callable[[ChannelId, DataMessage], None] | None = None
        """Takes data channel messages, of publishers and of viewers."""

    def start(self) -> None:
        """Begin to read events. The engine must have been started."""
        self.pumping = True
        self._tasks.spawn(self._pump(), "rooms-pump")
        self._tasks.spawn(self._tick_forever(), "rooms-tick")

    async def stop(self) -> None:
        """End all subscriptions and tasks; the engine is stopped by its owner."""
        self.say_reconnect()
        await self._tasks.close()
        self.pumping = False

    def say_reconnect(self) -> None:
        """Tell every subscriber that the server stops, and end the subscriptions."""
        for fanout in list(self._fanouts.values()):
            fanout.send(Reconnect())
            fanout.close()

    def listen(self, listener: Listener) -> None:
        """Have `listener` called for every peer that is gone."""
        self._listeners.append(listener)

    # --- joining and leaving

    async def publish(self, channel: ChannelId, offer: str) -> Accepted:
        """Answer a publisher; it replaces the one before. Raises OfferRefused or EngineBusy."""
        await self._make_room()
        gate = self._gates.setdefault(channel, CountedLock())
        try:
            # One takeover at a time, or two reconnects would leave the wrong one in charge.
            async with gate:
                accepted = await self._joined(self._engine.add_publisher(channel, offer))
                broadcast = self._broadcasts.get(channel)
                if broadcast is None:
                    self._broadcasts[channel] = Broadcast(channel, accepted.peer)
                else:
                    before = broadcast.publisher
                    self._tell(channel, broadcast.replace_publisher(accepted.peer))
                    if before is not None:
                        self._forget(before, "replaced")
                self._remember(accepted.peer, channel, "publisher")
                return accepted
        finally:
            if gate.idle:
                self._gates.pop(channel, None)

    async def watch(self, channel: ChannelId, offer: str) -> Accepted:
        """Answer a viewer. Raises NotLive, OfferRefused or EngineBusy."""
        broadcast = self._live(channel)
        if len(broadcast.viewers) >= self._limits.viewers_per_channel:
            raise EngineBusy(f"The channel has its {len(broadcast.viewers)} viewers.")
        await self._make_room()
        accepted = await self._joined(self._engine.add_viewer(channel, offer))
        if self._broadcasts.get(channel) is not broadcast:  # it ended while the engine worked
            self._spawn_removal(accepted.peer)
            raise NotLive(channel)
        broadcast.viewers.add(accepted.peer)
        self._remember(accepted.peer, channel, "viewer")
        return accepted

    async def leave(self, peer: PeerId) -> bool:
        """Close a peer for good. A publisher that leaves so ends its broadcast at once."""
        member = self._members.get(peer)
        if member is None:
            return False
        self._forget(peer, "removed")
        await self._engine.remove(peer)
        broadcast = self._broadcasts.get(member.channel)
        if member.role == "publisher" and broadcast is not None and broadcast.publisher == peer:
            broadcast.publisher = None
            self._end(broadcast)
        return True

    async def end(self, channel: ChannelId) -> None:
        """End a broadcast now, without grace: its key was revoked or the channel is gone."""
        broadcast = self._broadcasts.get(channel)
        if broadcast is not None:
            publisher, broadcast.publisher = broadcast.publisher, None
            if publisher is not None:
                self._forget(publisher, "removed")
                await self._engine.remove(publisher)
            self._end(broadcast)

    def end_abandoned(self, channel: ChannelId) -> None:
        """End a broadcast without waiting for its publisher's return; nothing while it has one."""
        broadcast = self._broadcasts.get(channel)
        if broadcast is not None and broadcast.publisher is None:
            self._end(broadcast)

    # --- looking

    def broadcast(self, channel: ChannelId) -> Broadcast | None:
        """The channel's run, live or waiting for its first packet."""
        return self._broadcasts.get(channel)

    def broadcasts(self) -> list[Broadcast]:
        return sorted(self._broadcasts.values(), key=lambda one: one.channel)

    def member(self, peer: PeerId) -> Member | None:
        return self._members.get(peer)

    def members(self, channel: ChannelId) -> Iterator[Member]:
        return (member for member in self._members.values() if member.channel == channel)

    def present(self, channel: ChannelId, viewer: PeerId | None = None) -> list[News]:
        """The state as news, for somebody who just subscribed."""
        broadcast = self._broadcasts.get(channel)
        if broadcast is None:
            return [Inactive(), ViewerCount(0), LayersNews(())]
        member = None if viewer is None else self._members.get(viewer)
        own = [] if member is None or member.layer is None else [member.layer]
        return [*broadcast.present(), *own]

    def show_renditions(self, channel: ChannelId, renditions: tuple[Rendition, ...]) -> None:
        """Tell everybody what HLS and DASH viewers can choose of now."""
        self._feed(channel, lambda broadcast: broadcast.change_renditions(renditions))

    def subscribe(
        self, channel: ChannelId, limit: int, viewer: PeerId | None = None
    ) -> Reader[News]:
        """News of a channel from now on, live or not, and those of one of its viewers.

        Hand the reader to `unsubscribe` in the end.
        """
        reader = self._fanouts.setdefault(channel, Fanout()).open(limit)
        member = None if viewer is None else self._members.get(viewer)
        if member is not None:
            member.readers.append(reader)
        return reader

    def unsubscribe(
        self, channel: ChannelId, reader: Reader[News], viewer: PeerId | None = None
    ) -> None:
        """Close a reader and forget the channel's fan-out with its last one."""
        reader.close()
        member = None if viewer is None else self._members.get(viewer)
        if member is not None and reader in member.readers:
            member.readers.remove(reader)
        self.events_dropped += reader.dropped
        fanout = self._fanouts.get(channel)
        if fanout is not None and len(fanout) == 0:
            del self._fanouts[channel]

    # --- what drives it

    def handle(self, event: EngineEvent) -> None:
        """Take in one engine event."""
        name = type(event).__name__
        self.events_seen[name] = self.events_seen.get(name, 0) + 1
        match event:
            case PeerConnected(peer):
                self._connected(peer)
            case PeerClosed(peer, reason):
                self._closed(peer, reason)
            case MediaStarted(channel, peer):
                broadcast = self._broadcasts.get(channel)
                # A late packet of a publisher that was replaced must not end the stall.
                if broadcast is not None and broadcast.publisher == peer:
                    self._tell(channel, broadcast.start_media(self._clock.wall_ms()))
            case MediaStalled(channel):
                self._feed(channel, lambda broadcast: broadcast.stall())
            case MediaResumed(channel):
                self._feed(channel, lambda broadcast: broadcast.resume())
            case LayersChanged(channel, layers):
                self._feed(channel, lambda broadcast: broadcast.change_layers(layers))
            case LayerSwitched(peer, rid):
                self._switched(peer, ViewerLayer(rid))
            case PlaneLost(peers):
                for fanout in self._fanouts.values():
                    fanout.send(MediaRestarted(peers))
            case DataMessage(peer):
                member = self._members.get(peer)
                if member is not None and self.on_data is not None:
                    self.on_data(member.channel, event)

    def tick(self) -> None:
        """Look at the clock: viewer counts, the grace time, peers that never connected."""
        now_ms = self._clock.now_ms()
        for broadcast in list(self._broadcasts.values()):
            self._tell(broadcast.channel, broadcast.count_viewers())
            if broadcast.over(now_ms, self._limits.grace_ms):
                self._end(broadcast)
        for peer in list(self._half_open):
            member = self._members[peer]
            # They stand in order of joining, so the first young one ends the search.
            if now_ms - member.joined_ms < self._limits.half_open_timeout_ms:
                break
            self._closed(peer, "timeout")
            self._spawn_removal(peer)

    async def _pump(self) -> None:
        try:
            async for event in self._engine.events():
                try:
                    self.handle(event)
                except Exception:
                    # One odd event must not stop the house; it is logged and seen in tests.
                    log.exception("engine event not handled", engine_event=type(event).__name__)
                    self.events_seen["failed"] = self.events_seen.get("failed", 0) + 1
        finally:
            self.pumping = False

    async def _tick_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.tick()

    # --- inside

    async def _joined(self, joining: Coroutine[object, object, Accepted]) -> Accepted:
        self._joining += 1
        try:
            return await joining
        finally:
            self._joining -= 1

    def _live(self, channel: ChannelId) -> Broadcast:
        broadcast = self._broadcasts.get(channel)
        if broadcast is None or not broadcast.live:
            raise NotLive(channel)
        return broadcast

    async def _make_room(self) -> None:
        """Who posts offers and never connects must not keep others out: an old one gives way.

        Raises EngineBusy where all of them came just now.
        """
        if len(self._half_open) + self._joining < self._limits.half_open_max:
            return
        oldest = next(iter(self._half_open), None)
        if oldest is None or self._clock.now_ms() - self._members[oldest].joined_ms < YIELDS_MS:
            raise EngineBusy("Too many peers have not connected yet.")
        self._closed(oldest, "timeout")
        await self._engine.remove(oldest)

    def _remember(self, peer: PeerId, channel: ChannelId, role: Role) -> None:
        self._members[peer] = Member(peer, channel, role, self._clock.now_ms())
        self._half_open[peer] = None
        early = self._early.pop(peer, None)
        if early is not None:
            self._closed(peer, early)

    def _connected(self, peer: PeerId) -> None:
        member = self._members.get(peer)
        if member is None:
            # Its POST was given up before the engine answered: nobody owns this peer.
            self._spawn_removal(peer)
            return
        member.connected = True
        self._half_open.pop(peer, None)
        broadcast = self._broadcasts.get(member.channel)
        if broadcast is not None and peer in broadcast.viewers:
            broadcast.connected.add(peer)

    def _switched(self, peer: PeerId, layer: ViewerLayer) -> None:
        member = self._members.get(peer)
        if member is None:
            return  # it left meanwhile
        member.layer = layer
        fanout = self._fanouts.get(member.channel)
        if fanout is not None:
            for reader in member.readers:
                fanout.send_to(reader, layer)

    def _closed(self, peer: PeerId, reason: CloseReason) -> None:
        member = self._members.get(peer)
        if member is None:
            if self._joining == 0:
                return  # the echo of a removal that we asked for
            self._early[peer] = reason
            while len(self._early) > _EARLY_CLOSED:
                self._early.popitem(last=False)
            return
        self._forget(peer, reason)
        broadcast = self._broadcasts.get(member.channel)
        if broadcast is None or broadcast.publisher != peer:
            return
        self._tell(member.channel, broadcast.lose_publisher(self._clock.now_ms()))
        if reason == "stopped" or broadcast.over(self._clock.now_ms(), self._limits.grace_ms):
            self._end(broadcast)

    def _forget(self, peer: PeerId, reason: CloseReason) -> None:
        member = self._members.pop(peer, None)
        if member is None:
            return
        self._half_open.pop(peer, None)
        broadcast = self._broadcasts.get(member.channel)
        if broadcast is not None:
            broadcast.viewers.discard(peer)
            broadcast.connected.discard(peer)
        for listener in self._listeners:
            listener(peer, member.role, reason)

    def _end(self, broadcast: Broadcast) -> None:
        if self._broadcasts.get(broadcast.channel) is not broadcast:
            return
        del self._broadcasts[broadcast.channel]
        for peer in list(broadcast.viewers):
            self._forget(peer, "removed")
            self._spawn_removal(peer)
        if broadcast.live:
            self._tell(broadcast.channel, [Inactive(), ViewerCount(0), LayersNews(())])

    def _spawn_removal(self, peer: PeerId) -> None:
        self._tasks.spawn(self._remove(peer), f"remove-{peer}")

    async def _remove(self, peer: PeerId) -> None:
        await self._engine.remove(peer)

    def _feed(self, channel: ChannelId, what: Callable[[Broadcast], list[News]]) -> None:
        broadcast = self._broadcasts.get(channel)
        if broadcast is not None:
            self._tell(channel, what(broadcast))

    def _tell(self, channel: ChannelId, news: list[News]) -> None:
        fanout = self._fanouts.get(channel)
        if fanout is not None:
            for item in news:
                fanout.send(item)
