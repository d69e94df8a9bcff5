"""The estimate finds the link's rate, gives in to queues and loss, and comes back."""

from __future__ import annotations

import random
from collections import deque

import pytest

from mobile_sim.uplink.congestion import LOWEST_BPS, Estimator
from mobile_sim.uplink.link import Link, LinkSettings
from mobile_sim.uplink.trace import Trace

TICK_S = 0.1
SIZE = 1200


class Sender:
    """Sends as much as the estimate says, at most `most`, over a link."""

    def __init__(self, trace: Trace, settings: LinkSettings | None = None) -> None:
        self.link = Link(trace, settings or LinkSettings(), random.Random(1))
        self.estimator = Estimator()
        self.now_s = 0.0
        self.delays_s: list[float] = []
        self._credit = 0.0
        self._reports: deque[tuple[float, float, float | None]] = deque()

    def run(self, seconds: float, most: float = 50e6) -> list[float]:
        estimates = []
        for _ in range(round(seconds / TICK_S)):
            while self._reports and self._reports[0][0] <= self.now_s:
                _, sent_s, arrived_s = self._reports.popleft()
                if arrived_s is None:
                    self.estimator.lost(sent_s)
                else:
                    self.estimator.arrived(sent_s, arrived_s, SIZE)
            estimate = self.estimator.update(self.now_s)
            estimates.append(estimate or 0.0)
            self._send(min(most, estimate or 500_000))
            self.now_s += TICK_S
        return estimates

    def _send(self, bps: float) -> None:
        self._credit += bps * TICK_S / 8
        count = int(self._credit / SIZE)
        self._credit -= count * SIZE
        for i in range(count):
            sent_s = self.now_s + i * TICK_S / count
            arrives = self.link.offer(sent_s, SIZE)
            if arrives is None:
                self._reports.append((sent_s + 0.06, sent_s, None))
            else:
                self.delays_s.append(arrives - sent_s)
                self._reports.append((arrives + 0.02, sent_s, arrives))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_nothing_is_known_at_first() -> None:
    assert Estimator().update(0.1) is None


@pytest.mark.parametrize("bps", [500_000, 2_000_000, 8_000_000])
def test_it_finds_the_rate_without_a_long_queue(bps: float) -> None:
    sender = Sender(Trace.constant(bps))
    sender.run(30)
    sender.delays_s.clear()
    assert 0.6 * bps < mean(sender.run(30)) < 1.1 * bps
    assert mean(sender.delays_s) < 0.2


def test_it_follows_a_link_that_gets_worse_within_seconds() -> None:
    halves = [*range(2, 20_000, 2), *range(20_000, 60_000, 20)]
    sender = Sender(Trace(halves))
    assert sender.run(19)[-1] > 3_000_000
    sender.run(5)
    assert max(sender.run(5)) < 900_000


def test_it_does_not_grow_far_beyond_what_is_sent() -> None:
    sender = Sender(Trace.constant(20_000_000))
    estimates = sender.run(30, most=1_000_000)
    assert 1_400_000 < estimates[-1] < 2_100_000


def test_heavy_loss_takes_it_down_and_light_loss_does_not() -> None:
    def after(loss: float) -> float:
        sender = Sender(Trace.constant(5_000_000), LinkSettings(loss=loss, queue_bytes=2_000_000))
        return mean(sender.run(40)[-100:])

    assert after(0.3) < 0.3 * after(0.005)


def test_silence_halves_it_again_and_again_and_it_comes_back() -> None:
    sender = Sender(Trace.constant(4_000_000))
    sender.run(20)
    sender.link.cut()
    assert sender.run(8)[-1] == LOWEST_BPS
    sender.link.mend()
    assert max(sender.run(12)) > 2_000_000


def test_silence_means_nothing_when_nothing_is_sent() -> None:
    sender = Sender(Trace.constant(4_000_000))
    sender.run(20)
    before = sender.estimator.bps
    for turn in range(50):
        sender.estimator.update(20 + turn * TICK_S, sending=False)
    assert sender.estimator.bps == before
