"""Frames come on time; late ones are left out, not bunched."""

from __future__ import annotations

import pytest

from mobile_sim.pace import Pace


def test_a_punctual_source_gets_every_frame_at_its_time() -> None:
    pace = Pace(10.0, 0.1)
    now = 10.0
    for index in range(50):
        slot = pace.next(now)
        assert slot.index == index
        now += slot.wait_s
        assert now == pytest.approx(10.0 + index * 0.1)
    assert pace.skipped == 0


def test_small_delays_do_not_add_up() -> None:
    pace = Pace(0.0, 0.1)
    now = 0.0
    for _ in range(100):
        now += pace.next(now).wait_s + 0.02
    assert now == pytest.approx(99 * 0.1 + 0.02)


def test_a_source_late_by_less_than_an_interval_catches_up() -> None:
    pace = Pace(0.0, 0.1)
    pace.next(0.0)
    assert pace.next(0.19).index == 1
    assert pace.skipped == 0


def test_a_source_late_by_several_intervals_skips_to_the_present() -> None:
    pace = Pace(0.0, 0.1)
    pace.next(0.0)
    slot = pace.next(0.56)
    assert (slot.index, slot.wait_s) == (5, 0.0)
    assert pace.skipped == 4
    assert pace.next(0.57).wait_s == pytest.approx(0.03)


def test_a_pause_is_not_counted_as_skipped() -> None:
    pace = Pace(0.0, 0.1)
    pace.next(0.0)
    pace.resume(5.05)
    slot = pace.next(5.05)
    assert slot.index == 51
    assert slot.wait_s == pytest.approx(0.05)
    assert pace.skipped == 0


def test_resuming_never_uses_a_number_twice() -> None:
    pace = Pace(0.0, 0.1)
    assert [pace.next(0.0).index, pace.next(0.0).index] == [0, 1]
    pace.resume(0.0)
    assert pace.next(0.0).index == 2


def test_the_next_moment_is_known_before_it_is_asked_for() -> None:
    pace = Pace(5.0, 0.1)
    pace.next(5.0)
    pace.next(5.0)
    assert pace.upcoming == 2
    assert pace.due_s(pace.upcoming) == pytest.approx(5.2)
