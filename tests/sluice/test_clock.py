"""The two clocks."""

from __future__ import annotations

from sluice.clock import SteadyClock, SystemClock, VirtualClock


def test_the_virtual_clock_moves_only_by_hand() -> None:
    clock = VirtualClock(now_ms=5, wall_ms=1000)
    clock.advance(10)
    assert (clock.now_ms(), clock.wall_ms()) == (15, 1010)


def test_a_jump_of_the_wall_leaves_monotonic_time_alone() -> None:
    clock = VirtualClock(now_ms=5, wall_ms=1000)
    clock.jump_wall(-900)
    assert (clock.now_ms(), clock.wall_ms()) == (5, 100)


def test_the_system_clock_counts_milliseconds_and_never_falls_back() -> None:
    clock = SystemClock()
    readings = [clock.now_ms() for _ in range(100)]
    assert readings == sorted(readings)
    assert clock.wall_ms() > 1_700_000_000_000


def test_server_time_does_not_notice_when_the_clock_is_set() -> None:
    clock = VirtualClock(now_ms=5, wall_ms=1_000)
    steady = SteadyClock(clock)
    clock.jump_wall(3_600_000)
    clock.advance(20)
    assert (steady.now_ms(), steady.wall_ms()) == (25, 1_020)
