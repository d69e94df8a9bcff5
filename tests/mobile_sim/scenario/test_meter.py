"""Figures of a second are of that second, and the estimate hears of everything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mobile_sim.phone import ConnectionStats
from mobile_sim.scenario.meter import Meter, Sent
from mobile_sim.uplink.shaper import Count

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def stats(loss: float = 0.0, second: int = 0) -> ConnectionStats:
    return ConnectionStats(10, 1000, 0, 40.0, loss, NOON + timedelta(seconds=second))


def send(count: Count, packets: int, dropped: int = 0, size: int = 1000) -> None:
    count.offered += packets
    count.bytes += packets * size
    count.dropped += dropped
    count.lost_bytes += dropped * size


def test_what_the_link_took_and_lost_is_counted_since_the_last_time() -> None:
    count = Count()
    meter = Meter(count, 100.0, 1e6)
    send(count, packets=100, dropped=20)
    assert meter.sent(101.0) == Sent(bitrate=640_000, loss=0.2)
    send(count, packets=50)
    assert meter.sent(103.0) == Sent(bitrate=200_000, loss=0.0)
    assert meter.sent(104.0) == Sent(bitrate=0.0, loss=0.0)


def test_a_report_of_loss_counts_once() -> None:
    count = Count()
    meter = Meter(count, 100.0, 2e6)
    send(count, packets=125)
    for step in range(1, 11):
        meter.listen(100 + step / 10, stats(loss=0.4), None)
    once = meter.estimate_bps
    assert once == pytest.approx(1.6e6)
    send(count, packets=125)
    meter.listen(102.0, stats(loss=0.4, second=1), None)
    assert meter.estimate_bps < once


def test_a_far_end_that_estimates_less_is_believed() -> None:
    meter = Meter(Count(), 100.0, 2e6)
    meter.listen(101.0, stats(), 700_000)
    assert meter.estimate_bps == 700_000
    meter.listen(102.0, stats(), 9_000_000)
    assert meter.estimate_bps == 2e6


def test_a_missing_answer_lowers_the_estimate() -> None:
    meter = Meter(Count(), 100.0, 2e6)
    meter.round_trip(101.0, None)
    assert meter.estimate_bps < 2e6


def test_a_new_path_begins_with_half_of_what_the_last_one_carried_when_it_was_heard() -> None:
    count = Count()
    meter = Meter(count, 100.0, 1.6e6)
    send(count, packets=200)
    meter.listen(101.0, stats(), 500_000)
    meter.round_trip(101.0, 0.05)
    for second in range(102, 110):
        meter.round_trip(second, None)  # the old path dies
    meter.new_path(110.0)
    assert meter.estimate_bps == pytest.approx(0.8e6)
