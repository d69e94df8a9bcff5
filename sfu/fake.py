"""An engine without media, for unit tests: it answers offers and does what the test says.

Deterministic: peers count from 1, credentials are made from the peer's number, and events come
only from calls (`connect`, `start_media`, `stall`, ...). `settled` waits until they were read.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sfu.engine import (
    HISTOGRAMS,
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
    PlaneLost,
)
from sfu.layers import LayerWish
from sluice.histogram import Histogram
from sluice.ids import ChannelId, PeerId
from sluice.media import AccessUnit, Codec

_KNOWN = {codec.value for codec in Codec}
_RTPMAP = re.compile(r"^a=rtpmap:(\d+) ([A-Za-z0-9-]+)/(\d+)(/\d+)?", re.MULTILINE)


@dataclass(slots=True)
class FakePeer:
    """What the fake knows of a peer; tests may read it."""

    peer: PeerId
    channel: ChannelId
    role: Literal["publisher", "viewer"]
    offer: str
    connected: bool = False
    restarts: int = 0
    candidates: list[str] = field(default_factory=list)
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    wish: LayerWish | None = None
    shown: str | None = ""
    """The layer it was switched to last; None: only sound."""
    switches: int = 0


class FakeTap:
    """A tap that tests feed through `FakeEngine.deliver`."""

    def __init__(self, limit: int) -> None:
        self._units: deque[AccessUnit] = deque()
        self._limit = limit
        self._woken = asyncio.Event()
        self._closed = False
        self._dropped = 0

    @property
    def dropped(self) -> int:
        return self._dropped

    async def __aiter__(self) -> AsyncIterator[Sequence[AccessUnit]]:
        while self._units or not self._closed:
            if self._units:
                batch = tuple(self._units)
                self._units.clear()
                yield batch
            else:
                self._woken.clear()
                await self._woken.wait()

    def close(self) -> None:
        self._closed = True
        self._woken.set()

    def put(self, unit: AccessUnit) -> None:
        if len(self._units) >= self._limit:
            self._units.popleft()
            self._dropped += 1
        self._units.append(unit)
        self._woken.set()


class FakeEngine:
    """Implements `sfu.engine.Engine` and `sfu.layers.LayerSelector`."""

    def __init__(self) -> None:
        self.peers: dict[PeerId, FakePeer] = {}
        self.busy = False
        """When set, every offer raises EngineBusy."""
        self.hanging: asyncio.Event | None = None
        """When set, offers wait for it: an engine that does not answer."""
        self.alive = True
        self.restarts = 0
        self.keyframes_wanted: dict[ChannelId, int] = {}
        self.started = False
        self.stopped = False
        self._next = 1
        self._publishers: dict[ChannelId, PeerId] = {}
        self._layers: dict[ChannelId, tuple[Layer, ...]] = {}
        self._taps: dict[ChannelId, list[FakeTap]] = {}
        self._events: deque[EngineEvent] = deque()
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._offers = 0

    # --- the Engine protocol

    async def start(self) -> None:
        self.started = True

    async def stop(self) -> None:
        if self.stopped:
            return
        self.stopped = True
        for peer in list(self.peers):
            self.close(peer, "stopped")
        for taps in self._taps.values():
            for tap in taps:
                tap.close()
        self._woken.set()

    @property
    def candidates(self) -> Sequence[str]:
        return ("udp:127.0.0.1:8189", "tcp:127.0.0.1:8189")

    async def add_publisher(self, channel: ChannelId, offer: str) -> Accepted:
        accepted = await self._accept(channel, offer, "publisher")
        old = self._publishers.get(channel)
        self._publishers[channel] = accepted.peer
        if old is not None:
            self.close(old, "replaced")
        return accepted

    async def add_viewer(self, channel: ChannelId, offer: str) -> Accepted:
        return await self._accept(channel, offer, "viewer")

    async def restart_ice(self, peer: PeerId, remote: IceCredentials) -> IceCredentials | None:
        found = self.peers.get(peer)
        if found is None:
            return None
        found.restarts += 1
        return _credentials(peer, found.restarts)

    async def add_candidate(self, peer: PeerId, candidate: str) -> bool:
        found = self.peers.get(peer)
        if found is None or ".local " in candidate:
            return False
        found.candidates.append(candidate)
        return True

    async def remove(self, peer: PeerId) -> bool:
        return self.close(peer, "removed")

    async def peer_stats(self, peer: PeerId) -> PeerStats | None:
        found = self.peers.get(peer)
        if found is None:
            return None
        return PeerStats(
            peer=peer,
            channel=found.channel,
            role=found.role,
            state="connected" if found.connected else "new",
            address="udp:192.0.2.1:5000" if found.connected else "",
            packets=0,
            bytes=0,
            packets_lost=0,
            packets_resent=0,
            nacks=0,
            plis=0,
            rtt_ms=1.5 if found.connected else None,
            join_ms=None,
            layers=self._layers.get(found.channel, ()),
            layer=found.shown or "",
            audio_only=found.shown is None,
            estimate_bps=None,
            switches=found.switches,
            drops=0,
        )

    async def totals(self) -> EngineTotals:
        counters = {"offers": self._offers, "drops_unknown_source": 0, "errors_panic": 0}
        return EngineTotals(counters, peers=len(self.peers), queue_depth=len(self._events))

    async def histograms(self) -> Mapping[str, Histogram]:
        return {name: Histogram((0.001, 0.01), (2, 1, 0), 0.006) for name in HISTOGRAMS}

    async def send_data(self, peer: PeerId, label: str, payload: bytes, binary: bool) -> bool:
        found = self.peers.get(peer)
        if found is None or not found.connected:
            return False
        found.sent.append((label, payload))
        return True

    async def send_data_many(
        self, peers: Sequence[PeerId], label: str, payload: bytes, binary: bool
    ) -> Sequence[PeerId]:
        return [one for one in peers if not await self.send_data(one, label, payload, binary)]

    def open_tap(self, channel: ChannelId, limit: int = 256) -> FakeTap:
        tap = FakeTap(limit)
        self._taps.setdefault(channel, []).append(tap)
        return tap

    def want_keyframes(self, channel: ChannelId) -> None:
        self.keyframes_wanted[channel] = self.keyframes_wanted.get(channel, 0) + 1

    async def events(self) -> AsyncIterator[EngineEvent]:
        while self._events or not self.stopped:
            if self._events:
                yield self._events.popleft()
            else:
                self._woken.clear()
                self._idle.set()
                await self._woken.wait()
        self._idle.set()

    async def select_layer(self, peer: PeerId, wish: LayerWish) -> bool:
        found = self.peers.get(peer)
        if found is None:
            return False
        rids = {layer.rid for layer in self._layers.get(found.channel, ())}
        if wish.rid is not None and wish.rid not in rids:
            return False
        found.wish = wish
        return True

    # --- what tests call

    def publisher(self, channel: str) -> PeerId | None:
        """The peer that publishes to a channel now."""
        return self._publishers.get(ChannelId(channel))

    def connect(self, peer: PeerId) -> None:
        """ICE and DTLS are done."""
        self.peers[peer].connected = True
        self._emit(PeerConnected(peer))

    def start_media(self, channel: str, layers: tuple[Layer, ...] = ()) -> None:
        """The publisher connects and its first packet arrives."""
        peer = self._publishers[ChannelId(channel)]
        if not self.peers[peer].connected:
            self.connect(peer)
        self._emit(MediaStarted(ChannelId(channel), peer))
        if layers:
            self.set_layers(channel, layers)

    def stall(self, channel: str) -> None:
        self._emit(MediaStalled(ChannelId(channel)))

    def resume(self, channel: str) -> None:
        self._emit(MediaResumed(ChannelId(channel)))

    def set_layers(self, channel: str, layers: tuple[Layer, ...]) -> None:
        self._layers[ChannelId(channel)] = layers
        self._emit(LayersChanged(ChannelId(channel), layers))

    def switch_layer(self, peer: PeerId, rid: str | None) -> None:
        """The viewer is sent this layer from now on; None: only sound."""
        found = self.peers[peer]
        found.shown = rid
        found.switches += 1
        self._emit(LayerSwitched(peer, rid))

    def say(self, peer: PeerId, label: str, payload: bytes) -> None:
        """The peer sends a text message on a data channel."""
        self._emit(DataMessage(peer, label, payload, binary=False))

    def close(self, peer: PeerId, reason: CloseReason) -> bool:
        """The peer is gone. False when it was gone already."""
        found = self.peers.pop(peer, None)
        if found is None:
            return False
        if self._publishers.get(found.channel) == peer:
            del self._publishers[found.channel]
        self._emit(PeerClosed(peer, reason, f"fake: {reason}"))
        return True

    def die(self) -> None:
        """The media plane is gone with all its peers, and not there again before `revive`."""
        self.alive = False
        gone, self._publishers = list(self.peers), {}
        self.peers.clear()
        self._emit(PlaneLost(len(gone)))
        for peer in gone:
            self._emit(PeerClosed(peer, "failed", "fake: the media plane was restarted"))

    def revive(self) -> None:
        """Another media plane took its place."""
        self.alive = True
        self.restarts += 1

    def deliver(self, channel: str, unit: AccessUnit) -> None:
        """Hand an access unit to the channel's taps."""
        for tap in self._taps.get(ChannelId(channel), []):
            tap.put(unit)

    async def settled(self) -> None:
        """Wait until the consumer has read every event and asks for more."""
        if self._events:
            self._idle.clear()
        await self._idle.wait()

    # --- inside

    def _emit(self, event: EngineEvent) -> None:
        self._events.append(event)
        self._idle.clear()
        self._woken.set()

    async def _accept(
        self, channel: ChannelId, offer: str, role: Literal["publisher", "viewer"]
    ) -> Accepted:
        if self.hanging is not None:
            await self.hanging.wait()
        if self.busy or self.stopped or not self.alive:
            raise EngineBusy("The fake engine is busy.")
        self._offers += 1
        peer = PeerId(self._next)
        answer = _answer(offer, _credentials(peer, 0), role)
        self._next += 1
        self.peers[peer] = FakePeer(peer, channel, role, offer)
        return Accepted(peer, answer, _credentials(peer, 0))


