"""What the rest of Sluice knows of the media plane.

`Engine` is implemented three times: `sfu.native.NativeEngine` (Rust threads),
`sfu.plane.remote.RemoteEngine` (the same in a process of its own) and `sfu.fake.FakeEngine` (for
unit tests). Peers are WebRTC sessions; the engine routes the
publisher of a channel to the channel's viewers and tells what happens through `events`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from sluice.histogram import Histogram
from sluice.ids import ChannelId, PeerId
from sluice.media import AccessUnit, Codec

CloseReason = Literal[
    "removed",  # our side asked for it: DELETE, kick, expiry
    "replaced",  # the channel's owner published again
    "left",  # the peer closed (DTLS close_notify)
    "timeout",  # consent to send was lost, or it never connected
    "failed",  # a protocol error or a contained panic in this peer
    "stopped",  # the engine is stopping
]

HISTOGRAMS = ("forward_latency_seconds", "join_seconds", "send_batch_datagrams")
"""What an engine measures as distributions (see docs/metrics.md)."""


class OfferRefused(Exception):
    """The engine cannot answer this SDP offer; the text says which rule it breaks."""

    def __init__(self, code: Literal["malformed", "unsupported", "limit"], detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class EngineBusy(Exception):
    """The engine takes no more peers now (limit reached or the worker does not answer)."""


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """One side's short-term ICE credentials (RFC 8445 section 5.3)."""

    ufrag: str
    pwd: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A new peer and the SDP answer for it. All server candidates are in the answer."""

    peer: PeerId
    answer: str
    ice: IceCredentials
    """The server's credentials; the ETag of the session is made from them."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One encoding that the publisher sends."""

    rid: str
    """Empty when there is no simulcast."""
    codec: Codec
    bitrate: int
    """Bits per second over the last second."""
    width: int
    height: int
    """Size in pixels from the last keyframe; 0 where unknown (audio, or a codec not parsed)."""
    active: bool
    """False when no packet came for 500 ms."""


@dataclass(frozen=True, slots=True)
class PeerStats:
    """One peer's figures since it joined. Bytes are RTP payload bytes."""

    peer: PeerId
    channel: ChannelId
    role: Literal["publisher", "viewer"]
    state: Literal["new", "connected", "closed"]
    address: str
    """The remote transport address in use, `udp:192.0.2.1:5000`; empty before ICE ends."""
    packets: int
    bytes: int
    packets_lost: int
    """Publisher: lost on the way to us. Viewer: lost as its receiver reports say."""
    packets_resent: int
    nacks: int
    plis: int
    """Publisher: sent to it by us. Viewer: received from it."""
    rtt_ms: float | None
    join_ms: float | None
    """Viewer: from the offer to the first media packet sent."""
    layers: tuple[Layer, ...]
    layer: str
    """Viewer: the rid that is sent to it now; empty where there is none."""
    audio_only: bool
    """Viewer: its link carries no picture now."""
    estimate_bps: int | None
    """Viewer: what its link carries by our estimate."""
    switches: int
    """Viewer: from one layer to another so far."""
    drops: int
    """Viewer: packets not sent to it because its queue was full."""


@dataclass(frozen=True, slots=True)
class EngineTotals:
    """Counters of the whole engine since it started, by name (see docs/metrics.md)."""

    counters: dict[str, int]
    """Monotonic. Includes `drops_<reason>` and `errors_<reason>`."""
    peers: int
    queue_depth: int
    """Events waiting to be read by Python."""


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """ICE and DTLS are done."""

    peer: PeerId


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The peer is gone; its id is never used again."""

    peer: PeerId
    reason: CloseReason
    detail: str


@dataclass(frozen=True, slots=True)
class LayersChanged:
    """A layer appeared, vanished or changed its codec or size."""

    channel: ChannelId
    layers: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class MediaStarted:
    """The publisher's first packet arrived (again, after a takeover)."""

    channel: ChannelId
    peer: PeerId


@dataclass(frozen=True, slots=True)
class MediaStalled:
    """No packet from the publisher for 500 ms."""

    channel: ChannelId


