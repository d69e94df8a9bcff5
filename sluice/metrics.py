"""Prometheus metrics of the Python side, and the engine's totals beside them.

Labels come from small fixed sets (route patterns, problem codes): never channel or client names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from sluice import histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """All counters of one process. Each app has its own registry, so tests do not share."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._engine = _EngineCollector()
        registry.register(self._engine)
        self._chat = _ChatCollector()
        registry.register(self._chat)
        self.problems = Counter(
            "sluice_http_problems", "Problem responses by code.", ["code"], registry=registry
        )
        self.requests = Counter(
            "sluice_http_requests",
            "Requests by route pattern, method and status.",
            ["route", "method", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "sluice_http_request_seconds",
            "From the request to the end of its response, event streams left out.",
            ["route"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self.sessions_opened = Counter(
            "sluice_sessions_opened", "WHIP and WHEP sessions.", ["role"], registry=registry
        )
        self.sessions_closed = Counter(
            "sluice_sessions_closed",
            "Ended sessions by reason.",
            ["role", "reason"],
            registry=registry,
        )
        self.sessions = Gauge("sluice_sessions", "Open sessions.", ["role"], registry=registry)
        self.candidates = Counter(
            "sluice_trickled_candidates", "By what became of them.", ["use"], registry=registry
        )
        self.ice_restarts = Counter("sluice_ice_restarts", "ICE restarts.", registry=registry)
        self.broadcasts = Gauge("sluice_broadcasts", "Live broadcasts.", registry=registry)
        self.bridges = Gauge(
            "sluice_bridges", "Broadcasts made into HLS and DASH.", registry=registry
        )
        self.bridge_events = Counter(
            "sluice_bridge_events", "What bridges went through.", ["event"], registry=registry
        )
        self.recordings = Gauge(
            "sluice_recordings", "Broadcasts that are being recorded.", registry=registry
        )
        self.recorder_waiting = Gauge(
            "sluice_recorder_waiting_seconds",
            "Age of the oldest media that waits for the disk.",
            registry=registry,
        )
        self.recorder_lost_parts = Counter(
            "sluice_recorder_lost_parts", "Parts that the disk could not take.", registry=registry
        )
        self.recorder_troubles = Counter(
            "sluice_recorder_troubles",
            "What went wrong with recordings.",
            ["kind"],
            registry=registry,
        )
        self.recorder_uploads_waiting = Gauge(
            "sluice_recorder_uploads_waiting",
            "Chunks that the store does not have yet.",
            registry=registry,
        )
        self.recorder_upload_failures = Counter(
            "sluice_recorder_upload_failures", "Uploads that failed once.", registry=registry
        )
        self.vod_jobs = Counter(
            "sluice_vod_jobs", "Batch jobs that ended.", ["kind", "state"], registry=registry
        )
        self.vod_deleted = Counter(
            "sluice_vod_deleted", "Recordings that were deleted.", ["reason"], registry=registry
        )
        self.caption_events = Counter(
            "sluice_caption_events",
            "What live captions went through.",
            ["event"],
            registry=registry,
        )
        self.live_requests = Counter(
            "sluice_live_requests",
            "Requests for playlists and media by kind and status.",
            ["kind", "status"],
            registry=registry,
        )
        self.live_bytes = Counter(
            "sluice_live_bytes", "Bytes of their answers.", ["kind"], registry=registry
        )
        self.live_held = Gauge(
            "sluice_live_held", "Requests that wait for a part.", registry=registry
        )
        self.player_buffer = Histogram(
            "sluice_player_buffer_seconds",
            "Media in players' buffers, by their own word (CMCD).",
            buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32),
            registry=registry,
        )
        self.player_throughput = Histogram(
            "sluice_player_throughput_bytes_per_second",
            "What players measured on their lines (CMCD).",
            buckets=tuple(kbps * 125 for kbps in (250, 500, 1_000, 2_500, 5_000, 10_000, 50_000)),
            registry=registry,
        )
        self.player_reports = Counter(
            "sluice_player_reports",
            "Requests in which a player told how it fares, by what it told (CMCD).",
            ["what"],
            registry=registry,
        )
        self.money_webhooks = Counter(
            "sluice_money_webhooks",
            "Webhooks of payment providers by what became of them.",
            ["outcome"],
            registry=registry,
        )
        self.money_told = Counter(
            "sluice_money_told",
            "What rooms were to be told of money, by result.",
            ["result"],
            registry=registry,
        )
        self.device_signals = Counter(
            "sluice_device_signals",
            "Messages of publishers' devices by what became of them.",
            ["result"],
            registry=registry,
        )
        self.device_advice = Counter(
            "sluice_device_advice",
            "What devices were told, by level.",
            ["level"],
            registry=registry,
        )
        self.device_channels = Gauge(
            "sluice_device_channels",
            "Channels whose device reports, by its heat.",
            ["thermal"],
            registry=registry,
        )
        self.event_streams = Gauge("sluice_event_streams", "Open SSE.", registry=registry)
        self.events_dropped = Counter(
            "sluice_events_dropped", "Events that slow SSE readers lost.", registry=registry
        )
        self.tasks = Gauge(
            "sluice_tasks", "Tasks of the event loop at the time of the scrape.", registry=registry
        )
        self.loop_lag = Gauge(
            "sluice_loop_lag_seconds", "How late the event loop was last.", registry=registry
        )

    def show_engine(self, counters: Mapping[str, int], peers: int, queue_depth: int) -> None:
        """Keep the engine's newest totals for the next scrape."""
        self._engine.counters = dict(counters)
        self._engine.gauges = {"peers": peers, "queue_depth": queue_depth}

    def show_plane(self, *, up: bool, restarts: int) -> None:
        """Keep whether the media plane lives for the next scrape, and how often it had to."""
        self._engine.up, self._engine.restarts = up, restarts

    def show_histograms(self, histograms: Mapping[str, histogram.Histogram]) -> None:
        """Keep the engine's newest distributions for the next scrape."""
        self._engine.histograms = dict(histograms)

    def show_chat(
        self, figures: Mapping[str, int], by_label: Mapping[str, Mapping[str, int]]
    ) -> None:
        """Keep what the chat has counted for the next scrape."""
        self._chat.figures = dict(figures)
        self._chat.by_label = {name: dict(counts) for name, counts in by_label.items()}

    def show_events(self, seen: Mapping[str, int]) -> None:
        """Keep how many events of each kind were read from the engine."""
        self._engine.events = dict(seen)

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self._registry)


class _EngineCollector(Collector):
    """Shows a snapshot: the engine counts in its own threads, Python only copies."""

    def __init__(self) -> None:
        self.counters: dict[str, int] = {}
        self.gauges: dict[str, int] = {}
        self.histograms: dict[str, histogram.Histogram] = {}
        self.events: dict[str, int] = {}
        self.up = False
        self.restarts = 0

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "sluice_media_up", "Whether the media plane takes offers.", value=int(self.up)
        )
        yield CounterMetricFamily(
            "sluice_media_restarts",
            "Media planes that died and were started again.",
            value=self.restarts,
        )
        grouped = {
            family: CounterMetricFamily(
                f"sluice_engine_{family}", f"Media plane: {family} by reason.", labels=["reason"]
            )
            for family in ("drops", "errors")
        }
        for name, value in sorted(self.counters.items()):
            family, _, reason = name.partition("_")
            if family in grouped and reason:
                grouped[family].add_metric([reason], value)
            else:
                yield CounterMetricFamily(
                    f"sluice_engine_{name}", f"Media plane: {name}.", value=value
                )
        yield from grouped.values()
        for name, measured in sorted(self.histograms.items()):
            yield HistogramMetricFamily(
                f"sluice_media_{name}",
                f"Media plane: {name}.",
                buckets=measured.cumulative,
                sum_value=measured.sum,
            )
        events = CounterMetricFamily(
            "sluice_engine_events", "Events read from the engine.", labels=["event"]
        )
        for name, value in sorted(self.events.items()):
            events.add_metric([name], value)
        yield events
        for name, value in self.gauges.items():
            yield GaugeMetricFamily(f"sluice_engine_{name}", f"Media plane: {name}.", value=value)


