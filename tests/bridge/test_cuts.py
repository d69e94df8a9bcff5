"""Where segments begin, and what they are numbered."""

from __future__ import annotations

from bridge.cuts import MOMENTS, Cuts


def test_every_usual_timescale_divides_a_second_of_moments() -> None:
    for timescale in (90_000, 48_000, 44_100, 32_000, 16_000):
        assert MOMENTS % timescale == 0


def test_numbers_follow_each_other_and_old_ones_are_forgotten() -> None:
    cuts = Cuts(100)
    assert cuts.broken
    assert cuts.numbered(100) is None
    for moment in (0, 5, 9):
        cuts.make(moment)
    assert (cuts.started, cuts.broken, cuts.last.msn, cuts.before) == (True, False, 102, 5)
    cuts.forget(before=102)
    assert cuts.numbered(101) is None
    assert cuts.first_from(101) == cuts.first_from(102) == 102
    cuts.forget(before=200)
    assert cuts.last.moment == 9


def test_a_discontinuity_is_taken_by_the_first_cut_that_may() -> None:
    cuts = Cuts(0)
    cuts.make(0)
    cuts.discontinuity = True
    cuts.make(1, discontinuity=False)
    cuts.make(2)
    cuts.make(3)
    flags = [one.discontinuity for n in range(4) if (one := cuts.numbered(n)) is not None]
    assert flags == [False, False, True, False]
    assert cuts.last.discontinuities == 1


def test_a_cut_that_nobody_has_come_to_can_be_moved_and_undone() -> None:
    cuts = Cuts(0)
    cuts.make(0)
    cuts.make(5)
    cuts.discontinuity = True
    cuts.move(6)
    assert (cuts.last.moment, cuts.last.discontinuity, cuts.discontinuity) == (6, True, False)
    cuts.undo()
    cuts.make(7)
    assert (cuts.last.msn, cuts.last.discontinuities) == (1, 0)
