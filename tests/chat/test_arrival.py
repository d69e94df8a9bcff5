"""`recovered` is said only where it is provably true, and what does not count is taken back."""

from __future__ import annotations

import pytest

from chat.arrival import Anew, Resumed, counted, plan
from chat.entry import Epoch, EpochEnd, Position
from chat.protocol import Gap, Retract
from tests.chat.entries import head


def at(seq: int, epoch: str = "e1") -> Position:
    return Position(Epoch(epoch), seq)


def test_a_newcomer_begins_anew() -> None:
    assert plan(None, head(10), 5_000) == Anew(None, 0)


@pytest.mark.parametrize("seq", [0, 7, 10])
def test_who_is_in_reach_goes_on(seq: int) -> None:
    assert plan(at(seq), head(10), 5_000) == Resumed(seq, None)


def test_the_reach_ends_at_the_most_that_is_caught_up_with() -> None:
    assert plan(at(5), head(10), 5) == Resumed(5, None)
    assert plan(at(4), head(10), 5) == Anew(None, 4)


def test_the_reach_ends_where_the_log_begins() -> None:
    assert plan(at(6), head(10, oldest=7), 5_000) == Resumed(6, None)
    assert plan(at(5), head(10, oldest=7), 5_000) == Anew(None, 5)


def test_a_number_of_the_future_is_no_position() -> None:
    assert plan(at(11), head(10), 5_000) == Anew(Retract("e1", 1, "e1"), 0)


def test_an_unknown_epoch_takes_everything_back() -> None:
    assert plan(at(3, "other"), head(10), 5_000) == Anew(Retract("other", 1, "e1"), 0)


def test_an_earlier_epoch_goes_on_up_to_its_end() -> None:
    now = head(20, epoch="e2", chain=(("e1", 12),))
    assert plan(at(12), now, 5_000) == Resumed(12, None)
    assert plan(at(9), now, 5_000) == Resumed(9, None)


def test_what_lies_beyond_an_epochs_end_is_taken_back() -> None:
    now = head(20, epoch="e2", chain=(("e1", 12),))
    assert plan(at(15), now, 5_000) == Resumed(12, Retract("e1", 13, "e2"))


def test_an_epoch_that_ended_before_an_earlier_ones_end_counts_for_both() -> None:
    chain = (EpochEnd(Epoch("e1"), 12), EpochEnd(Epoch("e2"), 10), EpochEnd(Epoch("e3"), 30))
    assert [counted(chain, Epoch(name)) for name in ("e1", "e2", "e3", "e4")] == [10, 10, 30, None]
    assert counted(chain[:1], Epoch("e1")) == 12


def test_the_gap_lies_between_what_is_known_and_what_comes() -> None:
    assert Anew(None, 4).gap_before(8) == Gap(5, 7)
    assert Anew(None, 4).gap_before(5) is None
    assert Anew(None, 0).gap_before(8) is None
