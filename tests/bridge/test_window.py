"""What leaves the window, and what must stay."""

from __future__ import annotations

from bridge.presentation import AUDIO, PackagingSettings, Presentation
from bridge.rendition import Part, Rendition, Segment
from bridge.track import AudioConfig
from bridge.window import trim
from tests.bridge.studio import picture_config


def two_seconds(msn: int, scale: int, size: int, discontinuity: bool = False) -> Segment:
    part = Part(0, 2 * scale, True, False, bytes(size))
    return Segment(
        msn,
        2 * scale * msn,
        msn // 10,
        discontinuity,
        [part],
        2 * scale,
        size,
        True,
        data=part.data,
    )


def presentation(count: int, size: int = 100, **settings: int) -> Presentation:
    made = Presentation("e", 0, PackagingSettings(**settings))
    for rendition in (
        Rendition("source", picture_config(720)),
        Rendition(AUDIO, AudioConfig(b"\x11\x90")),
    ):
        scale = rendition.timescale
        rendition.segments += [two_seconds(n, scale, size, n == 1) for n in range(count)]
        rendition.map = (count - 1) // 10
        rendition.inits = dict.fromkeys(range(rendition.map + 1), b"init")
        made.renditions[rendition.name] = rendition
    return made


def msns(made: Presentation) -> list[tuple[int, int]]:
    return [(one.segments[0].msn, one.segments[-1].msn) for one in made.renditions.values()]


def test_nothing_leaves_a_window_that_is_not_full() -> None:
    made = presentation(10)
    assert trim(made, 20_000) == set()
    assert msns(made) == [(0, 9)] * 2


def test_what_is_older_than_the_window_leaves_all_renditions_together() -> None:
    made = presentation(30, window_ms=20_000)
    assert trim(made, 60_000) == {"source", AUDIO}
    assert msns(made) == [(20, 29)] * 2
    for rendition in made.renditions.values():
        assert rendition.dropped_discontinuities == 1
        assert set(rendition.inits) == {2}


def test_six_segments_stay_however_short_the_window_is() -> None:
    made = presentation(10, window_ms=1)
    trim(made, 20_000)
    assert msns(made) == [(4, 9)] * 2


def test_bytes_are_counted_over_all_renditions_and_leave_two_at_least() -> None:
    made = presentation(10, size=1_000, window_bytes=8_000)
    trim(made, 20_000)
    assert msns(made) == [(6, 9)] * 2
    made = presentation(10, size=1_000, window_bytes=10)
    trim(made, 20_000)
    assert msns(made) == [(8, 9)] * 2


def test_a_rendition_that_came_late_keeps_what_it_has() -> None:
    made = presentation(30, window_ms=20_000)
    audio = made.renditions[AUDIO]
    while audio.segments[0].msn < 25:
        audio.segments.popleft()
    trim(made, 60_000)
    assert msns(made) == [(20, 29), (25, 29)]


def test_parts_are_forgotten_six_target_durations_after_their_segment() -> None:
    made = presentation(10)
    trim(made, 20_000)
    kept = [bool(one.parts) for one in made.renditions["source"].segments]
    assert kept == [False] * 4 + [True] * 6
