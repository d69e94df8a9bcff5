"""The figures of a run, made from two snapshots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from signaling.load_client import LatencySummary, LoadReport, StreamTotals
from signaling.process_meter import Usage


@dataclass(frozen=True, slots=True)
class Window:
    """What was seen at both ends of the measuring window."""

    seconds: float
    before: LoadReport
    after: LoadReport
    idle: Usage | None
    """The server before the first viewer; None where the server cannot be looked at."""
    used_before: Usage | None
    used_after: Usage | None


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution in milliseconds."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, ascending: Sequence[float]) -> Self:
        def quantile(part: float) -> float:
            return round(ascending[max(0, math.ceil(len(ascending) * part) - 1)], 3)

        if not ascending:
            return cls(0, 0.0, 0.0, 0.0, 0.0)
        return cls(len(ascending), quantile(0.5), quantile(0.95), quantile(0.99), quantile(1.0))

    @classmethod
    def like(cls, summary: LatencySummary) -> Self:
        return cls(summary.count, summary.p50_ms, summary.p95_ms, summary.p99_ms, summary.max_ms)


@dataclass(frozen=True, slots=True)
class MediaFigures:
    """One kind of media in the window, over all viewers."""

    packets: int
    lost: int
    loss_percent: float
    recovered: int
    reordered: int
    duplicates: int
    restarts: int

    @classmethod
    def of(cls, before: StreamTotals, after: StreamTotals) -> Self:
        packets, lost = after.packets - before.packets, after.lost - before.lost
        expected = packets + lost
        return cls(
            packets=packets,
            lost=lost,
            loss_percent=round(100 * lost / expected, 4) if expected else 0.0,
            recovered=after.recovered - before.recovered,
            reordered=after.reordered - before.reordered,
            duplicates=after.duplicates - before.duplicates,
            restarts=after.restarts - before.restarts,
        )


@dataclass(frozen=True, slots=True)
class ServerFigures:
    """The server process in the window."""

    cpu_percent: float
    """100 is one core."""
    us_per_packet: float
    """Microseconds of CPU for each media packet that reached a viewer."""
    viewers_per_core: int
    rss_idle_kb: int
    rss_kb: int
    kb_per_viewer: float

    @classmethod
    def of(cls, window: Window, packets: int, viewers: int) -> Self | None:
        idle, before, after = window.idle, window.used_before, window.used_after
        if idle is None or before is None or after is None:
            return None
        cpu_s = after.cpu_s - before.cpu_s
        cores = cpu_s / window.seconds if window.seconds else 0.0
        return cls(
            cpu_percent=round(100 * cores, 1),
            us_per_packet=round(cpu_s / packets * 1e6, 3) if packets else 0.0,
            viewers_per_core=int(viewers / cores) if cores else 0,
            rss_idle_kb=idle.rss_kb,
            rss_kb=after.rss_kb,
            kb_per_viewer=round((after.rss_kb - idle.rss_kb) / viewers, 1) if viewers else 0.0,
        )


@dataclass(frozen=True, slots=True)
class LoadResult:
    """All of it; `dataclasses.asdict` makes the JSON object."""

    viewers: int
    joined: int
    connected: int
    receiving: int
    """Viewers that received video in the window's last second."""
    verified: int
    closed: int
    refused: dict[str, int]
    """Joins that failed, by status or error."""
    join_connected: Spread
    join_packet: Spread
    join_keyframe: Spread
    window_s: float
    packets_per_s: float
    mbit_per_s: float
    delivered_percent: float | None
    """Of what our own publishers sent, to all viewers; below 100 with nothing lost: it queues up.

    None where others publish. Of several layers a viewer gets one only.
    """
    video: MediaFigures
    audio: MediaFigures
    video_latency: Spread
    audio_latency: Spread
    echo_rtt: Spread
    nacks: int
    plis: int
    rtx_packets: int
    rejected: int
    unknown: int
    injected_drops: int
    client_drops: int
    client_cpu_percent: float
    publisher_lateness_ms: float
    server: ServerFigures | None
    doubts: list[str]
    """Why the figures may be the client's fault instead of the server's; empty is good."""
    errors: list[str]

    @classmethod
    def of(cls, viewers: int, joined: int, refused: dict[str, int], window: Window) -> Self:
        before, after, seconds = window.before, window.after, window.seconds or 1.0
        video = MediaFigures.of(before.video, after.video)
        audio = MediaFigures.of(before.audio, after.audio)
        packets = video.packets + audio.packets
        sent_bytes = after.video.bytes + after.audio.bytes - before.video.bytes - before.audio.bytes
        return cls(
            viewers=viewers,
            joined=joined,
            connected=after.connected,
            receiving=after.receiving,
            verified=after.verified,
            closed=after.closed,
            refused=refused,
            join_connected=Spread.of(after.join_connected_ms),
            join_packet=Spread.of(after.join_packet_ms),
            join_keyframe=Spread.of(after.join_keyframe_ms),
            window_s=round(window.seconds, 3),
            packets_per_s=round(packets / seconds, 1),
            mbit_per_s=round(sent_bytes * 8 / seconds / 1e6, 2),
            delivered_percent=_delivered(window, packets),
            video=video,
            audio=audio,
            video_latency=Spread.like(after.video_latency),
            audio_latency=Spread.like(after.audio_latency),
            echo_rtt=Spread.like(after.echo_rtt),
            nacks=after.nacks - before.nacks,
            plis=after.plis - before.plis,
            rtx_packets=after.rtx_packets - before.rtx_packets,
            rejected=after.rejected - before.rejected,
            unknown=after.unknown - before.unknown,
            injected_drops=after.injected_drops - before.injected_drops,
            client_drops=after.client_drops - before.client_drops,
            client_cpu_percent=round(100 * (after.cpu_s - before.cpu_s) / seconds, 1),
            publisher_lateness_ms=max((p.worst_lateness_ms for p in after.publishers), default=0.0),
            server=ServerFigures.of(window, packets, after.connected),
            doubts=_doubts(window),
            errors=list(after.errors),
        )


def _delivered(window: Window, packets: int) -> float | None:
    """Each viewer watches one publisher, and the viewers are spread evenly over them."""
    before, after = window.before.publishers, window.after.publishers
    if not after:
        return None
    sent = sum(p.video_packets + p.audio_packets for p in after)
    sent -= sum(p.video_packets + p.audio_packets for p in before)
    wanted = sent * window.after.connected / len(after)
    return round(100 * packets / wanted, 2) if wanted else None


def _doubts(window: Window) -> list[str]:
    before, after = window.before, window.after
    doubts = []
    if drops := after.client_drops - before.client_drops:
        doubts.append(f"the client's own sockets dropped {drops} packets")
    busy = 100 * (after.cpu_s - before.cpu_s) / (window.seconds or 1.0)
    if busy > 85:
        doubts.append(f"the client's thread was busy {busy:.0f} % of the time")
    late = max((publisher.worst_lateness_ms for publisher in after.publishers), default=0.0)
    if late > 50:
        doubts.append(f"the publisher sent a packet {late:.0f} ms late")
    return doubts
