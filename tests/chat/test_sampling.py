"""The sample is even, within its rate, and never of what matters most."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chat.entry import Entry
from chat.sampling import Sampler
from tests.chat.entries import entry


def messages(count: int, first: int = 1, roles: str = "") -> list[Entry]:
    body = b'{"user":{"id":"u","roles":[%s]}}' % roles.encode()
    return [entry(first + at, body) for at in range(count)]


def test_without_a_rate_nothing_is_left_out() -> None:
    assert Sampler(0).left_out(messages(10_000), 0) == frozenset()


def test_below_the_rate_nothing_is_left_out() -> None:
    assert Sampler(100).left_out(messages(100), 0) == frozenset()


def test_above_it_the_rest_is_left_out_evenly() -> None:
    out = Sampler(10).left_out(messages(100), 0)
    kept = sorted({*range(1, 101)} - out)
    assert kept == list(range(1, 101, 10))


def test_the_allowance_comes_back_with_time_and_is_never_more_than_a_second_of_it() -> None:
    sampler = Sampler(10)
    sampler.left_out(messages(10), 0)
    assert len(sampler.left_out(messages(10), 500)) == 5
    assert len(sampler.left_out(messages(100), 1_000_000)) == 90


def test_staff_alerts_and_acts_are_never_left_out() -> None:
    said = messages(5, roles='"moderator"')
    others = [entry(10, kind="alert"), entry(11, kind="delete"), *messages(50, first=20)]
    out = Sampler(1).left_out([*said, *others], 0)
    assert out.isdisjoint({*range(1, 6), 10, 11})
    assert len(out) == 49


@given(st.integers(1, 50), st.lists(st.integers(0, 80), max_size=20))
def test_never_more_than_the_rate_in_any_second(rate: int, ticks: list[int]) -> None:
    sampler, kept = Sampler(rate), 0
    for at, count in enumerate(ticks):
        entries = messages(count)
        kept += count - len(sampler.left_out(entries, at * 100))
    assert kept <= rate + rate * len(ticks) / 10
