"""Sound goes on beside all pictures, whatever is missing of it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.track import AAC_FRAME, AUDIO_TIMESCALE
from recorder.replay import Piece, Replay
from recorder.segments import HOLE_US, Segment, Silence, segments
from tests.recorder.broadcast import AUDIO, Broadcast

SIZES = {"source": (160, 90)}
BESIDE_US = 22_000
"""A frame of sound: so much it may be beside a cut."""


def broadcast(folder: Path, part: int = 15) -> Broadcast:
    found = Broadcast(folder, part=part)
    found.session()
    return found


def sound(replay: Replay) -> list[Segment]:
    return segments(replay, AUDIO, replay.slots)


def spans(replay: Replay, found: list[Segment]) -> list[tuple[int, int, int]]:
    """(period, begin, end) of what is heard, in microseconds of VOD time."""
    out: list[tuple[int, int, int]] = []
    for one in found:
        assert one.content is not None
        period = replay.periods[one.slot.period]
        ticks = (
            one.content.frames * AAC_FRAME
            if isinstance(one.content, Silence)
            else one.content.ticks
        )
        origin_us = period.at_us + period.origin_us - period.stream_us
        begin_us = origin_us + one.content.time * 1_000_000 // AUDIO_TIMESCALE
        length_us = ticks * 1_000_000 // AUDIO_TIMESCALE
        out.append((one.slot.period, begin_us, begin_us + length_us))
    return out


def assert_unbroken(replay: Replay, found: list[Segment]) -> None:
    heard = spans(replay, found)
    for (_, _, end), (_, begin, _) in pairwise(heard):
        assert -2 * BESIDE_US < begin - end < HOLE_US
    assert abs(heard[-1][2] - replay.duration_us) < 200_000
    for period, begin, end in heard:
        own = replay.periods[period]
        assert own.at_us - BESIDE_US < begin
        assert end < own.at_us + own.duration_us + 2 * BESIDE_US
    assert sum(one.duration_us for one in found) == replay.duration_us


def test_what_is_whole_stays_as_it_is(tmp_path: Path) -> None:
    film = broadcast(tmp_path / "r")
    film.shoot(3, SIZES)
    film.wait(3)
    film.shoot(2, SIZES)
    replay = film.replay()
    found = sound(replay)
    assert [(one.slot, one.duration_us) for one in found] == [
        (slot, slot.duration_us) for slot in replay.slots
    ]
    assert all(isinstance(one.content, Piece) for one in found)
    assert_unbroken(replay, found)


def test_a_hole_where_the_stream_was_interrupted_is_filled(tmp_path: Path) -> None:
    """hls.js 1.7.4 never ends a replay with a hole of 22 to 100 ms."""
    film = broadcast(tmp_path / "r")
    film.shoot(3, SIZES, quiet=2)
    film.wait(3)
    film.shoot(2, SIZES)
    replay = film.replay()
    found = sound(replay)
    (silent,) = (one for one in found if isinstance(one.content, Silence))
    assert silent.slot is replay.slots[2]
    assert silent.duration_us == pytest.approx(2 / 30 * 1e6, abs=BESIDE_US)
    assert_unbroken(replay, found)


def test_sound_that_ends_too_soon_at_the_very_end_may_do_so(tmp_path: Path) -> None:
    film = broadcast(tmp_path / "r")
    film.shoot(3, SIZES, quiet=4)
    assert all(isinstance(one.content, Piece) for one in sound(film.replay()))


def test_slots_without_sound_are_silent(tmp_path: Path) -> None:
    film = broadcast(tmp_path / "r")
    film.shoot(1, SIZES, sound=False)
    film.shoot(1, SIZES)
    film.shoot(1, SIZES, sound=False)
    film.wait(3)
    film.shoot(1, SIZES, sound=False)
    replay = film.replay()
    found = sound(replay)
    assert [isinstance(one.content, Silence) for one in found] == [True, False, True, True]
    assert_unbroken(replay, found)


def test_pictures_that_are_missing_are_a_gap_if_they_are_not_few(tmp_path: Path) -> None:
    film = broadcast(tmp_path / "r", part=6)
    film.shoot(2, {"source": (160, 90), "90p": (128, 72)}, without={"90p": set(range(5, 10))})
    replay = film.replay()
    found = segments(replay, "90p", replay.slots)
    assert [one.content is None for one in found] == [False, True]
    film = broadcast(tmp_path / "s", part=6)
    film.shoot(1.2, {"source": (160, 90), "90p": (128, 72)}, without={"90p": {5}})
    replay = film.replay()
    (only,) = segments(replay, "90p", replay.slots)
    assert only.duration_us == replay.duration_us


def test_a_stretch_of_a_replay(tmp_path: Path) -> None:
    film = broadcast(tmp_path / "r")
    film.shoot(2, SIZES)
    film.shoot(2, SIZES, sound=False)
    replay = film.replay()
    found = segments(replay, AUDIO, replay.slots[1:3])
    assert [type(one.content) for one in found] == [Piece, Silence]
    assert segments(replay, AUDIO, []) == []
    with pytest.raises(KeyError):
        segments(replay, "720p", replay.slots)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(3, 75),  # pictures
            st.integers(0, 12),  # of these without sound, at the end
            st.booleans(),  # nothing is heard at all
            st.sets(st.integers(0, 4)),  # parts of the sound that were lost
            st.sampled_from(["on", "gap", "session"]),  # how it goes on
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_is_missing(
    tmp_path_factory: pytest.TempPathFactory,
    stretches: list[tuple[int, int, bool, set[int], str]],
) -> None:
    film = broadcast(tmp_path_factory.mktemp("r") / "r")
    for pictures, quiet, mute, lost, onward in stretches:
        quiet = min(quiet, pictures - 1)
        film.shoot(pictures / 30 + 1e-6, SIZES, sound=not mute, quiet=quiet, without={AUDIO: lost})
        if onward == "gap":
            film.wait(2)
        elif onward == "session":
            film.session(after_s=2)
    film.shoot(1, SIZES)
    replay = film.replay()
    found = sound(replay)
    if any(one.content is None for one in found):
        # Only a moment at the very beginning, which is shorter than a frame, can be none.
        assert found[0].content is None
        assert found[0].duration_us < BESIDE_US
        found = found[1:]
    assert_unbroken(replay, found)
