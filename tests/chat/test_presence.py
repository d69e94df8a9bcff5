"""People are counted exactly in small rooms, and honestly rounded in large ones."""

from __future__ import annotations

import pytest

from chat.presence import QUIET_MS, PresenceBoard, shown
from chat.protocol import Presence


@pytest.mark.parametrize(
    ("count", "people", "exact"),
    [(0, 0, True), (1_000, 1_000, True), (1_001, 1_000, False), (1_050, 1_100, False),
     (12_345, 12_000, False), (999_999, 1_000_000, False)],
)  # fmt: skip
def test_what_is_shown(count: int, people: int, exact: bool) -> None:
    assert shown(count, 1_000) == Presence(people, exact)


def test_a_figure_is_told_when_it_changed_and_not_too_often() -> None:
    board = PresenceBoard(1_000)
    assert board.news(1, 0) == Presence(1, True)
    assert board.news(1, QUIET_MS) is None
    assert board.news(2, QUIET_MS) == Presence(2, True)
    assert board.news(3, QUIET_MS + 1) is None
    assert board.news(3, 2 * QUIET_MS) == Presence(3, True)


def test_a_large_room_is_told_only_of_changes_that_show() -> None:
    board = PresenceBoard(1_000)
    board.news(12_000, 0)
    assert board.news(12_400, QUIET_MS) is None
