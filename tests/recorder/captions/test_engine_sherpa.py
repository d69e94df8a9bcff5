"""Tokens become words, and a model folder is looked at. The library itself is not needed here."""

from __future__ import annotations

import math
from collections import deque
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from recorder.captions import engine_sherpa
from recorder.captions.engine import EngineMissing
from recorder.captions.engine_sherpa import Sherpa, open_engine, words_of
from recorder.captions.utterances import RATE
from recorder.captions.words import Word
from tests.recorder.captions.speech import assert_rising, silence


def test_tokens_that_begin_with_a_space_begin_words() -> None:
    words = words_of([" HE", "LLO", "\u2581WORLD"], [100, 300, 900], [], 5_000)
    assert words == [Word("HELLO", 100, 700), Word("WORLD", 900, 1_300)]


def test_a_word_is_as_sure_as_its_least_likely_token() -> None:
    words = words_of([" a", "b", " c"], [0, 100, 200], [0.0, math.log(0.5), math.log(0.9)], 300)
    assert [word.confidence for word in words] == [pytest.approx(0.5), pytest.approx(0.9)]


def test_times_without_tokens_and_tokens_without_times_are_left_out() -> None:
    assert words_of([], [100], [], 500) == []
    assert words_of([" a", " b"], [100], [], 500) == [Word("a", 100, 500)]
    assert words_of([" ", " b"], [100, 200], [], 500) == [Word("b", 200, 500)]


class Recognizer:
    """Hears a word every second; an utterance is over after two."""

    def __init__(self) -> None:
        self.samples = 0
        self._decoded_s = self._start_s = 0
        self._over = deque[bool]()

    def create_stream(self) -> Recognizer:
        return self

    def accept_waveform(self, sample_rate: float, waveform: NDArray[np.float32]) -> None:
        assert waveform.dtype == np.float32
        self.samples += waveform.size

    def input_finished(self) -> None:
        pass

    def is_ready(self, s: Recognizer) -> bool:
        return (self._decoded_s + 1) * RATE <= self.samples

    def decode_stream(self, s: Recognizer) -> None:
        self._decoded_s += 1

    def is_endpoint(self, s: Recognizer) -> bool:
        return self._decoded_s - self._start_s == 2

    def reset(self, s: Recognizer) -> None:
        self._start_s = self._decoded_s

    def tokens(self, s: Recognizer) -> list[str]:
        return [" tick"] * (self._decoded_s - self._start_s)

    def timestamps(self, s: Recognizer) -> list[float]:
        return [0.5 + second for second in range(self._decoded_s - self._start_s)]

    def start_time(self, s: Recognizer) -> float:
        return float(self._start_s)

    def ys_probs(self, s: Recognizer) -> list[float]:
        return []


def test_words_are_final_at_an_endpoint_and_their_times_count_from_the_beginning() -> None:
    stream = Sherpa(cast(engine_sherpa._Recognizer, Recognizer())).stream()
    words = stream.feed(silence(1.5))
    assert (words, stream.settled_ms) == ([], 0)
    words = stream.feed(silence(3.5))
    assert [word.from_ms for word in words] == [500, 1_500, 2_500, 3_500]
    assert stream.settled_ms == words[-1].to_ms
    words += stream.finish()
    assert [word.from_ms for word in words] == [500, 1_500, 2_500, 3_500, 4_500]
    assert_rising(words)


def test_a_model_folder_must_hold_the_model(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="name the model's folder"):
        open_engine(None, "en")
    (tmp_path / "tokens.txt").touch()
    with pytest.raises(EngineMissing, match="there is no encoder"):
        open_engine(tmp_path, "en")
