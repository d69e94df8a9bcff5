"""Counters that never fall, over several media planes."""

from __future__ import annotations

from sfu.engine import EngineTotals
from sfu.plane.figures import Ledger
from sfu.plane.wire import Counted
from sluice.histogram import Histogram


def counted(offers: int, *counts: int, peers: int = 3) -> Counted:
    joins = Histogram((0.1, 1.0), counts, float(sum(counts))) if counts else None
    return Counted(
        EngineTotals({"offers": offers}, peers=peers, queue_depth=1),
        {} if joins is None else {"join_seconds": joins},
    )


def test_what_the_dead_counted_is_kept_and_their_peers_are_not() -> None:
    ledger = Ledger()
    ledger.note(counted(5, 1, 2, 0))
    ledger.note(counted(7, 1, 3, 0))
    assert ledger.totals() == EngineTotals({"offers": 7}, 3, 1)
    ledger.lose()
    assert ledger.totals() == EngineTotals({"offers": 7}, 0, 0)
    ledger.note(counted(2, 0, 1, 1, peers=1))
    ledger.lose()
    ledger.note(counted(1, peers=2))
    assert ledger.totals() == EngineTotals({"offers": 10}, 2, 1)
    assert ledger.histograms() == {"join_seconds": Histogram((0.1, 1.0), (1, 4, 1), 6.0)}


def test_another_versions_buckets_are_not_mixed_with_ours() -> None:
    ledger = Ledger()
    ledger.note(counted(1, 1, 1, 1))
    ledger.lose()
    other = Histogram((0.5,), (1, 0), 0.1)
    ledger.note(Counted(EngineTotals({}, 0, 0), {"join_seconds": other}))
    assert ledger.histograms() == {"join_seconds": other}