@dataclass(frozen=True, slots=True)
class MediaResumed:
    """Packets flow again after MediaStalled."""

    channel: ChannelId


@dataclass(frozen=True, slots=True)
class DataMessage:
    """A message on a data channel. The label `echo` is answered by the engine itself."""

    peer: PeerId
    label: str
    payload: bytes
    binary: bool


@dataclass(frozen=True, slots=True)
class LayerSwitched:
    """A viewer is sent another layer from now on."""

    peer: PeerId
    rid: str | None
    """Empty for an encoding without a name; None when only sound is sent."""


@dataclass(frozen=True, slots=True)
class PlaneLost:
    """The media plane died and is started again; a `PeerClosed` for each of its peers follows."""

    peers: int
    """How many that were."""


EngineEvent = (
    PeerConnected
    | PeerClosed
    | LayersChanged
    | MediaStarted
    | MediaStalled
    | MediaResumed
    | DataMessage
    | LayerSwitched
    | PlaneLost
)


class Tap(Protocol):
    """A reader of a channel's access units, with its own bounded queue.

    A reader that falls behind loses the oldest units; `dropped` counts them. The tap outlives
    publishers: it goes on when the owner reconnects.
    """

    @property
    def dropped(self) -> int: ...

    def __aiter__(self) -> AsyncIterator[Sequence[AccessUnit]]:
        """Batches in arrival order, at least one unit each. Ends when the tap is closed."""
        ...

    def close(self) -> None: ...


class Engine(Protocol):
    """The media plane. Methods are called from the event loop's thread and never block it."""

    async def start(self) -> None:
        """Bind the ports and start the workers. Raises OSError when a port is taken."""
        ...

    async def stop(self) -> None:
        """Close every peer (reason `stopped`) and join the threads. Idempotent."""
        ...

    @property
    def alive(self) -> bool:
        """Whether offers can be answered now. Where it falls to False, it comes back by itself."""
        ...

    @property
    def restarts(self) -> int:
        """How often the media plane died and was started again."""
        ...

    @property
    def candidates(self) -> Sequence[str]:
        """The transport addresses announced to peers, as `udp:192.0.2.1:5000`."""
        ...

    async def add_publisher(self, channel: ChannelId, offer: str) -> Accepted:
        """Answer a WHIP offer. A publisher that the channel already has is replaced.

        Raises OfferRefused or EngineBusy.
        """
        ...

    async def add_viewer(self, channel: ChannelId, offer: str) -> Accepted:
        """Answer a WHEP offer. Raises OfferRefused or EngineBusy."""
        ...

    async def restart_ice(self, peer: PeerId, remote: IceCredentials) -> IceCredentials | None:
        """Start ICE anew and return our new credentials; None when the peer is gone.

        The old transport goes on until the new one is nominated.
        """
        ...

    async def add_candidate(self, peer: PeerId, candidate: str) -> bool:
        """Offer a trickled candidate (`candidate:...`). False when it cannot be used."""
        ...

    async def remove(self, peer: PeerId) -> bool:
        """Close a peer. False when it was gone already."""
        ...

    async def peer_stats(self, peer: PeerId) -> PeerStats | None: ...

    async def totals(self) -> EngineTotals: ...

    async def histograms(self) -> Mapping[str, Histogram]:
        """The distributions that HISTOGRAMS names, since the engine started."""
        ...

    async def send_data(self, peer: PeerId, label: str, payload: bytes, binary: bool) -> bool:
        """Queue a message on an open data channel. False when it is closed or its buffer full."""
        ...

    async def send_data_many(
        self, peers: Sequence[PeerId], label: str, payload: bytes, binary: bool
    ) -> Sequence[PeerId]:
        """Queue the same message for many peers; those that did not take it."""
        ...

    def open_tap(self, channel: ChannelId, limit: int = 256) -> Tap:
        """Read a channel's access units; `limit` is the queue's length in units."""
        ...

    def want_keyframes(self, channel: ChannelId) -> None:
        """Have the publisher send keyframes of all its layers soon, as often as it may be asked."""
        ...

    def events(self) -> AsyncIterator[EngineEvent]:
        """What happens, in order. One consumer only."""
        ...
