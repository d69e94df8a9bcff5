"""The timeline of a recording: gaps are left out, and nothing else is."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.recording import Recording
from recorder.records import Chunk, Gap, Part, Record, Session
from recorder.replay import Replay
from tests.recorder.studio import BEGAN

ORIGIN_MS = BEGAN.wall_ms
SECOND = 1_000_000
"""Microseconds."""
SCALE = {"source": 90_000, "720p": 90_000, "audio": 48_000}
HEIGHT = {"source": 1080, "720p": 720, "audio": 0}
MSN = 1_000


@dataclass
class Script:
    """Writes an index. Segments last 2 s and have two parts."""

    names: tuple[str, ...] = ("source", "audio")
    records: list[Record] = field(default_factory=lambda: [BEGAN])
    session: int = 0
    chunks: dict[str, int] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    map: int = 0

    def begin(self, origin_ms: int = ORIGIN_MS) -> Script:
        self.session += 1
        self.records.append(Session(self.session, f"{self.session}", origin_ms))
        self.map = 0
        self.roll()
        return self

    def roll(self, map: int = 0) -> Script:
        """Another chunk for all."""
        self.map = map
        for name in self.names:
            number = self.chunks[name] = self.chunks.get(name, 0) + 1
            init = f"{name} {map}".encode()
            height = HEIGHT[name]
            self.ends[name] = len(init)
            self.records.append(
                Chunk(
                    name,
                    number,
                    self.session,
                    map,
                    init,
                    "codec",
                    SCALE[name],
                    height * 16 // 9,
                    height,
                )
            )
        return self

    def segments(self, first: int, count: int, shift_ms: int = 0) -> Script:
        for n in range(first, first + count):
            for half in range(2):
                for name in self.names:
                    self.part(name, n, half, shift_ms)
        return self

    def part(
        self, name: str, n: int, half: int, shift_ms: int = 0, *, x: bool = False, i: bool = False
    ) -> Script:
        scale = SCALE[name]
        time = n * 2 * scale + half * scale + shift_ms * scale // 1_000
        keyframe = i or half == 0 or name == "audio"
        offset = self.ends[name]
        self.ends[name] += 100
        self.records.append(
            Part(name, self.chunks[name], MSN + n, half, time, scale, offset, 100, 0, keyframe, x)
        )
        return self

    def gap(self, name: str, n: int, half: int) -> Script:
        scale = SCALE[name]
        self.records.append(Gap(name, MSN + n, half, n * 2 * scale + half * scale, scale))
        return self

    @property
    def replay(self) -> Replay:
        return Replay.of(Recording.of(self.records))


def begins(replay: Replay) -> list[tuple[int, int]]:
    """VOD time and length of each period, in milliseconds."""
    return [(one.at_us // 1_000, one.duration_us // 1_000) for one in replay.periods]


def slots(replay: Replay) -> list[tuple[int, int]]:
    return [(one.at_us // 1_000, one.duration_us // 1_000) for one in replay.slots]


def test_nothing_recorded_is_nothing_to_play() -> None:
    replay = Script().begin().replay
    assert (replay.leader, replay.slots, replay.periods, replay.lines) == ("", [], [], {})
    assert replay.duration_us == 0
    assert replay.at_vod(ORIGIN_MS * 1_000) is None
    assert replay.at_stream(0) is None
    assert list(replay.slots_between(0, SECOND)) == []


def test_segments_stand_back_to_back_in_one_period() -> None:
    replay = Script().begin().segments(5, 3).replay
    assert replay.leader == "source"
    assert list(replay.lines) == ["source", "audio"]
    assert begins(replay) == [(0, 6_000)]
    assert slots(replay) == [(0, 2_000), (2_000, 2_000), (4_000, 2_000)]
    assert [slot.msn for slot in replay.slots] == [MSN + 5, MSN + 6, MSN + 7]
    assert replay.periods[0].stream_us == ORIGIN_MS * 1_000 + 10 * SECOND
    piece = replay.slots[0].pieces["source"]
    assert (piece.chunk, piece.offset, piece.size) == (1, len("source 0"), 200)
    assert (piece.time, piece.ticks, len(piece.parts)) == (900_000, 180_000, 2)


def test_the_largest_picture_is_the_first_line_and_sound_the_last() -> None:
    script = Script(("audio", "720p", "source")).begin().segments(0, 1)
    assert list(script.replay.lines) == ["source", "720p", "audio"]


def test_sound_alone_leads() -> None:
    replay = Script(("audio",)).begin().segments(0, 2).replay
    assert replay.leader == "audio"
    assert begins(replay) == [(0, 4_000)]


def test_the_picture_that_was_recorded_longest_leads() -> None:
    script = Script(("source", "720p", "audio")).begin().segments(0, 1)
    script.names = ("720p", "audio")
    script.segments(1, 3)
    replay = script.replay
    assert replay.leader == "720p"
    assert ["source" in slot.pieces for slot in replay.slots] == [True, False, False, False]
    assert all("audio" in slot.pieces for slot in replay.slots)


def test_a_gap_is_left_out() -> None:
    script = Script().begin().segments(0, 2)
    for half in range(2):
        script.gap("source", 2, half).gap("audio", 2, half)
    replay = script.segments(3, 2).replay
    assert begins(replay) == [(0, 4_000), (4_000, 4_000)]
    assert replay.periods[1].stream_us - replay.periods[0].stream_us == 6 * SECOND
    assert replay.duration_us == 8 * SECOND


def test_a_hole_without_a_gap_in_the_index_is_left_out_as_well() -> None:
    replay = Script().begin().segments(0, 2).segments(50, 1).replay
    assert begins(replay) == [(0, 4_000), (4_000, 2_000)]


def test_a_picture_is_only_played_from_a_keyframe_on() -> None:
    script = Script().begin().segments(0, 1)
    script.gap("source", 1, 0).part("source", 1, 1)
    script.part("audio", 1, 0).part("audio", 1, 1)
    replay = script.segments(2, 1).replay
    assert [slot.msn for slot in replay.slots] == [MSN, MSN + 2]


def test_what_is_left_of_a_segment_is_a_slot() -> None:
    script = Script().begin()
    script.part("source", 0, 0).gap("source", 0, 1)
    script.part("source", 1, 0).part("source", 1, 1, i=True)
    replay = script.replay
    assert slots(replay) == [(0, 1_000), (1_000, 2_000)]
    assert begins(replay) == [(0, 1_000), (1_000, 2_000)]


def test_a_hole_shorter_than_a_few_pictures_is_no_break() -> None:
    replay = Script().begin().segments(0, 1).segments(1, 1, shift_ms=200).replay
    assert begins(replay) == [(0, 4_200)]
    assert slots(replay) == [(0, 2_200), (2_200, 2_000)], "the last picture stays"
    replay = Script().begin().segments(0, 1).segments(1, 1, shift_ms=300).replay
    assert begins(replay) == [(0, 2_000), (2_000, 2_000)]


def test_segments_that_overlap_a_little_are_no_break() -> None:
    replay = Script().begin().segments(0, 1).segments(1, 1, shift_ms=-100).replay
    assert slots(replay) == [(0, 1_900), (1_900, 2_000)]


def test_a_discontinuity_is_a_break() -> None:
    script = Script().begin().segments(0, 1)
    script.part("source", 1, 0, x=True).part("source", 1, 1)
    assert begins(script.replay) == [(0, 2_000), (2_000, 2_000)]


def test_another_init_segment_is_a_break() -> None:
    replay = Script().begin().segments(0, 1).roll(map=1).segments(1, 1).replay
    assert begins(replay) == [(0, 2_000), (2_000, 2_000)]
    assert replay.lines["source"].inits == {1: 1, 2: 2}


def test_another_chunk_is_no_break() -> None:
    replay = Script().begin().segments(0, 1).roll().segments(1, 1).replay
    assert begins(replay) == [(0, 4_000)]
    assert [slot.pieces["source"].chunk for slot in replay.slots] == [1, 2]
    assert replay.lines["source"].inits == {1: 1, 2: 1}, "one init segment for both"


def test_a_session_is_a_break_with_times_of_its_own() -> None:
    script = Script().begin().segments(0, 2).begin(ORIGIN_MS + 60_000).segments(0, 1)
    replay = script.replay
    assert begins(replay) == [(0, 4_000), (4_000, 2_000)]
    assert [one.session for one in replay.periods] == [1, 2]
    assert replay.at_vod((ORIGIN_MS + 60_000) * 1_000) == 4 * SECOND


def test_a_session_that_nobody_knows_is_left_out() -> None:
    script = Script().begin().segments(0, 1).begin().segments(0, 1)
    script.records = [one for one in script.records if one != Session(2, "2", ORIGIN_MS)]
    assert begins(script.replay) == [(0, 2_000)]


def test_sound_that_is_missing_leaves_the_picture() -> None:
    script = Script().begin().segments(0, 1)
    script.part("source", 1, 0).part("source", 1, 1).gap("audio", 1, 0).gap("audio", 1, 1)
    replay = script.segments(2, 1).replay
    assert begins(replay) == [(0, 6_000)]
    assert ["audio" in slot.pieces for slot in replay.slots] == [True, False, True]


def test_segments_of_one_number_in_two_sessions_are_not_mixed_up() -> None:
    script = Script().begin().segments(0, 1)
    script.names = ("source",)
    replay = script.begin(ORIGIN_MS + 500).segments(0, 1).replay
    assert ["audio" in slot.pieces for slot in replay.slots] == [True, False]


def test_stream_time_and_vod_time_lead_to_each_other() -> None:
    replay = Script().begin().segments(0, 2).segments(10, 2).replay
    zero = ORIGIN_MS * 1_000
    assert replay.at_vod(zero - 1) is None
    assert replay.at_vod(zero) == 0
    assert replay.at_vod(zero + 4 * SECOND - 1) == 4 * SECOND - 1
    assert replay.at_vod(zero + 4 * SECOND) is None, "nothing came then"
    assert replay.at_vod(zero + 21 * SECOND) == 5 * SECOND
    assert replay.at_stream(5 * SECOND) == zero + 21 * SECOND
    assert replay.at_stream(8 * SECOND) is None
    assert replay.at_stream(-1) is None


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True), st.integers(0, 10**8))
def test_what_is_there_is_found_both_ways(segments: list[int], at_us: int) -> None:
    script = Script().begin()
    for n in sorted(segments):
        script.segments(n, 1)
    replay = script.replay
    assert replay.duration_us == 2 * SECOND * len(segments)
    stream_us = replay.at_stream(at_us)
    assert (stream_us is None) == (at_us >= replay.duration_us)
    if stream_us is not None:
        assert replay.at_vod(stream_us) == at_us
        assert (stream_us // 1_000 - ORIGIN_MS) // 2_000 in segments


def test_a_clock_that_was_set_back_between_sessions() -> None:
    replay = Script().begin().segments(0, 1).begin(ORIGIN_MS - 60_000).segments(0, 1).replay
    assert replay.duration_us == 4 * SECOND
    assert replay.at_vod((ORIGIN_MS - 60_000) * 1_000) == 2 * SECOND
    assert replay.at_vod(ORIGIN_MS * 1_000 + 1) == 1


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (0, 1, [0]),
        (0, 2_000, [0]),
        (1_999, 2_001, [0, 1]),
        (2_000, 4_000, [1]),
        (-5_000, 100_000, [0, 1, 2]),
        (6_000, 7_000, []),
    ],
)
def test_slots_between_two_moments(begin: int, end: int, expected: list[int]) -> None:
    replay = Script().begin().segments(0, 2).segments(5, 1).replay
    assert list(replay.slots_between(begin * 1_000, end * 1_000)) == expected
