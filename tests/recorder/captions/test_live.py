"""Captions of a live stream, by its segments."""

from __future__ import annotations

from recorder.captions.cues import Cue
from recorder.captions.live import KEEP_MS, LiveCaptions
from recorder.captions.words import Word
from tests.recorder.captions.test_cues import said

ORIGIN = 1_790_000_000_000


def test_a_cue_stands_in_each_segment_that_it_is_shown_in_with_its_whole_times() -> None:
    live = LiveCaptions()
    live.add(said("one two three four five", ORIGIN + 1_000))
    cue = Cue(1_000, 2_500, "one two three four five")
    assert live.publish(ORIGIN, ORIGIN + 2_000, ORIGIN) == [cue]
    assert live.publish(ORIGIN + 2_000, ORIGIN + 4_000, ORIGIN) == [cue]
    assert live.publish(ORIGIN + 4_000, ORIGIN + 6_000, ORIGIN) == []


def test_words_of_a_segment_that_is_out_are_shown_in_the_next_one() -> None:
    live = LiveCaptions()
    live.publish(0, 6_000, 0)
    assert live.add(said("one two three four", 1_000)) == [Cue(6_000, 7_200, "one two three four")]
    # What follows moves along, and a pause makes up for it.
    assert live.add(said("five six seven eight", 3_000))[0].from_ms == 7_200
    assert live.add(said("nine ten", 20_000))[0].from_ms == 20_000


def test_a_look_at_a_segment_does_not_close_it() -> None:
    live = LiveCaptions()
    live.segment(0, 6_000, 0)
    live.add(said("one two three four", 1_000))
    assert [one.from_ms for one in live.segment(0, 6_000, 0)] == [1_000]


def test_what_would_be_much_too_late_is_left_out() -> None:
    live = LiveCaptions()
    live.publish(0, 60_000, 0)
    assert live.add(said("old news", 1_000)) == []
    assert live.left_out == 1


def test_an_utterance_is_shown_without_waiting_for_the_next() -> None:
    live = LiveCaptions()
    first = live.add([Word("yes", 1_000, 1_200)])
    second = live.add([Word("no", 1_500, 1_700)])
    assert first + second == [Cue(1_000, 2_000, "yes"), Cue(2_000, 3_000, "no")]
    assert live.between(1_999, 2_001) == first + second
    assert live.between(3_000, 9_000) == []


def test_a_clock_that_is_set_back_begins_anew() -> None:
    live = LiveCaptions()
    live.add(said("one two", ORIGIN))
    live.publish(ORIGIN, ORIGIN + 6_000, ORIGIN)
    assert live.add(said("three four", 50_000)) == [Cue(50_000, 51_000, "three four")]
    assert live.between(0, ORIGIN * 2) == [Cue(50_000, 51_000, "three four")]


def test_old_cues_are_forgotten() -> None:
    live = LiveCaptions()
    for minute in range(600):
        live.add(said("one two three", minute * 60_000))
    assert len(live.between(0, 600 * 60_000)) <= KEEP_MS // 60_000 + 2


def test_no_words_change_nothing() -> None:
    assert LiveCaptions().add([]) == []