def _credentials(peer: PeerId, restarts: int) -> IceCredentials:
    return IceCredentials(f"fake{peer:04d}{restarts:02d}", f"{peer:016d}{restarts:08d}")


def _answer(offer: str, ice: IceCredentials, role: Literal["publisher", "viewer"]) -> str:
    """An answer of the right shape: every section, with its first known codec."""
    sections = re.split(r"^(?=m=)", offer.replace("\r\n", "\n"), flags=re.MULTILINE)[1:]
    if not sections:
        raise OfferRefused("malformed", "The offer has no m= line.")
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=ice-lite"]
    mids = [_mid(section, at) for at, section in enumerate(sections)]
    lines.append("a=group:BUNDLE " + " ".join(mids))
    known = 0
    for mid, section in zip(mids, sections, strict=True):
        kind, *_ = section.removeprefix("m=").split(" ", 1)
        if kind == "application":
            described = ["a=sctp-port:5000"]
            form = "9 UDP/DTLS/SCTP webrtc-datachannel"
        else:
            found = [m for m in _RTPMAP.finditer(section) if m[2].lower() in _KNOWN]
            if not found:
                lines += [f"m={kind} 0 UDP/TLS/RTP/SAVPF 0", "c=IN IP4 127.0.0.1"]
                lines += [f"a=mid:{mid}", "a=inactive"]
                continue
            known += 1
            payload, name, rate, channels = found[0].groups()
            form = f"9 UDP/TLS/RTP/SAVPF {payload}"
            described = [
                f"a=rtpmap:{payload} {name}/{rate}{channels or ''}",
                "a=recvonly" if role == "publisher" else "a=sendonly",
                "a=rtcp-mux",
                "a=rtcp-mux-only",
            ]
        lines += [
            f"m={kind} {form}",
            "c=IN IP4 127.0.0.1",
            f"a=mid:{mid}",
            *described,
            f"a=ice-ufrag:{ice.ufrag}",
            f"a=ice-pwd:{ice.pwd}",
            "a=fingerprint:sha-256 " + ":".join(["00"] * 32),
            "a=setup:passive",
            "a=candidate:1 1 udp 2130706431 127.0.0.1 8189 typ host",
            "a=end-of-candidates",
        ]
    if known == 0:
        raise OfferRefused("unsupported", "No section offers a codec that is forwarded.")
    return "\r\n".join(lines) + "\r\n"


def _mid(section: str, at: int) -> str:
    found = re.search(r"^a=mid:(\S+)", section, re.MULTILINE)
    return found[1] if found else str(at)
