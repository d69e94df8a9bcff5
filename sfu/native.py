"""The media engine in Rust, behind the `Engine` protocol. Nothing else imports `_media`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Literal, TypeVar, get_args

from sfu import _media
from sfu._media import LoadViewers
from sfu.engine import (
    Accepted,
    CloseReason,
    DataMessage,
    EngineBusy,
    EngineEvent,
    EngineTotals,
    IceCredentials,
    Layer,
    LayersChanged,
    LayerSwitched,
    MediaResumed,
    MediaStalled,
    MediaStarted,
    OfferRefused,
    PeerClosed,
    PeerConnected,
    PeerStats,
    Tap,
)
from sfu.layers import LayerWish
from sfu.tap import QueueTap
from sluice.config import MediaConfig
from sluice.histogram import Histogram
from sluice.ids import ChannelId, PeerId
from sluice.media import AccessUnit, Codec

__all__ = ["LoadViewers", "NativeEngine"]

T = TypeVar("T")

_REASONS: tuple[CloseReason, ...] = get_args(CloseReason)
_MAX_EVENTS = 65_536
"""Events kept for a consumer that does not come; beyond it the consumer is broken."""
_ANSWER_S = 1.0


class NativeEngine:
    """Media threads in Rust, their events on the asyncio loop that called `start`.

    Implements `sfu.engine.Engine` and `sfu.layers.LayerSelector`.

    Calls into Rust run on two threads of our own: answering an offer takes about a millisecond
    of parsing and key setup, which the event loop should spend on others.
    """

    def __init__(self, config: MediaConfig) -> None:
        self._config = config
        self._media: _media.Engine | None = None
        self._calls = ThreadPoolExecutor(max_workers=2, thread_name_prefix="sluice-engine")
        # Not among the calls, which may all wait for a thread that hangs.
        self._questions = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sluice-question")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._events: deque[EngineEvent] = deque(maxlen=_MAX_EVENTS)
        self._arrived = asyncio.Event()
        self._stopped = False
        self._taps: dict[int, QueueTap] = {}

    async def start(self) -> None:
        config = self._config
        self._loop = asyncio.get_running_loop()
        self._media = await self._call(
            lambda: _media.Engine(
                host=config.host,
                port=config.port,
                workers=config.workers,
                tcp=config.tcp,
                public_addresses=list(config.public_addresses),
                keyframe_interval_ms=config.keyframe_interval_ms,
                replay_max_ms=config.replay_max_ms,
                max_peers=config.max_peers,
                half_open_max=config.half_open_max,
                half_open_timeout_ms=config.half_open_timeout_ms,
                consent_timeout_ms=config.consent_timeout_ms,
            )
        )
        self._loop.add_reader(self._media.fileno(), self._drain)

    async def stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        if self._media is not None and self._loop is not None:
            media = self._media
            await self._call(media.stop)
            self._drain()
            self._loop.remove_reader(media.fileno())
        for tap in list(self._taps.values()):
            tap.close()
        self._arrived.set()
        self._calls.shutdown(wait=False)
        self._questions.shutdown(wait=False)

    @property
    def alive(self) -> bool:
        return self._media is not None and not self._stopped

    @property
    def restarts(self) -> int:
        return 0

    @property
    def candidates(self) -> Sequence[str]:
        return self._engine.candidates()

    async def add_publisher(self, channel: ChannelId, offer: str) -> Accepted:
        return await self._accept(self._engine.add_publisher, channel, offer)

    async def add_viewer(self, channel: ChannelId, offer: str) -> Accepted:
        return await self._accept(self._engine.add_viewer, channel, offer)

    async def restart_ice(self, peer: PeerId, remote: IceCredentials) -> IceCredentials | None:
        media = self._engine
        local = await self._call(lambda: media.restart_ice(peer, remote.ufrag, remote.pwd))
        return None if local is None else IceCredentials(*local)

    async def add_candidate(self, peer: PeerId, candidate: str) -> bool:
        # Nothing to hand on: an ICE-lite agent learns addresses from the checks it answers.
        return _media.Engine.usable_candidate(candidate)

    async def remove(self, peer: PeerId) -> bool:
        media = self._engine
        return await self._call(lambda: media.remove(peer))

    async def select_layer(self, peer: PeerId, wish: LayerWish) -> bool:
        media = self._engine
        return await self._call(
            lambda: media.select_layer(
                peer,
                wish.rid,
                wish.spatial,
                wish.temporal,
                wish.max_spatial,
                wish.max_temporal,
            )
        )

    async def peer_stats(self, peer: PeerId) -> PeerStats | None:
        media = self._engine
        stats = await self._call(lambda: media.peer_stats(peer))
        return None if stats is None else _peer_stats(stats)

    async def totals(self) -> EngineTotals:
        counters, peers, depth = self._engine.totals()
        return EngineTotals(counters=counters, peers=peers, queue_depth=depth + len(self._events))

    async def histograms(self) -> Mapping[str, Histogram]:
        return {
            name: Histogram(tuple(bounds), tuple(counts), total)
            for name, (bounds, counts, total) in self._engine.histograms().items()
        }

    async def workers_answer(self) -> bool:
        """Whether every media thread takes questions up, and answers within a second each."""
        media = self._engine
        workers = len({address.rpartition(":")[2] for address in media.candidates()})
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._questions, lambda: all(_answers(media, worker) for worker in range(workers))
        )

    async def send_data(self, peer: PeerId, label: str, payload: bytes, binary: bool) -> bool:
        media = self._engine
        return await self._call(lambda: media.send_data(peer, label, payload, binary))

    async def send_data_many(
        self, peers: Sequence[PeerId], label: str, payload: bytes, binary: bool
    ) -> Sequence[PeerId]:
        media = self._engine
        refused = await self._call(lambda: media.send_data_many(peers, label, payload, binary))
        return [PeerId(peer) for peer in refused]

    def open_tap(self, channel: ChannelId, limit: int = 256) -> Tap:
        media = self._engine
        number = media.open_tap(channel, limit)

        def close() -> None:
            self._taps.pop(number, None)
            if not self._stopped:
                media.close_tap(channel, number)

        tap = QueueTap(limit, close)
        self._taps[number] = tap
        return tap

    def want_keyframes(self, channel: ChannelId) -> None:
        self._engine.want_keyframes(channel)

    async def events(self) -> AsyncIterator[EngineEvent]:
        while True:
            while self._events:
                yield self._events.popleft()
            if self._stopped:
                return
            self._arrived.clear()
            await self._arrived.wait()

    @property
    def _engine(self) -> _media.Engine:
        if self._media is None:
            raise RuntimeError("the engine is not started")
        return self._media

    async def _accept(
        self,
        accept: Callable[[str, str], tuple[int, str, str, str]],
        channel: ChannelId,
        offer: str,
    ) -> Accepted:
        try:
            peer, answer, ufrag, pwd = await self._call(lambda: accept(channel, offer))
        except _media.OfferRefused as refused:
            code, detail = refused.args
            raise OfferRefused(code, detail) from None
        except _media.EngineBusy as busy:
            raise EngineBusy(str(busy)) from None
        return Accepted(PeerId(peer), answer, IceCredentials(ufrag, pwd))

    async def _call(self, function: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._calls, function)

    def _drain(self) -> None:
        events, batches = self._engine.drain()
        for event in events:
            self._events.append(_event(event))
        for number, dropped, units in batches:
            tap = self._taps.get(number)
            if tap is not None:
                tap.feed([_unit(unit) for unit in units], dropped)
        if events:
            self._arrived.set()


def _answers(media: _media.Engine, worker: int) -> bool:
    began = monotonic()
    media.peer_stats(worker)  # the number of no peer, but of one that this worker would have
    return monotonic() - began < _ANSWER_S


def _layer(layer: _media.Layer) -> Layer:
    return Layer(
        rid=layer.rid,
        codec=Codec(layer.codec),
        bitrate=layer.bitrate,
        width=layer.width,
        height=layer.height,
        active=layer.active,
    )


def _unit(unit: _media.Unit) -> AccessUnit:
    return AccessUnit(
        codec=Codec(unit.codec),
        layer=unit.layer,
        keyframe=unit.keyframe,
        captured_ms=unit.captured_ms,
        rtp_time=unit.rtp_time,
        payload=unit.payload,
        publisher=unit.publisher,
    )


def _peer_stats(stats: _media.PeerStats) -> PeerStats:
    role: Literal["publisher", "viewer"] = "publisher" if stats.publisher else "viewer"
    return PeerStats(
        peer=PeerId(stats.peer),
        channel=ChannelId(stats.channel),
        role=role,
        state="connected" if stats.connected else "new",
        address=stats.address,
        packets=stats.packets,
        bytes=stats.bytes,
        packets_lost=stats.packets_lost,
        packets_resent=stats.packets_resent,
        nacks=stats.nacks,
        plis=stats.plis,
        rtt_ms=stats.rtt_ms,
        join_ms=stats.join_ms,
        layers=tuple(_layer(layer) for layer in stats.layers),
        layer=stats.layer,
        audio_only=stats.audio_only,
        estimate_bps=stats.estimate_bps,
        switches=stats.switches,
        drops=stats.drops,
    )


def _event(event: _media.Event) -> EngineEvent:
    channel, peer = ChannelId(event.channel), PeerId(event.peer)
    match event.kind:
        case "PeerConnected":
            return PeerConnected(peer)
        case "PeerClosed":
            if event.reason not in _REASONS:
                raise ValueError(f"unknown close reason {event.reason!r}")
            return PeerClosed(peer, event.reason, event.detail)
        case "LayersChanged":
            return LayersChanged(channel, tuple(_layer(layer) for layer in event.layers))
        case "MediaStarted":
            return MediaStarted(channel, peer)
        case "MediaStalled":
            return MediaStalled(channel)
        case "MediaResumed":
            return MediaResumed(channel)
        case "DataMessage":
            return DataMessage(peer, event.label, event.payload or b"", event.binary)
        case "LayerSwitched":
            return LayerSwitched(peer, None if event.detail == "audio-only" else event.label)
    raise ValueError(f"unknown event kind {event.kind!r}")
