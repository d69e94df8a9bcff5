"""The last entries in memory, and an honest "I do not know" for those before."""

from __future__ import annotations

from chat.recent import Recent
from tests.chat.entries import entry


def filled(first: int, last: int, most: int = 100) -> Recent:
    recent = Recent(most)
    recent.begin([entry(seq) for seq in range(first, last + 1)], whole=first == 1)
    return recent


def numbers(found: object) -> list[int] | None:
    return None if found is None else [one.seq for one in found]  # type: ignore[attr-defined]


def test_entries_after_a_number() -> None:
    recent = filled(5, 9)
    assert numbers(recent.after(4, 3)) == [5, 6, 7]
    assert numbers(recent.after(9, 3)) == []
    assert recent.after(3, 3) is None
    assert Recent(5).after(0, 1) is None


def test_a_room_that_is_all_in_memory_is_asked_of_nobody_else() -> None:
    empty = filled(1, 0)
    assert (empty.after(0, 9), empty.before(9_000, 9)) == ([], [])
    assert numbers(filled(1, 2).before(9_000, 9)) == [1, 2]
    trimmed = Recent(9)
    trimmed.begin([entry(5), entry(6)], whole=True)
    assert numbers(trimmed.after(0, 9)) == [5, 6]


def test_entries_before_a_moment() -> None:
    assert numbers(filled(1, 9).before(3_000, 50)) == [1, 2, 3]
    assert numbers(filled(5, 9).before(8_000, 2)) == [7, 8]
    assert filled(5, 9).before(8_000, 10) is None


def test_it_has_a_bound() -> None:
    recent = filled(1, 9, most=3)
    assert recent.after(0, 9) is None
    assert numbers(recent.after(6, 9)) == [7, 8, 9]


def test_what_is_there_is_not_added_twice_and_a_hole_begins_anew() -> None:
    recent = filled(1, 5)
    recent.add([entry(4), entry(5), entry(6)])
    assert numbers(recent.after(0, 9)) == [1, 2, 3, 4, 5, 6]
    recent.add([entry(9)])
    assert numbers(recent.after(8, 9)) == [9]
    assert recent.after(5, 9) is None


def test_what_is_forgotten_is_asked_of_the_log() -> None:
    recent = filled(1, 9)
    recent.forget(6)
    assert recent.after(5, 3) is None
    assert numbers(recent.after(6, 9)) == [7, 8, 9]
    assert recent.before(9_000, 4) is None
    recent.forget(9)
    assert (recent.after(0, 9), recent.before(9_000, 9)) == (None, None)
    recent.add([entry(10)])
    assert numbers(recent.after(9, 9)) == [10]
