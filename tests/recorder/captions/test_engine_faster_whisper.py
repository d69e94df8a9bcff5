"""Segments become words, and a model folder is looked at before the library gets it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from recorder.captions import engine_faster_whisper
from recorder.captions.engine import EngineMissing
from recorder.captions.engine_faster_whisper import FasterWhisper, open_engine
from recorder.captions.words import Word
from tests.recorder.captions.speech import silence


@dataclass
class Timed:
    start: float
    end: float
    word: str
    probability: float


@dataclass
class Segment:
    words: list[Timed] | None
    no_speech_prob: float = 0.0


class Model:
    """Says the same whatever it hears."""

    def transcribe(
        self, audio: NDArray[np.float32], **options: object
    ) -> tuple[Iterable[Segment], None]:
        assert audio.dtype == np.float32
        assert options["language"] == "de"
        words = [Timed(0.1, 0.5, " Guten", 0.9), Timed(0.4, 9.0, " Tag.", 1.5)]
        return iter([Segment(words), Segment(None), Segment([Timed(1.0, 1.0, " ", 0.1)])]), None


def test_segments_become_words_with_rising_times() -> None:
    engine = FasterWhisper(cast(engine_faster_whisper._Model, Model()), "de")
    assert engine.transcribe(silence(1)) == [
        Word("Guten", 100, 500, 0.9),
        Word("Tag.", 500, 1_000, 1.0),
    ]
    assert engine.transcribe(silence(0)) == []
    assert engine.stream().feed(silence(1)) == []


def test_a_model_folder_must_hold_the_model(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="name the model's folder"):
        open_engine(None, "en")
    for name in ("model.bin", "config.json"):
        (tmp_path / name).touch()
    with pytest.raises(EngineMissing, match=r"there is no part of the model \(tokenizer.json\)"):
        open_engine(tmp_path, "en")
