"""Times that jump back go on where they were, sound and picture together."""

from __future__ import annotations

from bridge.transcode.timeline import Timeline

S = 1_000_000


def test_steady_times_are_left_alone() -> None:
    timeline = Timeline()
    assert [timeline.place("picture", time) for time in (0, 33, 20, 70)] == [0, 33, 20, 70]


def test_a_jump_ahead_is_a_pause_and_kept() -> None:
    timeline = Timeline()
    timeline.place("sound", 0)
    assert timeline.place("sound", 3_600 * S) == 3_600 * S


def test_a_jump_back_goes_on() -> None:
    timeline = Timeline()
    timeline.place("picture", 100 * S)
    assert timeline.place("picture", 10 * S) == 100 * S
    assert timeline.place("picture", 11 * S) == 101 * S
    assert timeline.jumps == 1


def test_sound_and_picture_jump_by_the_same() -> None:
    timeline = Timeline()
    timeline.place("sound", 100 * S)
    timeline.place("picture", 99 * S + 700_000)
    sound = timeline.place("sound", 10 * S)
    picture = timeline.place("picture", 10 * S - 300_000)
    assert sound - picture == 300_000


def test_the_right_time_again_undoes_the_shift() -> None:
    timeline = Timeline()
    timeline.place("picture", 100 * S)
    timeline.place("picture", 10 * S)
    assert timeline.place("picture", 110 * S) == 110 * S


def test_a_mad_jump_ahead_and_back_does_not_stop_the_broadcast() -> None:
    timeline = Timeline()
    times = [timeline.place("sound", time) for time in (0, 10_000 * S, S, 2 * S, 3 * S)]
    assert times == sorted(times)
