"""Attempts spread out and respect the server's wish."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from mobile_sim.backoff import BASE_S, CAP_S, RETRY_AFTER_CAP_S, delay_s


@given(st.integers(0, 10_000), st.integers())
def test_a_delay_lies_between_nothing_and_the_exponential_step(attempt: int, seed: int) -> None:
    delay = delay_s(attempt, random.Random(seed))
    assert 0 <= delay <= min(CAP_S, BASE_S * 2 ** min(attempt, 40))


@given(st.floats(0, 1e9), st.integers(0, 50), st.integers())
def test_retry_after_is_a_lower_bound_up_to_two_minutes(
    retry_after: float, attempt: int, seed: int
) -> None:
    delay = delay_s(attempt, random.Random(seed), retry_after)
    assert min(retry_after, RETRY_AFTER_CAP_S) <= delay <= RETRY_AFTER_CAP_S + CAP_S


def test_the_same_seed_gives_the_same_delays() -> None:
    one, other = random.Random(7), random.Random(7)
    assert [delay_s(n, one) for n in range(9)] == [delay_s(n, other) for n in range(9)]


def test_a_crowd_does_not_come_back_at_once() -> None:
    delays = [delay_s(3, random.Random(seed)) for seed in range(1000)]
    quarters = [sum(n <= delay < n + 1 for delay in delays) for n in range(4)]
    assert min(quarters) > 200


def test_a_negative_retry_after_is_none() -> None:
    assert delay_s(0, random.Random(1), -5.0) == delay_s(0, random.Random(1))
