"""What an edge counts. docs/edges.md explains each of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

OUTCOMES: Final = ("hit", "miss", "shared", "stale", "refused", "problem")
FETCHES: Final = ("answered", "failed", "lost")


class EdgeMetrics(Collector):
    """One process's counters: plain numbers, as each viewer counts several times a second. No
    label names a channel."""

    def __init__(self) -> None:
        self.requests = dict.fromkeys(OUTCOMES, 0)
        self.fetches = dict.fromkeys(FETCHES, 0)
        """Questions to the origin by what became of them."""
        self.sent_bytes = 0
        self.waiters = 0
        self.fills = 0
        self.kept_bytes = 0
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def count_fetch(self, result: str) -> None:
        self.fetches[result] += 1

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        yield _counter("requests", "Requests by outcome.", "outcome", self.requests)
        yield _counter("origin_fetches", "Questions to the origin.", "result", self.fetches)
        yield CounterMetricFamily(
            "sluice_edge_sent_bytes", "Body bytes sent.", value=self.sent_bytes
        )
        for name, text, value in (
            ("waiters", "Requests that wait for the origin.", self.waiters),
            ("fills", "Open questions to the origin.", self.fills),
            ("kept_bytes", "Bytes of answers in memory.", self.kept_bytes),
        ):
            yield GaugeMetricFamily(f"sluice_edge_{name}", text, value=value)


def _counter(name: str, text: str, label: str, values: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(f"sluice_edge_{name}", text, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
