"""The ring keeps what is young and little enough."""

from __future__ import annotations

from chat.frame import Frame
from chat.ring import Ring, Slot
from tests.chat.entries import EPOCH


def slot(last: int, size: int = 10, at_ms: int = 0) -> Slot:
    frame = Frame(b"x" * size)
    return Slot(EPOCH, last, at_ms, frame, frame)


def test_slots_are_found_by_their_ordinal() -> None:
    ring = Ring(100, 1_000)
    assert ring.get(0) is None
    ring.put(slot(1))
    ring.put(slot(2))
    assert ring.end == 2
    found = ring.get(1)
    assert found is not None
    assert found.last == 2
    assert ring.get(2) is None


def test_too_many_bytes_push_the_oldest_out() -> None:
    ring = Ring(25, 1_000)
    for last in (1, 2, 3):
        ring.put(slot(last))
    assert (ring.start, ring.end) == (1, 3)
    assert ring.get(0) is None


def test_one_slot_larger_than_the_ring_is_kept_alone() -> None:
    ring = Ring(25, 1_000)
    ring.put(slot(1))
    ring.put(slot(2, size=100))
    assert (ring.start, ring.end) == (1, 2)


def test_what_is_old_goes_even_the_last() -> None:
    ring = Ring(25, 1_000)
    ring.put(slot(1, at_ms=0))
    ring.expire(1_000)
    assert ring.get(0) is not None
    ring.expire(1_001)
    assert (ring.start, ring.end) == (1, 1)


def test_a_cleared_ring_goes_on_with_the_next_ordinal() -> None:
    ring = Ring(25, 1_000)
    ring.put(slot(1, size=20))
    ring.put(slot(2, size=5))
    ring.clear()
    assert (ring.start, ring.end, ring.get(0), ring.get(1)) == (2, 2, None, None)
    ring.put(slot(3, size=20))
    ring.put(slot(4, size=5))
    assert ring.get(2) is not None, "the bytes of the old ones do not count any more"
