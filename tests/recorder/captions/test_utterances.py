"""Where sound is cut."""

from __future__ import annotations

import numpy as np
import pytest

from recorder.captions.utterances import (
    FRAME,
    RATE,
    Cutter,
    Pcm,
    Utterance,
    UtteranceStream,
    floats,
)
from recorder.captions.words import Word

DICE = np.random.default_rng(1)


def loud(seconds: float, level: float = 4_000) -> Pcm:
    return DICE.normal(0, level, round(seconds * RATE)).clip(-30_000, 30_000).astype(np.int16)


def quiet(seconds: float, level: float = 20) -> Pcm:
    return loud(seconds, level)


def cut(cutter: Cutter, *pieces: Pcm, portion: int = 1_000) -> list[Utterance]:
    sound = np.concatenate(pieces)
    found = []
    for at in range(0, sound.size, portion):
        found += cutter.feed(sound[at : at + portion])
    return found + cutter.finish()


def seconds(found: list[Utterance]) -> list[tuple[float, float]]:
    return [(one.start / RATE, one.pcm.size / RATE) for one in found]


@pytest.mark.parametrize("portion", [37, 160, FRAME, 5_000, RATE * 60])
def test_two_sentences_are_two_utterances_in_whatever_portions_they_come(portion: int) -> None:
    sounds = quiet(1), loud(1), quiet(1), loud(2), quiet(0.1)
    found = cut(Cutter(6), *sounds, portion=portion)
    wanted = [(0.7, 1.5), (2.7, 2.4)]
    assert seconds(found) == [pytest.approx(one, abs=0.05) for one in wanted]


def test_the_sound_of_an_utterance_is_what_was_fed() -> None:
    sound = np.concatenate([quiet(0.5), loud(1), quiet(1)])
    (found,) = Cutter(6).feed(sound)
    np.testing.assert_array_equal(found.pcm, sound[found.start : found.start + found.pcm.size])
    assert found.start_ms == found.start // 16


def test_silence_and_clicks_are_nothing() -> None:
    assert cut(Cutter(6), quiet(3), loud(0.05), quiet(3), np.zeros(RATE, np.int16)) == []
    assert Cutter(6).finish() == []


def test_a_steady_noise_becomes_background() -> None:
    found = cut(Cutter(6), loud(30, 800), loud(2, 6_000), loud(1, 800))
    assert seconds(found)[-1] == pytest.approx((29.7, 2.5), abs=0.2)


def test_without_a_pause_it_is_cut_at_the_quietest_moment() -> None:
    sounds = quiet(0.5), loud(3), loud(0.2, 500), loud(5), quiet(1)
    found = cut(Cutter(4), *sounds)
    assert found[0].start + found[0].pcm.size == found[1].start
    assert found[1].start / RATE == pytest.approx(3.6, abs=0.15)
    assert max(one.pcm.size for one in found) <= 4 * RATE


def test_a_window_goes_over_pauses_until_it_is_long_enough() -> None:
    sentences = [piece for _ in range(8) for piece in (loud(1), quiet(0.6))]
    lengths = [length for _, length in seconds(cut(Cutter(10, shortest_s=4), *sentences))]
    assert lengths[:-1] == [pytest.approx(4.6, abs=0.5)] * 2


def test_a_long_pause_ends_any_window() -> None:
    found = cut(Cutter(28, shortest_s=12), quiet(0.5), loud(1), quiet(5), loud(1), quiet(3))
    assert len(found) == 2


def test_what_is_settled_goes_on_in_silence_and_waits_while_somebody_speaks() -> None:
    cutter = Cutter(6)
    cutter.feed(quiet(5))
    assert cutter.settled_ms == pytest.approx(4_700, abs=50)
    cutter.feed(loud(2))
    assert cutter.settled_ms == pytest.approx(4_700, abs=50)
    cutter.feed(quiet(1))
    assert cutter.settled_ms == pytest.approx(7_700, abs=50)


def test_words_get_the_times_of_the_stream_and_rise() -> None:
    def hear(pcm: Pcm) -> list[Word]:
        return [Word("a", 0, 10_000), Word("b", 100, 200)]

    stream = UtteranceStream(hear, Cutter(6))
    words = stream.feed(np.concatenate([quiet(1), loud(1), quiet(1)]))
    assert [word.from_ms for word in words] == [pytest.approx(700, abs=50), words[0].to_ms]
    assert stream.settled_ms == words[-1].to_ms
    after = stream.feed(loud(1)) + stream.finish()
    assert after[0].from_ms >= words[-1].to_ms


def test_samples_become_floats_from_minus_one_to_one() -> None:
    scaled = floats(np.array([-32_768, 0, 16_384], np.int16))
    assert scaled.dtype == np.float32
    assert scaled.tolist() == [-1.0, 0.0, 0.5]
