"""What a viewer saw, in figures: latency, loss and freezes, from the stamps in the pictures."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mobile_sim.stamp import COUNTER_MODULUS, Stamp, unwrap_time

MAX_GAP = 300
"""Frames. A longer gap, or a step back, is another camera run and not a loss."""
LATENCY_LIMIT_MS = 10_000
"""Latencies above are counted as this."""
FREEZE_WINDOW = 30
"""Frames that make the usual interval."""


@dataclass(frozen=True, slots=True)
class Report:
    """Figures over a span of time."""

    frames: int
    unreadable: int
    """Pictures without a readable stamp."""
    lost: int
    """Counter numbers that never arrived between two that did."""
    repeated: int
    """Pictures whose counter was the one before."""
    breaks: int
    """Times that the counter jumped: the publisher began anew or was away for long."""
    latency_ms_min: int | None
    latency_ms_p50: int | None
    latency_ms_p95: int | None
    latency_ms_max: int | None
    freezes: int
    """Gaps between pictures over max(3 x usual, usual + 150 ms), as in W3C webrtc-stats."""
    frozen_ms: int
    longest_gap_ms: int


class Viewing:
    """Collects pictures and sums them up. Memory is bounded however long it runs."""

    def __init__(self) -> None:
        self._last: int | None = None
        self._last_at: float | None = None
        self._intervals: deque[float] = deque(maxlen=FREEZE_WINDOW)
        self._total = _Tally()
        self._recent = _Tally()

    def feed(self, now_s: float, unix_ms: int, stamp: Stamp | None) -> None:
        """Take a picture that arrived at monotonic `now_s`, which is `unix_ms` on the wall."""
        tallies = (self._total, self._recent)
        gap = self._gap(now_s)
        lost, step = 0, 1
        if stamp is not None and self._last is not None:
            step = (stamp.counter - self._last) % COUNTER_MODULUS
            lost = step - 1 if 1 < step <= MAX_GAP else 0
        for tally in tallies:
            tally.frames += 1
            tally.longest_gap_s = max(tally.longest_gap_s, gap)
            if self._is_freeze(gap):
                tally.freezes += 1
                tally.frozen_s += gap
            if stamp is None:
                tally.unreadable += 1
                continue
            tally.lost += lost
            tally.repeated += step == 0
            tally.breaks += step > MAX_GAP
            latency = unix_ms - unwrap_time(stamp.time_ms, unix_ms)
            tally.latencies[min(max(latency, 0), LATENCY_LIMIT_MS)] += 1
        if gap:
            self._intervals.append(gap)
        self._last_at = now_s
        if stamp is not None:
            self._last = stamp.counter

    def recent(self) -> Report:
        """Return the figures since the last call of `recent`."""
        report = self._recent.report()
        self._recent = _Tally()
        return report

    def total(self) -> Report:
        """Return the figures since the start."""
        return self._total.report()

    def _gap(self, now_s: float) -> float:
        return 0.0 if self._last_at is None else now_s - self._last_at

    def _is_freeze(self, gap: float) -> bool:
        if not self._intervals:
            return False
        usual = sum(self._intervals) / len(self._intervals)
        return gap > max(3 * usual, usual + 0.150)


class _Tally:
    def __init__(self) -> None:
        self.frames = self.unreadable = self.lost = self.repeated = self.breaks = 0
        self.freezes = 0
        self.frozen_s = self.longest_gap_s = 0.0
        self.latencies = [0] * (LATENCY_LIMIT_MS + 1)

    def report(self) -> Report:
        return Report(
            frames=self.frames,
            unreadable=self.unreadable,
            lost=self.lost,
            repeated=self.repeated,
            breaks=self.breaks,
            latency_ms_min=self._percentile(0.0),
            latency_ms_p50=self._percentile(0.5),
            latency_ms_p95=self._percentile(0.95),
            latency_ms_max=self._percentile(1.0),
            freezes=self.freezes,
            frozen_ms=round(self.frozen_s * 1000),
            longest_gap_ms=round(self.longest_gap_s * 1000),
        )

    def _percentile(self, share: float) -> int | None:
        """The smallest latency that at least `share` of the pictures did not exceed."""
        count = sum(self.latencies)
        if count == 0:
            return None
        needed = max(1, round(share * count))
        seen = 0
        for latency, pictures in enumerate(self.latencies):
            seen += pictures
            if seen >= needed:
                return latency
        raise AssertionError("the counts do not add up")
