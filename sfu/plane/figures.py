"""The media plane's figures over all the lives that it has had: a counter never falls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from sfu.engine import EngineTotals
from sfu.plane.wire import Counted
from sluice.histogram import Histogram


class Ledger:
    """Adds what earlier processes counted to what the present one says."""

    def __init__(self) -> None:
        self._before: Counter[str] = Counter()
        self._before_histograms: dict[str, Histogram] = {}
        self._present = Counted(EngineTotals({}, 0, 0), {})

    def note(self, counted: Counted) -> None:
        """The present process said so."""
        self._present = counted

    def lose(self) -> None:
        """The present process is gone; what it said last remains."""
        self._before.update(self._present.totals.counters)
        self._before_histograms = self.histograms()
        self._present = Counted(EngineTotals({}, 0, 0), {})

    def totals(self) -> EngineTotals:
        present = self._present.totals
        counters = dict(self._before)
        for name, value in present.counters.items():
            counters[name] = counters.get(name, 0) + value
        return EngineTotals(counters, present.peers, present.queue_depth)

    def histograms(self) -> dict[str, Histogram]:
        return _added(self._before_histograms, self._present.histograms)


def _added(one: Mapping[str, Histogram], other: Mapping[str, Histogram]) -> dict[str, Histogram]:
    added = {**one, **other}
    for name in one.keys() & other.keys():
        a, b = one[name], other[name]
        if a.bounds == b.bounds:  # always, unless a newer version was installed meanwhile
            counts = tuple(x + y for x, y in zip(a.counts, b.counts, strict=True))
            added[name] = Histogram(a.bounds, counts, a.sum + b.sum)
    return added
