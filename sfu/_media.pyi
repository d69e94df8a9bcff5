"""The boundary to Rust; sfu/rust/py is the other side. `make check` holds the two together."""

from collections.abc import Sequence
from typing import Literal, final

__all__ = [
    "Engine",
    "EngineBusy",
    "Event",
    "LatencySummary",
    "Layer",
    "LoadReport",
    "LoadViewers",
    "OfferRefused",
    "PeerStats",
    "PublisherReport",
    "StreamTotals",
    "Unit",
]

class OfferRefused(Exception):
    """Arguments: code ("malformed" or "unsupported"), detail."""

class EngineBusy(Exception):
    """Argument: detail."""

@final
class Layer:
    rid: str
    codec: str
    bitrate: int
    width: int
    height: int
    active: bool

@final
class Event:
    kind: Literal[
        "PeerConnected",
        "PeerClosed",
        "LayersChanged",
        "MediaStarted",
        "MediaStalled",
        "MediaResumed",
        "DataMessage",
        "LayerSwitched",
    ]
    peer: int
    channel: str
    reason: str
    detail: str
    label: str
    payload: bytes | None
    binary: bool
    layers: list[Layer]

@final
class Unit:
    publisher: int
    codec: str
    layer: str
    keyframe: bool
    captured_ms: int
    rtp_time: int
    payload: bytes

@final
class PeerStats:
    peer: int
    channel: str
    publisher: bool
    connected: bool
    address: str
    packets: int
    bytes: int
    packets_lost: int
    packets_resent: int
    nacks: int
    plis: int
    rtt_ms: float | None
    join_ms: float | None
    layers: list[Layer]
    layer: str
    audio_only: bool
    estimate_bps: int | None
    switches: int
    drops: int

@final
class Engine:
    def __new__(
        cls,
        *,
        host: str,
        port: int,
        workers: int,
        tcp: bool,
        public_addresses: list[str],
        keyframe_interval_ms: int,
        replay_max_ms: int,
        max_peers: int,
        half_open_max: int,
        half_open_timeout_ms: int,
        consent_timeout_ms: int,
    ) -> Engine: ...
    def candidates(self) -> list[str]: ...
    def add_publisher(self, channel: str, offer: str) -> tuple[int, str, str, str]: ...
    def add_viewer(self, channel: str, offer: str) -> tuple[int, str, str, str]: ...
    def restart_ice(self, peer: int, ufrag: str, pwd: str) -> tuple[str, str] | None: ...
    def remove(self, peer: int) -> bool: ...
    def select_layer(
        self,
        peer: int,
        rid: str | None,
        spatial: int | None,
        temporal: int | None,
        max_spatial: int | None,
        max_temporal: int | None,
    ) -> bool: ...
    def peer_stats(self, peer: int) -> PeerStats | None: ...
    def totals(self) -> tuple[dict[str, int], int, int]: ...
    def histograms(self) -> dict[str, tuple[list[float], list[int], float]]: ...
    def send_data(self, peer: int, label: str, payload: bytes, binary: bool) -> bool: ...
    def send_data_many(
        self, peers: Sequence[int], label: str, payload: bytes, binary: bool
    ) -> list[int]: ...
    def open_tap(self, channel: str, limit: int) -> int: ...
    def close_tap(self, channel: str, tap: int) -> None: ...
    def want_keyframes(self, channel: str) -> None: ...
    def fileno(self) -> int: ...
    def drain(self) -> tuple[list[Event], list[tuple[int, int, list[Unit]]]]: ...
    def stop(self) -> None: ...
    @staticmethod
    def usable_candidate(candidate: str) -> bool: ...

@final
class LoadViewers:
    def __new__(
        cls,
        *,
        bind: str = "127.0.0.1",
        max_viewers: int = 5000,
        verify_every: int = 1,
        loss: float = 0.0,
        seed: int = 1,
        pli_per_second: float = 0.0,
        data_channel: bool = True,
        twcc: bool = True,
        gro: bool = False,
        publisher_bitrate: int = 2_500_000,
        publisher_layers: int = 1,
    ) -> LoadViewers: ...
    def offer(self) -> tuple[int, str]: ...
    def answer(self, viewer: int, sdp: str) -> None: ...
    def accept(self, sdp: str) -> tuple[int, str]: ...
    def remove(self, viewer: int) -> bool: ...
    def publisher_offer(self) -> tuple[int, str]: ...
    def publisher_answer(self, publisher: int, sdp: str) -> None: ...
    def remove_publisher(self, publisher: int) -> bool: ...
    def report(self) -> LoadReport: ...
    def reset_latency(self) -> None: ...
    def stop(self) -> None: ...

@final
class StreamTotals:
    packets: int
    bytes: int
    lost: int
    reordered: int
    recovered: int
    duplicates: int
    restarts: int

@final
class LatencySummary:
    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float

@final
class PublisherReport:
    connected: bool
    closed: bool
    video_packets: int
    audio_packets: int
    bytes: int
    keyframes: int
    keyframe_requests: int
    nacks: int
    send_errors: int
    worst_lateness_ms: float
    cpu_s: float
    error: str | None

@final
class LoadReport:
    offered: int
    alive: int
    connected: int
    with_media: int
    receiving: int
    verified: int
    closed: int
    panics: int
    video: StreamTotals
    audio: StreamTotals
    rtx_packets: int
    rejected: int
    unknown: int
    client_drops: int
    injected_drops: int
    send_errors: int
    nacks: int
    plis: int
    keyframes: int
    join_connected_ms: list[float]
    join_packet_ms: list[float]
    join_keyframe_ms: list[float]
    video_latency: LatencySummary
    audio_latency: LatencySummary
    echo_rtt: LatencySummary
    replayed: int
    cpu_s: float
    publishers: list[PublisherReport]
    errors: list[str]
