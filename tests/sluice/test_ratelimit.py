"""Token buckets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.ratelimit import TokenBuckets, address_key


def test_a_burst_passes_and_then_the_rate() -> None:
    buckets = TokenBuckets(rate=2.0, burst=3, size=10)
    assert [buckets.take("a", 0) for _ in range(4)] == [None, None, None, 1]
    assert buckets.take("a", 500) is None
    assert buckets.take("a", 500) == 1


def test_the_wait_is_told_in_whole_seconds() -> None:
    buckets = TokenBuckets(rate=0.1, burst=1, size=10)
    buckets.take("a", 0)
    assert buckets.take("a", 0) == 10
    assert buckets.wait_s("a", 9_000) == 1
    assert buckets.wait_s("a", 10_000) is None


def test_keys_do_not_share() -> None:
    buckets = TokenBuckets(rate=1, burst=1, size=10)
    assert buckets.take("a", 0) is None
    assert buckets.take("b", 0) is None
    assert buckets.take("a", 0) is not None


def test_a_flood_of_keys_does_not_grow_the_table() -> None:
    buckets = TokenBuckets(rate=1, burst=1, size=5)
    for number in range(1000):
        buckets.take(str(number), 0)
    assert len(buckets) == 5


def test_a_clock_that_falls_back_gives_nothing_and_takes_nothing() -> None:
    buckets = TokenBuckets(rate=1, burst=1, size=5)
    buckets.take("a", 5000)
    assert buckets.take("a", 0) == 1


@given(st.lists(st.integers(0, 300), max_size=60))
def test_never_more_than_burst_plus_rate_times_time(steps: list[int]) -> None:
    buckets = TokenBuckets(rate=4, burst=5, size=2)
    now = taken = 0
    for step in steps:
        now += step
        taken += buckets.take("a", now) is None
        assert taken <= 5 + 4 * now / 1000 + 1e-6


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unknown", "unknown"),
    ],
)
def test_what_an_address_is_counted_by(address: str, key: str) -> None:
    assert address_key(address) == key
