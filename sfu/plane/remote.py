"""The engine whose media plane is a process of its own.

A fault in the media plane then ends no HTTP request, no chat and no HLS playlist: `supervisor`
starts another on the same ports, in well under a second. Its peers are gone: each is told as
`PeerClosed`, after one `PlaneLost`, so that rooms and sessions stay right and the pages come back
by themselves. Taps outlive it, as they outlive publishers. What is asked meanwhile is answered at
once: offers by `EngineBusy`, and all else as if the peer were gone, which it is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Final, Literal, TypeVar

import msgspec

from sfu.engine import (
    Accepted,
    EngineBusy,
    EngineEvent,
    EngineTotals,
    IceCredentials,
    PeerClosed,
    PeerStats,
    PlaneLost,
)
from sfu.layers import LayerWish
from sfu.plane.calls import Calls
from sfu.plane.figures import Ledger
from sfu.plane.supervisor import Supervisor
from sfu.plane.wire import (
    ACCEPTED,
    COUNTED,
    ICE,
    PEERS,
    STATS,
    YES,
    Beat,
    Busy,
    Call,
    Candidate,
    CannotStart,
    CloseTap,
    Figures,
    FromPlane,
    Happened,
    Offer,
    OpenTap,
    Refused,
    Remove,
    Reply,
    RestartIce,
    Select,
    SendData,
    Start,
    Started,
    Stats,
    Units,
    WantKeyframes,
    WireError,
    event_of,
    opened,
)
from sfu.tap import QueueTap
from sluice.config import MediaConfig
from sluice.histogram import Histogram
from sluice.ids import ChannelId, PeerId

MOST_EVENTS: Final = 65_536
"""Kept for a consumer that does not come; beyond it the consumer is broken."""
RESTARTED: Final = "the media plane was restarted"

T = TypeVar("T")


class RemoteEngine:
    """Implements `sfu.engine.Engine`, `sfu.layers.LayerSelector` and `supervisor.Front`."""

    def __init__(self, config: MediaConfig) -> None:
        self._config = config
        self._supervisor = Supervisor(self)
        self._calls = Calls(self._supervisor.send)
        self._ledger = Ledger()
        self._candidates: list[str] = []
        self._events: deque[EngineEvent] = deque(maxlen=MOST_EVENTS)
        self._arrived = asyncio.Event()
        self._stopping = False
        self._ended = False
        self._peers: set[PeerId] = set()
        self._highest = PeerId(0)
        self._offers: set[int] = set()
        self._early: set[PeerId] = set()
        """Peers that were closed before the answer that told of them had come."""
        self._taps: dict[int, tuple[ChannelId, QueueTap]] = {}
        self._tap_numbers = count(1)

    # --- the Engine protocol

    async def start(self) -> None:
        await self._supervisor.start()

    async def stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        await self._supervisor.stop()
        for _, tap in list(self._taps.values()):
            tap.close()
        self._ended = True
        self._arrived.set()

    @property
    def alive(self) -> bool:
        return self._supervisor.up

    @property
    def restarts(self) -> int:
        return self._supervisor.restarts

    @property
    def pid(self) -> int | None:
        """Of the media plane's process; None while there is none."""
        return self._supervisor.pid

    @property
    def candidates(self) -> Sequence[str]:
        return tuple(self._candidates)

    async def add_publisher(self, channel: ChannelId, offer: str) -> Accepted:
        return await self._offer("publisher", channel, offer)

    async def add_viewer(self, channel: ChannelId, offer: str) -> Accepted:
        return await self._offer("viewer", channel, offer)

    async def restart_ice(self, peer: PeerId, remote: IceCredentials) -> IceCredentials | None:
        return await self._ask(RestartIce(self._number(), peer, remote), ICE, None)

    async def add_candidate(self, peer: PeerId, candidate: str) -> bool:
        return await self._ask(Candidate(self._number(), peer, candidate), YES, False)

    async def remove(self, peer: PeerId) -> bool:
        return await self._ask(Remove(self._number(), peer), YES, False)

    async def select_layer(self, peer: PeerId, wish: LayerWish) -> bool:
        return await self._ask(Select(self._number(), peer, wish), YES, False)

    async def peer_stats(self, peer: PeerId) -> PeerStats | None:
        return await self._ask(Stats(self._number(), peer), STATS, None)

    async def totals(self) -> EngineTotals:
        await self._count()
        totals = self._ledger.totals()
        return replace(totals, queue_depth=totals.queue_depth + len(self._events))

    async def histograms(self) -> Mapping[str, Histogram]:
        await self._count()
        return self._ledger.histograms()

    async def send_data(self, peer: PeerId, label: str, payload: bytes, binary: bool) -> bool:
        return not await self.send_data_many([peer], label, payload, binary)

    async def send_data_many(
        self, peers: Sequence[PeerId], label: str, payload: bytes, binary: bool
    ) -> Sequence[PeerId]:
        everybody = list(peers)
        call = SendData(self._number(), everybody, label, payload, binary)
        return await self._ask(call, PEERS, everybody)

    def open_tap(self, channel: ChannelId, limit: int = 256) -> QueueTap:
        number = next(self._tap_numbers)

        def close() -> None:
            del self._taps[number]
            self._supervisor.send(CloseTap(number))

        tap = QueueTap(limit, close)
        self._taps[number] = channel, tap
        # Where nobody hears it now, it is opened with the next process.
        self._supervisor.send(OpenTap(number, channel, limit))
        return tap

    def want_keyframes(self, channel: ChannelId) -> None:
        self._supervisor.send(WantKeyframes(channel))

    async def events(self) -> AsyncIterator[EngineEvent]:
        while True:
            while self._events:
                yield self._events.popleft()
            if self._ended:
                return
            self._arrived.clear()
            await self._arrived.wait()

    # --- what the supervisor tells

    def greeting(self) -> Start:
        return Start(self._config.model_dump_json().encode(), self._highest)

    def up(self, started: Started) -> None:
        self._candidates = started.candidates
        for number, (channel, tap) in self._taps.items():
            self._supervisor.send(OpenTap(number, channel, tap.limit))

    def hear(self, message: FromPlane) -> None:
        match message:
            case Happened():
                self._happened(event_of(message))
            case Units(number, dropped, units):
                found = self._taps.get(number)
                if found is not None:  # else it was closed while they were on their way
                    found[1].feed(units, dropped)
            case Reply() | Refused() | Busy():
                self._answered(message)
            case Beat(_, counted):
                self._ledger.note(counted)
            case Started() | CannotStart():
                raise WireError("it starts, and had started")

    def down(self) -> None:
        self._calls.lose()
        self._offers.clear()
        self._early.clear()
        self._ledger.lose()
        for _, tap in self._taps.values():
            tap.change_source()
        gone, self._peers = sorted(self._peers), set()
        if not self._stopping:
            self._events.append(PlaneLost(len(gone)))
        for peer in gone:
            stopped = PeerClosed(peer, "stopped", "")
            lost = PeerClosed(peer, "failed", RESTARTED)
            self._events.append(stopped if self._stopping else lost)
        self._arrived.set()

    # --- inside

    def _number(self) -> int:
        return self._calls.next_number()

    async def _offer(
        self, role: Literal["publisher", "viewer"], channel: ChannelId, sdp: str
    ) -> Accepted:
        call = Offer(self._number(), role, channel, sdp)
        self._offers.add(call.call)
        return await self._calls.ask(call, ACCEPTED)

    async def _ask(self, call: Call, decoder: msgspec.msgpack.Decoder[T], otherwise: T) -> T:
        try:
            return await self._calls.ask(call, decoder)
        except EngineBusy:
            return otherwise

    async def _count(self) -> None:
        """Newer figures than those of the last beat, if they can be had."""
        counted = await self._ask(Figures(self._number()), COUNTED, None)
        if counted is not None and self.alive:
            self._ledger.note(counted)

    def _answered(self, message: Reply | Refused | Busy) -> None:
        offered = message.call in self._offers
        self._offers.discard(message.call)
        waited_for = self._calls.hear(message)
        if offered and isinstance(message, Reply):
            peer = opened(ACCEPTED, message.body).peer
            self._highest = max(self._highest, peer)
            if peer not in self._early:
                self._peers.add(peer)
                if not waited_for:  # who asked has gone meanwhile
                    self._supervisor.send(Remove(self._number(), peer))
        if not self._offers:
            self._early.clear()

    def _happened(self, event: EngineEvent) -> None:
        if isinstance(event, PlaneLost):
            raise WireError("it says that it died")
        if isinstance(event, PeerClosed):
            if event.peer in self._peers:
                self._peers.discard(event.peer)
            elif self._offers:
                self._early.add(event.peer)
        self._events.append(event)
        self._arrived.set()
