"""What readers ask of a window."""

from __future__ import annotations

from bridge.rendition import Part, Rendition, Segment
from tests.bridge.studio import picture_config


def test_an_empty_window_has_no_edge() -> None:
    rendition = Rendition("source", picture_config(720))
    assert (rendition.edge, rendition.next_msn, rendition.segment(1)) == (None, None, None)
    assert rendition.average_bps == 0


def test_the_edge_is_the_next_part_that_comes() -> None:
    rendition = Rendition("source", picture_config(720))
    rendition.segments += [Segment(5, 0, 0, False, complete=True)]
    assert rendition.edge == (6, 0)
    rendition.segments += [Segment(6, 1, 0, False, [Part(0, 1, True, False, b"x")])]
    assert rendition.edge == (6, 1)
    assert rendition.next_msn == 7


def test_a_segment_is_found_by_its_number() -> None:
    rendition = Rendition("source", picture_config(720))
    rendition.segments += [Segment(msn, msn, 0, False) for msn in (5, 6, 7)]
    assert [rendition.segment(msn) is not None for msn in range(4, 9)] == [
        *(False, True, True, True),
        False,
    ]
