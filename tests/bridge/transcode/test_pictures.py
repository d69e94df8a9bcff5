"""Decoded pictures become samples of all rungs."""

from __future__ import annotations

from av.video.frame import VideoFrame

from bridge.ladder import Rung
from bridge.transcode.decoder import Picture
from bridge.transcode.pictures import Pictures, ticks
from bridge.transcode.wire import Configured, FromChild, Plan
from tests.bridge.transcode.sources import SMALL, Here, encoded, picture


class Screen:
    def __init__(self, plan: Plan) -> None:
        self.said: list[FromChild] = []
        self.pictures = Pictures(plan, "libx264", self.said.append, Here())

    def show(self, *times_us: int) -> None:
        for time_us in times_us:
            self.pictures.show(Picture(time_us, time_us == 0, frame(time_us)))

    def times(self, name: str) -> list[int]:
        return [one.time for one in encoded(self.said, name)]


def frame(number: int) -> VideoFrame:
    return picture(number // 1_000)


def test_ticks_round_down_as_those_that_are_passed_on() -> None:
    assert [ticks(us) for us in (0, 11, 12, 33_333, 1_000_000)] == [0, 0, 1, 2_999, 90_000]


def test_a_hole_is_filled_with_the_picture_before_it() -> None:
    screen = Screen(Plan(SMALL))
    screen.show(0, 200_000)
    assert screen.times("source") == [number * 3_000 for number in range(7)]
    sizes = [len(one.data) for one in encoded(screen.said, "source")]
    assert max(sizes[1:6]) < min(sizes[0], sizes[6]), "nothing changes in a repetition"


def test_the_most_expensive_rung_is_the_first_that_is_made() -> None:
    rungs = [*SMALL, Rung("45p", 80, 46, 60_000)]
    screen = Screen(Plan(rungs))
    shed = []
    while (name := screen.pictures.most_expensive) is not None:
        screen.pictures.shed(name)
        shed.append(name)
    assert shed == ["source", "90p"], "the last one stays"
    restored = []
    while (name := screen.pictures.shed_last) is not None:
        screen.pictures.restore(name)
        restored.append(name)
    assert restored == ["90p", "source"]


def test_a_shed_rung_gets_nothing_and_returns_with_the_next_keyframe() -> None:
    screen = Screen(Plan(SMALL, segment_ms=100))
    screen.show(0)
    screen.pictures.shed("source")
    screen.show(33_333)
    screen.pictures.restore("source")
    screen.show(66_666, 100_000)
    assert screen.times("source") == [0, 9_000]
    assert screen.times("90p") == [0, 3_000, 6_000, 9_000]


def test_pixels_of_another_meaning_need_another_config() -> None:
    screen = Screen(Plan([SMALL[1]], segment_ms=100))
    screen.show(0, 33_333, 66_666)
    full = frame(1)
    full.color_range = 2
    screen.pictures.show(Picture(100_000, False, full))
    configs = [one.sps for one in screen.said if isinstance(one, Configured)]
    assert len(configs) == 2
    assert configs[0] != configs[1]


def test_at_the_sources_pace_a_picture_waits_for_the_next_to_know_its_length() -> None:
    screen = Screen(Plan(SMALL, pace="source"))
    screen.show(0)
    assert screen.said == []
    screen.show(50_000)
    assert [one.duration for one in encoded(screen.said, "90p")] == [4_500]
    screen.show(50_000, 40_000)
    screen.pictures.leave()
    assert screen.times("90p") == [0, 4_500]


def test_after_a_long_pause_the_last_picture_has_its_usual_length() -> None:
    screen = Screen(Plan(SMALL, pace="source"))
    screen.show(0, 40_000, 60_000_000)
    assert [one.duration for one in encoded(screen.said, "source")] == [3_600, 3_600]
