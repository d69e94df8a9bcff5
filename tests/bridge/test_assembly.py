"""How samples become parts, and parts segments."""

from __future__ import annotations

import pytest

from bridge.assembly import Assembly, Beginning
from bridge.presentation import Presentation
from bridge.rendition import Rendition
from tests.bridge.media import picture
from tests.bridge.studio import picture_config

HALF = 45_000
"""Ticks of a part's target."""


@pytest.fixture
def assembly() -> Assembly:
    rendition = Rendition("source", picture_config(720))
    assembly = Assembly(Presentation("e", 0), rendition)
    assembly.begin(Beginning(7, 0, False))
    return assembly


def parts(assembly: Assembly) -> list[tuple[int, bool]]:
    return [(part.ticks, part.gap) for one in assembly.rendition.segments for part in one.parts]


def add(assembly: Assembly, *times: int, duration: int = 3_000) -> None:
    for time in times:
        assembly.add(picture(time, time == 0, duration))


def test_a_part_closes_when_one_more_picture_would_be_too_much(assembly: Assembly) -> None:
    add(assembly, *range(0, 42_000, 3_000))
    assert parts(assembly) == []
    add(assembly, 42_000)
    assert parts(assembly) == [(HALF, False)]
    assert assembly.rendition.edge == (7, 1)


def test_a_part_that_would_be_too_short_takes_a_piece_of_the_next_picture(
    assembly: Assembly,
) -> None:
    add(assembly, *range(0, 90_000, 18_000), duration=18_000)
    assert parts(assembly) == [(HALF, False), (HALF, False)]


def test_lengths_that_were_guessed_wrong_are_set_right_by_the_next_picture(
    assembly: Assembly,
) -> None:
    add(assembly, *range(0, 84_000, 6_000), duration=3_000)
    assert parts(assembly)[0] == (HALF, False)


def test_a_picture_stays_until_the_part_is_full_and_then_comes_a_gap(assembly: Assembly) -> None:
    add(assembly, 0, 3_000, 120_000)
    assert parts(assembly) == [(HALF, False), (HALF, True)]
    assembly.complete(123_000)
    assert parts(assembly) == [(HALF, False), (HALF, True), (33_000, False)]


def test_gaps_fill_whole_parts_or_up_to_a_moment(assembly: Assembly) -> None:
    assembly.fill(100_000)
    assert parts(assembly) == [(HALF, True)] * 2
    assembly.fill_up(100_000)
    assert parts(assembly) == [(HALF, True)] * 2 + [(10_000, True)]


def test_a_segment_ends_where_the_next_begins_though_a_picture_was_longer_than_told(
    assembly: Assembly,
) -> None:
    add(assembly, *range(0, 45_000, 3_000))
    assembly.begin(Beginning(8, 45_900, False))
    first = assembly.rendition.segments[0]
    assert (first.complete, first.ticks, first.gap) == (True, 45_900, False)


def test_a_segment_is_seen_with_its_first_part(assembly: Assembly) -> None:
    assert not assembly.rendition.segments
    add(assembly, *range(0, 45_000, 3_000))
    (segment,) = assembly.rendition.segments
    assert (segment.msn, segment.complete) == (7, False)


def test_a_segment_without_anything_is_a_short_gap_as_numbers_have_no_holes(
    assembly: Assembly,
) -> None:
    assembly.begin(Beginning(8, 0, False))
    (segment,) = assembly.rendition.segments
    assert (segment.msn, segment.gap, segment.ticks > 0, segment.data) == (7, True, True, None)


def test_a_new_configuration_is_a_new_map(assembly: Assembly) -> None:
    add(assembly, 0)
    assembly.begin(Beginning(8, 3_000, True, picture_config(1_080)))
    assert assembly.rendition.map == 0
    add(assembly, *range(3_000, 48_000, 3_000))
    rendition = assembly.rendition
    assert [one.map for one in rendition.segments] == [0, 1]
    assert rendition.inits.keys() == {0, 1}
    assert rendition.config == picture_config(1_080)


def test_a_short_segment_is_no_peak(assembly: Assembly) -> None:
    add(assembly, 0)
    assembly.complete(3_000)
    assert assembly.rendition.peak_bps == 0
    assert assembly.rendition.average_bps > 0
