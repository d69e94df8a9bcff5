"""An engine that is slower than speech: words are missing, but what it hears is shown."""

from __future__ import annotations

import pytest

from recorder.captions.backlog import Backlog
from recorder.captions.live import LiveCaptions
from recorder.captions.wire import Part
from recorder.captions.words import Word

STEP_MS = 500
"""A part, and a word in it."""
UTTERANCE = 10
"""Parts. Their words are known when all of it was searched through."""
SEGMENT_MS = 2_000
LENGTH_MS = 300_000


class SlowEngine:
    """Takes parts one by one; the end of an utterance keeps it busy."""

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
