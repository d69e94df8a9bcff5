"""What goes out, what comes of it and what the uplink carries: figures from running totals."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from mobile_sim.phone import ConnectionStats
from mobile_sim.uplink.estimate import Estimate
from mobile_sim.uplink.shaper import Count

WINDOW_S = 1.0
"""What was sent is counted over so long."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Over the time since the figures before."""

    bitrate: float
    """Bits per second that the link took, headers included."""
    loss: float
    """0 to 1: of the datagrams."""


class Meter:
    """Reads the shaper's totals of the way up, reports and round trips. Times never fall."""

    def __init__(self, up: Count, now_s: float, start_bps: float) -> None:
        self._up = up
        self._estimate = Estimate(start_bps)
        self._carried_bps = start_bps
        self._row = self._mark(now_s)
        self._recent = deque([self._row])
        self._reported_at: datetime | None = None
        self._remb: int | None = None

    @property
    def estimate_bps(self) -> float:
        """What the way up carries; the far end's own estimate is believed when it is lower."""
        ours = self._estimate.bps
        return ours if self._remb is None else min(ours, self._remb)

    def listen(self, now_s: float, stats: ConnectionStats, remb: int | None) -> None:
        """Take what a live connection tells by RTCP; call it some times a second."""
        self._remb = remb
        sent_bps = self._sent_bps(now_s)
        if stats.reported_at is not None and stats.reported_at != self._reported_at:
            self._reported_at = stats.reported_at
            self._estimate.lost(now_s, stats.loss, sent_bps)

    def round_trip(self, now_s: float, rtt_s: float | None) -> None:
        """Take a round trip of a live connection; None when there was no answer."""
        if rtt_s is None:
            self._estimate.unanswered(now_s, self._sent_bps(now_s))
        else:
            self._estimate.answered(now_s, rtt_s, self._sent_bps(now_s))
            self._carried_bps = self._estimate.bps

    def new_path(self, now_s: float) -> None:
        """Media goes another way from now on."""
        self._remb = None
        self._estimate.moved(now_s, self._carried_bps)

    def sent(self, now_s: float) -> Sent:
        """The figures since the last call."""
        before, self._row = self._row, self._mark(now_s)
        seconds = max(now_s - before.at_s, 0.001)
        taken = (self._row.bytes - before.bytes) - (self._row.lost_bytes - before.lost_bytes)
        offered = self._row.offered - before.offered
        dropped = self._row.dropped - before.dropped
        return Sent(taken * 8 / seconds, dropped / offered if offered else 0.0)

    def _sent_bps(self, now_s: float) -> float:
        """Offered to the link, over the last second."""
        self._recent.append(self._mark(now_s))
        while len(self._recent) > 2 and self._recent[1].at_s <= now_s - WINDOW_S:
            self._recent.popleft()
        first, last = self._recent[0], self._recent[-1]
        return (last.bytes - first.bytes) * 8 / max(last.at_s - first.at_s, 0.001)

    def _mark(self, now_s: float) -> _Mark:
        up = self._up
        return _Mark(now_s, up.bytes, up.lost_bytes, up.offered, up.dropped)


@dataclass(frozen=True, slots=True)
class _Mark:
    at_s: float
    bytes: int
    lost_bytes: int
    offered: int
    dropped: int
