"""The heat line: smooth, bounded, and without what happened in gaps."""

from __future__ import annotations

import math

from recorder.heat import MOST_POINTS, by_second, line
from tests.recorder.timelines import ORIGIN_S, replay


def test_counts_follow_the_vod_over_a_gap() -> None:
    broken = replay((0, 10), (20, 10))
    counts = [(ORIGIN_S + second, 1.0 + second) for second in (2, 12, 25, 40, -3)]
    seconds = by_second(counts, broken)
    assert [(at, value) for at, value in enumerate(seconds) if value] == [(2, 3.0), (15, 26.0)]


def test_the_busiest_moment_is_1_and_where_it_was() -> None:
    hour = replay((0, 3_600))
    heat = line([(ORIGIN_S + 1_800, 30), (ORIGIN_S + 900, 10)], hour)
    assert len(heat.points) == MOST_POINTS
    assert heat.step_ms == 18_000
    assert max(heat.points) == 1.0
    assert heat.points.index(1.0) in (99, 100)
    assert 0.2 < max(heat.points[45:55]) < 0.5
    assert all(0 <= point <= 1 for point in heat.points)


def test_it_is_smooth() -> None:
    heat = line([(ORIGIN_S + 50, 1)], replay((0, 100)))
    steps = [abs(a - b) for a, b in zip(heat.points, heat.points[1:], strict=False)]
    assert len(heat.points) == 100
    assert max(steps) < 0.3


def test_a_steady_crowd_is_a_level_line() -> None:
    heat = line([(ORIGIN_S + second, 5) for second in range(1_000)], replay((0, 1_000)))
    assert set(heat.points) == {1.0}


def test_a_short_vod_has_a_point_a_second() -> None:
    heat = line([(ORIGIN_S, 1)], replay((0, 2.5)))
    assert len(heat.points) == 3
    assert math.isclose(heat.step_ms * 3, 2_500)


def test_nothing_happened() -> None:
    assert line([], replay((0, 100))).points == []
    assert line([(ORIGIN_S - 5, 9), (ORIGIN_S + 3, -4)], replay((0, 100))).points == []
    assert line([(ORIGIN_S, 9)], replay()).points == []
