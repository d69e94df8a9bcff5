"""A quiet room sends at once, a busy one in ticks."""

from __future__ import annotations

import pytest

from chat.pace import BUSY, BUSY_MS, CROWDED, CROWDED_MS, Pace


@pytest.mark.parametrize(
    ("messages", "tick_ms"),
    [(0, 0), (BUSY, 0), (BUSY + 1, BUSY_MS), (CROWDED, BUSY_MS), (CROWDED + 1, CROWDED_MS)],
)
def test_the_tick_grows_with_the_rate(messages: int, tick_ms: int) -> None:
    pace = Pace()
    pace.count(messages, 10_000)
    assert pace.tick_ms(10_000) == tick_ms


def test_only_the_last_second_counts() -> None:
    pace = Pace()
    pace.count(600, 10_000)
    pace.count(30, 10_500)
    assert pace.rate(10_900) == 630
    assert pace.rate(11_100) == 30
    assert pace.rate(20_000) == 0


def test_what_comes_within_a_tick_waits_for_its_end() -> None:
    pace = Pace()
    pace.count(100, 10_000)
    assert pace.wait_ms(10_000) == 0
    pace.sent(10_000)
    assert pace.wait_ms(10_010) == 40
    assert pace.wait_ms(10_010, share=0.5) == 15
    assert pace.wait_ms(10_060) == 0


def test_a_quiet_room_never_waits() -> None:
    pace = Pace()
    pace.sent(10_000)
    pace.count(1, 10_001)
    assert pace.wait_ms(10_001) == 0
