"""A listener gets each part of a rendition once, whenever it looks."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.rendition import Rendition
from signaling.part_cursor import PartCursor
from tests.bridge.windows import Windows

Place = tuple[int, int, int]
"""Segment, part, and where the part begins in ticks."""


def taken(cursor: PartCursor, rendition: Rendition) -> list[Place]:
    return [(segment.msn, part.index, time) for segment, part, time in cursor.take(rendition)]


def everything(rendition: Rendition) -> Sequence[Place]:
    found = []
    for segment in rendition.segments:
        time = segment.time
        for part in segment.parts:
            found.append((segment.msn, part.index, time))
            time += part.ticks
    return found


def test_each_part_is_given_once_with_its_time() -> None:
    windows, cursor = Windows(), PartCursor()
    source = windows["source"]
    assert taken(cursor, source) == []
    found: list[Place] = []
    for _ in range(9):
        windows.part()
        now = taken(cursor, source)
        assert len(now) == 1
        found += now
        assert taken(cursor, source) == []
    assert found == everything(source)
    assert [time for _, _, time in found[:5]] == [0, 45_000, 90_000, 135_000, 180_000]


def test_who_looks_seldom_gets_all_that_came_meanwhile() -> None:
    windows, cursor = Windows(), PartCursor()
    windows.parts(3)
    found = taken(cursor, windows["audio"])
    windows.parts(10)
    found += taken(cursor, windows["audio"])
    assert found == everything(windows["audio"])


def test_who_comes_too_late_goes_on_with_what_is_left() -> None:
    windows, cursor = Windows(), PartCursor()
    windows.parts(2)
    taken(cursor, windows["source"])
    windows.segments(5)
    windows.drop(3)
    assert taken(cursor, windows["source"]) == everything(windows["source"])


def test_a_segment_that_ends_early_changes_nothing_for_the_next() -> None:
    windows, cursor = Windows(), PartCursor()
    windows.parts(2)
    windows.break_here()
    windows.parts(2)
    assert taken(cursor, windows["source"]) == everything(windows["source"])
    assert len({msn for msn, _, _ in everything(windows["source"])}) == 2


def test_who_comes_in_the_middle_begins_with_the_segment_that_is_open() -> None:
    windows = Windows()
    windows.segments(3)
    windows.parts(2)
    source = windows["source"]
    cursor = PartCursor(source)
    first = source.segments[-1].msn
    assert taken(cursor, source) == [one for one in everything(source) if one[0] == first]
    windows.segments(2)
    later = [one for one in everything(source) if one[0] >= first]
    assert taken(cursor, source) == later[2:]


def test_who_comes_between_two_segments_begins_with_the_next() -> None:
    windows = Windows()
    windows.segments(3)
    cursor = PartCursor(windows["source"])
    assert taken(cursor, windows["source"]) == []
    windows.part()
    assert taken(cursor, windows["source"]) == everything(windows["source"])[-1:]
