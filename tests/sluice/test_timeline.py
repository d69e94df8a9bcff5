"""The timeline: even within an epoch, true in the long run, honest about steps."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

from sluice.timeline import STEP_US, Timeline

START_MS = 1_790_000_000_000
FRAME = 3_000
RATE = 90_000


def spoken(count: int, drift: float = 0.0, tremble_ms: float = 0.0) -> Iterator[tuple[int, int]]:
    """RTP times of 30 pictures a second, and the media plane's word on each. `drift`: how much
    faster the server's clock runs than the publisher's."""
    dice = random.Random(7)
    for index in range(count):
        true_ms = START_MS + index * 1_000 / 30 * (1 + drift)
        yield 5_000 + index * FRAME, round(true_ms + dice.uniform(0, tremble_ms))


def test_even_words_are_kept_to_the_microsecond() -> None:
    timeline = Timeline()
    times = [timeline.place("v", rtp, ms, RATE).time_us for rtp, ms in spoken(300)]
    steps = [b - a for a, b in pairwise(times)]
    assert set(steps) <= {33_333, 33_334}
    assert times[0] == START_MS * 1_000


def test_trembling_words_give_even_times() -> None:
    timeline = Timeline()
    moments = [timeline.place("v", rtp, ms, RATE) for rtp, ms in spoken(3_000, tremble_ms=30)]
    steps = [b.time_us - a.time_us for a, b in pairwise(moments)]
    # Half a percent of 33.3 ms is the most that a step may be off.
    assert max(abs(step - 33_333) for step in steps) <= 168
    assert {moment.epoch for moment in moments} == {0}


def test_a_clock_that_drifts_is_followed_for_an_hour() -> None:
    timeline = Timeline()
    for rtp, ms in spoken(30 * 3_600, drift=200e-6, tremble_ms=3):
        moment = timeline.place("v", rtp, ms, RATE)
        assert abs(moment.time_us - ms * 1_000) < 20_000
    assert moment.epoch == 0


def test_sound_and_picture_stay_in_step_though_their_clocks_do_not() -> None:
    timeline = Timeline()
    picture, sound = 0, 0
    for index in range(30 * 600):
        ms = round(START_MS + index * 1_000 / 30)
        fast, slow = index * FRAME * 1.0002, index * 1_600 * 0.9998
        picture = timeline.place("v", round(fast), ms, RATE).time_us
        sound = timeline.place("a", round(slow), ms, 48_000).time_us
    assert abs(picture - sound) < 20_000


def test_a_step_begins_a_new_epoch_for_all_tracks() -> None:
    timeline = Timeline()
    timeline.place("v", 0, START_MS, RATE)
    timeline.place("a", 0, START_MS, 48_000)
    late_ms = START_MS + 1_000
    moved = timeline.place("v", FRAME, late_ms, RATE)
    assert (moved.epoch, moved.time_us) == (1, late_ms * 1_000)
    # The sound's own word fits, and it goes over to the new epoch all the same.
    assert timeline.place("a", 960, START_MS + 20, 48_000).epoch == 1


def test_what_is_just_within_a_step_is_drawn_in() -> None:
    timeline = Timeline()
    timeline.place("v", 0, START_MS, RATE)
    off_ms = STEP_US // 1_000 - 1
    for index in range(1, 30 * 120):
        moment = timeline.place("v", index * FRAME, START_MS + off_ms + index * 100 // 3, RATE)
    assert moment.epoch == 0
    assert abs(moment.time_us - (START_MS + off_ms + index * 100 // 3) * 1_000) < 5_000


def test_rtp_time_that_jumps_back_never_takes_the_timeline_along() -> None:
    timeline = Timeline()
    before = timeline.place("v", 900_000, START_MS, RATE)
    after = timeline.place("v", 0, START_MS - 1, RATE)
    assert after.epoch == before.epoch + 1
    assert after.time_us > before.time_us


def test_a_new_publisher_is_a_new_epoch_however_well_its_times_fit() -> None:
    timeline = Timeline()
    timeline.restart()  # nothing was placed yet: nothing ends
    assert timeline.place("v", 0, START_MS, RATE).epoch == 0
    timeline.restart()
    assert timeline.place("v", FRAME, START_MS + 33, RATE).epoch == 1


def test_a_step_back_is_one_epoch_and_is_made_up_for_in_step_by_all_tracks() -> None:
    timeline = Timeline()
    for index in range(31):
        timeline.place("v", index * FRAME, START_MS + index * 100 // 3, RATE)
        timeline.place("a", index * 1_600, START_MS + index * 100 // 3, 48_000)
    placed = []
    for index in range(31, 31 + 30 * 90):
        word_ms = START_MS - 400 + index * 100 // 3
        video = timeline.place("v", index * FRAME, word_ms, RATE)
        audio = timeline.place("a", index * 1_600, word_ms, 48_000)
        placed.append((video.time_us, audio.time_us, video.epoch, word_ms * 1_000))
    assert {epoch for _, _, epoch, _ in placed} == {1}
    assert all(abs(video - audio) < 5_000 for video, audio, _, _ in placed)
    assert all(later[0] > earlier[0] for earlier, later in pairwise(placed))
    assert placed[0][0] > START_MS * 1_000 + 999_000
    assert abs(placed[-1][0] - placed[-1][3]) < 5_000
