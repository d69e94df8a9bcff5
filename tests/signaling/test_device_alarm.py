"""An alarm neither starts at a blip nor flickers at a threshold."""

from __future__ import annotations

from signaling.device_alarm import Alarm


def run(alarm: Alarm, *readings: tuple[int, int, int]) -> list[int]:
    """Severities after readings of (seconds, up, stay)."""
    return [alarm.read(up, stay, at_s * 1_000) for at_s, up, stay in readings]


def test_it_rises_only_when_it_stays_bad() -> None:
    alarm = Alarm(raise_ms=3_000, calm_ms=10_000)
    assert run(alarm, (0, 1, 1), (2, 1, 1), (3, 1, 1)) == [0, 0, 1]
    alarm = Alarm(raise_ms=3_000, calm_ms=10_000)
    assert run(alarm, (0, 1, 1), (2, 0, 0), (3, 1, 1), (5, 1, 1), (6, 1, 1)) == [0, 0, 0, 0, 1]


def test_it_rises_at_once_where_that_is_wanted() -> None:
    assert run(Alarm(0, 10_000), (0, 2, 2)) == [2]


def test_it_rises_as_far_as_was_seen_all_the_time() -> None:
    alarm = Alarm(raise_ms=3_000, calm_ms=10_000)
    seen = run(alarm, (0, 2, 2), (1, 1, 1), (3, 2, 2), (4, 2, 2), (7, 2, 2))
    assert seen == [0, 0, 1, 1, 2]


def test_between_the_thresholds_nothing_changes() -> None:
    alarm = Alarm(raise_ms=0, calm_ms=10_000)
    assert run(alarm, (0, 0, 1), (5, 1, 1), (20, 0, 1), (60, 0, 1)) == [0, 1, 1, 1]


def test_it_falls_only_when_all_was_well_for_long_enough() -> None:
    alarm = Alarm(raise_ms=0, calm_ms=10_000)
    seen = run(
        alarm, (0, 2, 2), (1, 0, 0), (9, 0, 1), (10, 0, 1), (11, 0, 0), (12, 0, 0), (21, 0, 0)
    )
    assert seen == [2, 2, 2, 2, 1, 1, 1]
    assert run(alarm, (22, 0, 0)) == [0]


def test_a_blip_starts_the_calm_anew() -> None:
    alarm = Alarm(raise_ms=0, calm_ms=10_000)
    assert run(alarm, (0, 1, 1), (1, 0, 0), (9, 1, 1), (10, 0, 0), (19, 0, 0)) == [1, 1, 1, 1, 1]
    assert run(alarm, (20, 0, 0)) == [0]
