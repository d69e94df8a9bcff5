"""Reactions cost by seconds and emotes, not by their number."""

from __future__ import annotations

from chat.log import Hearts
from chat.protocol import HeartSum
from chat.reactions import SUMS, Reactions

NOW_MS = 1_000_000


def test_a_million_hearts_are_one_sum() -> None:
    reactions = Reactions(10_000)
    for _ in range(1_000):
        reactions.add("heart", 1_000, NOW_MS - 250, NOW_MS)
    assert reactions.sums() == [HeartSum(999_000, "heart", 1_000_000)]
    assert not reactions.waiting


def test_sums_are_by_the_second_that_was_on_the_senders_screen() -> None:
    reactions = Reactions(10_000)
    reactions.add("heart", 1, NOW_MS - 8_000, NOW_MS)
    reactions.add("heart", 2, None, NOW_MS)
    assert reactions.sums() == [HeartSum(1_000_000, "heart", 2), HeartSum(992_000, "heart", 1)]


def test_a_moment_that_cannot_be_on_a_screen_is_clamped() -> None:
    reactions = Reactions(10_000)
    reactions.add("heart", 1, NOW_MS + 60_000, NOW_MS)
    reactions.add("fire", 1, 0, NOW_MS)
    assert reactions.sums() == [HeartSum(1_000_000, "heart", 1), HeartSum(990_000, "fire", 1)]


def test_a_frame_has_a_bound_and_the_rest_comes_with_the_next() -> None:
    reactions = Reactions(1_000_000)
    for second in range(SUMS + 10):
        reactions.add("heart", 1, second * 1_000, NOW_MS)
    assert len(reactions.sums()) == SUMS
    assert reactions.waiting
    assert len(reactions.sums()) == 10


def test_totals_are_told_to_the_log_once_and_again_where_it_did_not_take_them() -> None:
    reactions = Reactions(10_000)
    reactions.add("heart", 3, NOW_MS, NOW_MS)
    totals = reactions.totals()
    assert totals == [Hearts(1_000, "heart", 3)]
    assert reactions.totals() == []
    reactions.restore(totals)
    reactions.add("heart", 1, NOW_MS, NOW_MS)
    assert reactions.totals() == [Hearts(1_000, "heart", 4)]
