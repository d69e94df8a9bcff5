"""Parts become words with stream times; holes and broken parts move nothing."""

from __future__ import annotations

import pytest

from recorder.captions.listener import Listener
from recorder.captions.utterances import RATE, Pcm
from recorder.captions.words import Word
from tests.recorder.captions.speech import Coded, coded, silence

ORIGIN = 1_790_000_000_000
SILENCE: Coded = coded(silence(3, 48_000))


class Counting:
    """An engine whose words are the seconds that it was fed, of each of its streams."""

    def __init__(self) -> None:
        self.streams = 0

    def transcribe(self, pcm: Pcm) -> list[Word]:
        raise NotImplementedError

    def stream(self) -> CountingStream:
        self.streams += 1
        return CountingStream()


class CountingStream:
    def __init__(self) -> None:
        self._samples = 0
        self.settled_ms = 0

    def feed(self, pcm: Pcm) -> list[Word]:
        self._samples += pcm.size
        done_ms = self._samples // RATE * 1_000
        words = [Word("tick", at, at + 1_000) for at in range(self.settled_ms, done_ms, 1_000)]
        self.settled_ms = done_ms
        return words

    def finish(self) -> list[Word]:
        return [Word("rest", self.settled_ms, self._samples * 1_000 // RATE)]


@pytest.fixture
def listener() -> Listener:
    one = Listener(Counting())
    assert one.begin(SILENCE.init) == []
    return one


def test_words_get_stream_times(listener: Listener) -> None:
    words = []
    for part in SILENCE.fragments:
        words += listener.hear(ORIGIN + part.ms, part.data)
    assert [word.from_ms - ORIGIN for word in words] == [0, 1_000]
    assert listener.heard_ms == ORIGIN + 2_000
    (rest,) = listener.flush()
    assert rest.from_ms == ORIGIN + 2_000
    assert listener.heard_ms == rest.to_ms
    assert listener.flush() == []


def test_behind_a_hole_it_begins_anew_at_the_right_time(listener: Listener) -> None:
    first, second, third, *_ = SILENCE.fragments
    assert listener.hear(ORIGIN, first.data) == []
    (rest,) = listener.hear(ORIGIN + 10_000, second.data)
    assert (rest.text, rest.from_ms) == ("rest", ORIGIN)
    words = listener.hear(ORIGIN + 10_000 + second.length_ms, third.data)
    assert [(word.text, word.from_ms) for word in words] == [("tick", ORIGIN + 10_000)]


def test_a_little_jitter_is_no_hole() -> None:
    engine = Counting()
    listener = Listener(engine)
    listener.begin(SILENCE.init)
    for number, part in enumerate(SILENCE.fragments):
        listener.hear(ORIGIN + part.ms + (number % 2) * 30, part.data)
    assert engine.streams == 1


def test_a_broken_part_is_a_hole(listener: Listener) -> None:
    first, second, third, *_ = SILENCE.fragments
    listener.hear(ORIGIN, first.data)
    words = listener.hear(ORIGIN + second.ms, b"junk")
    assert [word.text for word in words] == ["rest"]
    assert listener.problem
    listener.hear(ORIGIN + third.ms, third.data)
    assert listener.problem == ""


def test_without_a_good_init_segment_nothing_is_heard(listener: Listener) -> None:
    listener.begin(b"junk")
    assert listener.problem
    assert listener.hear(ORIGIN, SILENCE.fragments[0].data) == []
    assert listener.problem == "there is no init segment that could be used"
