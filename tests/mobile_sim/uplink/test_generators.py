"""Traces out of dice: the same seed gives the same, and each has its shape."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from mobile_sim.uplink import generators
from mobile_sim.uplink.trace import Trace, TraceError

MEAN = 6_000_000
LENGTH_S = 300

MAKERS: dict[str, Callable[[int], Trace]] = {
    "lte": lambda seed: generators.lte(seed, LENGTH_S, MEAN),
    "wifi": lambda seed: generators.wifi(seed, LENGTH_S, MEAN),
    "tunnel": lambda seed: generators.tunnel(seed, LENGTH_S, MEAN, 100, 20),
    "handover": lambda seed: generators.handover(seed, LENGTH_S, MEAN),
}


def rates(trace: Trace, window_s: float = 1.0) -> list[float]:
    count = int(trace.duration_s / window_s)
    return [trace.rate_bps(i * window_s, window_s) for i in range(count)]


@pytest.mark.parametrize("kind", MAKERS)
def test_a_seed_says_everything(kind: str) -> None:
    make = MAKERS[kind]
    assert make(1).text() == make(1).text()
    assert make(1).text() != make(2).text()


@pytest.mark.parametrize("kind", MAKERS)
def test_length_and_mean_are_as_asked(kind: str) -> None:
    for seed in range(3):
        trace = MAKERS[kind](seed)
        assert trace.duration_s == LENGTH_S
        assert trace.mean_bps == pytest.approx(MEAN, rel=0.3)


def test_mobile_radio_wanders() -> None:
    found = rates(generators.lte(3, LENGTH_S, MEAN))
    assert min(found) < 0.6 * MEAN
    assert max(found) > 1.5 * MEAN
    steps = [abs(a - b) for a, b in pairwise(found)]
    far = [abs(a - b) for a, b in zip(found, found[20:], strict=False)]
    assert sum(steps) / len(steps) < sum(far) / len(far), "neighbours are alike"


def test_a_wider_spread_is_wider() -> None:
    calm, wild = (rates(generators.lte(3, LENGTH_S, MEAN, spread)) for spread in (0.1, 0.8))
    assert max(calm) - min(calm) < max(wild) - min(wild)


def test_wifi_is_steady_but_stops_for_moments() -> None:
    trace = generators.wifi(3, LENGTH_S, MEAN)
    tenths = rates(trace, 0.1)
    stops = sum(rate == 0 for rate in tenths)
    assert 20 < stops < 200
    assert sorted(rates(trace))[len(rates(trace)) // 2] == pytest.approx(MEAN, rel=0.2)
    longest = max(len(run) for run in "".join("0" if r == 0 else " " for r in tenths).split(" "))
    assert longest <= 3


def test_a_tunnel_is_dark_and_ends() -> None:
    trace = generators.tunnel(3, LENGTH_S, MEAN, enter_s=100, dark_s=20)
    assert trace.rate_bps(100, 20) == 0
    assert trace.rate_bps(99, 1) < trace.rate_bps(90, 5)
    assert trace.rate_bps(123, 10) > 0.2 * MEAN


def test_a_tunnel_at_the_end_keeps_the_length() -> None:
    trace = generators.tunnel(3, 60, MEAN, enter_s=40, dark_s=20)
    assert trace.duration_s == 60
    assert trace.rate_bps(45, 10) == 0


def test_handovers_leave_gaps_and_other_rates() -> None:
    trace = generators.handover(3, LENGTH_S, MEAN, every_s=20, gap_s=0.5)
    gaps = sum(trace.rate_bps(i / 10, 0.1) == 0 for i in range(LENGTH_S * 10))
    assert 8 * 5 <= gaps <= 30 * 6


@pytest.mark.parametrize(
    ("length_s", "mean"), [(0.5, MEAN), (7201, MEAN), (60, 0), (60, -1), (3600, 50e6)]
)
def test_what_no_trace_can_be_is_refused(length_s: float, mean: float) -> None:
    with pytest.raises(TraceError):
        generators.lte(1, length_s, mean)


def test_a_cell_lasts_longer_than_its_gap() -> None:
    with pytest.raises(TraceError, match="gap"):
        generators.handover(1, 60, MEAN, every_s=1, gap_s=1)
