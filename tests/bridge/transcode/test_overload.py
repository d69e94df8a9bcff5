"""Rungs are shed when the machine cannot keep up, and come back when it can."""

from __future__ import annotations

from bridge.transcode.overload import EASE_MS, Overload, Step


def observed(overload: Overload, since_ms: int, until_ms: int, waited_ms: int) -> list[int | Step]:
    """What it said, each with its time before it; a unit every 20 ms."""
    said: list[int | Step] = []
    for now in range(since_ms, until_ms, 20):
        step = overload.observe(now, waited_ms)
        if step is not None:
            said += [now, step]
    return said


def test_two_seconds_behind_shed_one_rung_and_two_more_another() -> None:
    assert observed(Overload(), 0, 4_100, 600) == [2_000, Step.SHED, 4_000, Step.SHED]


def test_a_moment_without_lag_starts_the_count_again() -> None:
    overload = Overload()
    assert observed(overload, 0, 1_900, 900) == []
    assert observed(overload, 1_900, 1_940, 0) == []
    assert observed(overload, 1_940, 3_900, 900) == []


def test_half_a_minute_of_ease_restores_one_rung() -> None:
    assert observed(Overload(), 1, 40_000, 10) == [EASE_MS + 1, Step.RESTORE]


def test_a_little_lag_is_neither() -> None:
    assert observed(Overload(), 0, 200_000, 300) == []


def test_a_rung_that_was_too_much_waits_twice_as_long_the_next_time() -> None:
    overload = Overload()
    assert observed(overload, 0, 2_020, 700)[-1] is Step.SHED
    assert observed(overload, 2_020, 32_040, 0) == [32_020, Step.RESTORE]
    assert observed(overload, 32_040, 34_060, 700)[-1] is Step.SHED
    assert observed(overload, 34_060, 94_060, 0) == []
    assert observed(overload, 94_060, 94_080, 0) == [94_060, Step.RESTORE]
