"""What waits for the process is bounded, and what is left out is counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.captions.backlog import FLYING_MS, KEPT_MS, MOST_MS, Backlog
from recorder.captions.live import LiveCaptions
from recorder.captions.wire import LONGEST, Begin, Flush, Part
from recorder.captions.words import Word

STEP_MS = 500
"""A part, and a word in it."""
UTTERANCE = 10
"""Parts. Their words are known when all of it was searched through."""
SEGMENT_MS = 2_000
LENGTH_MS = 300_000


def filled(count: int, length_ms: int = 500) -> Backlog:
    backlog = Backlog()
    backlog.begin(b"init")
    for number in range(count):
        backlog.put(number * length_ms, length_ms, b"part")
    return backlog


def taken(backlog: Backlog) -> list[Begin | Part | Flush]:
    found = []
    while (message := backlog.take()) is not None:
        found.append(message)
    return found


def test_parts_come_behind_their_init_segment() -> None:
    backlog = filled(2)
    backlog.begin(b"other")
    backlog.put(1_000, 500, b"part")
    assert taken(backlog) == [
        Begin(b"init"),
        Part(1, 0, 500, b"part"),
        Part(2, 500, 500, b"part"),
        Begin(b"other"),
        Part(3, 1_000, 500, b"part"),
    ]


def test_only_some_seconds_fly_until_there_is_an_answer() -> None:
    backlog = filled(12)
    first = [one for one in taken(backlog) if isinstance(one, Part)]
    assert sum(one.length_ms for one in first) == FLYING_MS + 500
    assert backlog.flying
    backlog.answered(first[1].number)
    assert len(taken(backlog)) == 2
    assert backlog.behind_ms == 10 * 500


def test_when_too_much_waits_the_oldest_is_left_out_at_once() -> None:
    backlog = filled(MOST_MS // 500)
    assert backlog.skipped_ms == 0
    backlog.put(99_000, 500, b"newest")
    assert backlog.skipped_ms == MOST_MS + 500 - KEPT_MS
    parts = [one for one in taken(backlog) if isinstance(one, Part)]
    assert parts[0].time_ms == MOST_MS + 500 - KEPT_MS


def test_a_flush_is_never_left_out() -> None:
    backlog = filled(3)
    number = backlog.flush()
    for at in range(100):
        backlog.put(at * 500, 500, b"part")
    assert any(isinstance(one, Flush) and one.number == number for one in taken(backlog))


def test_after_a_death_what_flew_is_lost_and_the_init_segment_comes_again() -> None:
    backlog = filled(12)
    flown = [one for one in taken(backlog) if isinstance(one, Part)]
    backlog.begin_anew()
    assert backlog.skipped_ms == 500 * len(flown)
    assert not backlog.flying
    assert taken(backlog)[:2] == [
        Begin(b"init"),
        Part(len(flown) + 1, 500 * len(flown), 500, b"part"),
    ]


def test_a_flush_that_flew_is_asked_again() -> None:
    backlog = filled(1)
    number = backlog.flush()
    taken(backlog)
    backlog.begin_anew()
    backlog.put(9_000, 500, b"part")
    assert taken(backlog) == [Flush(number), Begin(b"init"), Part(3, 9_000, 500, b"part")]


def test_what_cannot_be_sent_is_left_out() -> None:
    backlog = Backlog()
    backlog.put(0, 500, b"before the init segment")
    backlog.begin(b"init")
    backlog.put(0, 400, bytes(LONGEST))
    assert backlog.skipped_ms == 900
    assert taken(backlog) == []


def test_at_the_end_everything_is_left_out() -> None:
    backlog = filled(20)
    taken(backlog)
    backlog.clear()
    assert (backlog.skipped_ms, backlog.behind_ms) == (10_000, 0)


@given(st.lists(st.integers(0, 4), max_size=300), st.integers(20, 3_000))
def test_no_part_is_both_heard_and_left_out(steps: list[int], length_ms: int) -> None:
    backlog = filled(0)
    put_ms = answered_ms = 0
    flown: list[Part | Flush] = []
    for step in steps:
        match step:
            case 0 | 1:
                backlog.put(put_ms, length_ms, b"part")
                put_ms += length_ms
            case 2:
                flown += [one for one in taken(backlog) if not isinstance(one, Begin)]
            case 3 if flown:
                done = flown.pop(0)
                answered_ms += done.length_ms
                backlog.answered(done.number)
            case 4:
                backlog.begin_anew()
                flown.clear()
        assert backlog.behind_ms <= MOST_MS + FLYING_MS + 2 * length_ms
        assert backlog.skipped_ms + answered_ms + backlog.behind_ms == put_ms


class SlowEngine:
    """It is slower than speech. Takes parts one by one; the end of an utterance keeps it busy."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._waiting: list[Part] = []
        self._utterance: list[Part] = []
        self._busy_until_ms = 0.0

    def put(self, part: Part) -> None:
        self._waiting.append(part)

    def heard(self, now_ms: int) -> tuple[list[Word], int]:
        """Words, and up to which part all are known."""
        words: list[Word] = []
        done = 0
        while self._waiting and self._busy_until_ms <= now_ms:
            if len(self._utterance) == UTTERANCE:
                words += [Word(f"w{one.number}", *times(one), 1.0) for one in self._utterance]
                self._utterance = []
            part = self._waiting.pop(0)
            done = part.number - 1
            self._utterance.append(part)
            if len(self._utterance) == UTTERANCE:
                self._busy_until_ms = now_ms + UTTERANCE * STEP_MS / self._speed
        return words, done


def times(part: Part) -> tuple[int, int]:
    return part.time_ms, part.time_ms + part.length_ms - 50


def shown(speed: float) -> float:
    """The share of all words that viewers see."""
    backlog, live, engine, words = Backlog(), LiveCaptions(), SlowEngine(speed), 0
    backlog.begin(b"init")
    for now_ms in range(STEP_MS, LENGTH_MS, STEP_MS):
        backlog.put(now_ms - STEP_MS, STEP_MS, b"part")
        while (message := backlog.take()) is not None:
            if isinstance(message, Part):
                engine.put(message)
        heard, done = engine.heard(now_ms)
        words += sum(len(cue.text.split()) for cue in live.add(heard))
        backlog.answered(done)
        if now_ms % SEGMENT_MS == 0:
            live.publish(now_ms - 2 * SEGMENT_MS, now_ms - SEGMENT_MS, 0)
    return words / (LENGTH_MS / STEP_MS)


@pytest.mark.parametrize(
    ("speed", "least"), [(0.4, 0.2), (0.6, 0.4), (0.8, 0.6), (0.95, 0.6), (1.5, 0.95)]
)
def test_most_of_what_it_can_hear_is_shown(speed: float, least: float) -> None:
    assert shown(speed) >= least