class _ChatCollector(Collector):
    """Shows the hub's plain numbers: the hot path touches no metric object."""

    _GAUGES = (
        ("connections", "Chat connections, those without a hello too."),
        ("rooms", "Rooms that are open."),
        ("people", "Clients in rooms."),
    )
    _TOTALS = (
        ("deliveries", "Entries times the clients that they were meant for."),
        ("sampled_out", "Messages that the public's sample left out."),
        ("reactions", "Reactions taken."),
        ("gaps", "Times that a slow client was brought to the end."),
        ("retracts", "Takeovers that took numbers back."),
        ("log_failures", "Calls of the room log that failed."),
    )
    _LABELLED = (
        ("entries", "kind", "Entries sent to rooms."),
        ("resumes", "how", "Clients that came in."),
        ("errors", "code", "Error frames."),
        ("closed", "reason", "Clients that left or were closed."),
        ("tickets", "what", "Tickets."),
    )

    def __init__(self) -> None:
        self.figures: dict[str, int] = {}
        self.by_label: dict[str, dict[str, int]] = {}

    def collect(self) -> Iterator[Metric]:
        for name, text in self._GAUGES:
            now = self.figures.get(name, 0)
            yield GaugeMetricFamily(f"sluice_chat_{name}", text, value=now)
        for name, text in self._TOTALS:
            total = self.figures.get(name, 0)
            yield CounterMetricFamily(f"sluice_chat_{name}", text, value=total)
        for name, label, text in self._LABELLED:
            family = CounterMetricFamily(f"sluice_chat_{name}", text, labels=[label])
            for value, count in sorted(self.by_label.get(name, {}).items()):
                family.add_metric([value], count)
            yield family
