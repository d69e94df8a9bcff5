"""Counts what goes out below `/live/`, and what players say of themselves."""

from __future__ import annotations

from prometheus_client import Counter

from bridge.cmcd import Quality
from sluice.metrics import Metrics


class LiveMeter:
    """The `Meter` of signaling/live.py, in Prometheus terms.

    Children of labels are looked up once: a lookup costs more than the request's other counting.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._requests: dict[tuple[str, int], Counter] = {}
        self._bytes: dict[str, Counter] = {}

    def answered(self, kind: str, status: int, size: int) -> None:
        requests = self._requests.get((kind, status))
        if requests is None:
            requests = self._metrics.live_requests.labels(kind, str(status))
            self._requests[kind, status] = requests
            self._bytes.setdefault(kind, self._metrics.live_bytes.labels(kind))
        requests.inc()
        if size:
            self._bytes[kind].inc(size)

    def reported(self, quality: Quality) -> None:
        reports = self._metrics.player_reports
        reports.labels("any").inc()
        if quality.buffer_ms is not None:
            self._metrics.player_buffer.observe(quality.buffer_ms / 1_000)
        if quality.measured_kbps is not None:
            self._metrics.player_throughput.observe(quality.measured_kbps * 125)
        if quality.starved:
            reports.labels("starved").inc()
        if quality.startup:
            reports.labels("startup").inc()

    def refused(self, code: str) -> None:
        self._metrics.problems.labels(code).inc()
