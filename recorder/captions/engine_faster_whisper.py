"""faster-whisper: accurate, many languages, slow without a graphics card: best afterwards.

The model folder is a Whisper model in the form of CTranslate2. Its files are looked for here: the
library takes a folder that is not there for a name on the internet, and fetches a tokenizer that
is missing.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from recorder.captions.engine import EngineMissing, only
from recorder.captions.utterances import RATE, Cutter, Pcm, UtteranceStream, floats
from recorder.captions.words import Word, rising

LONGEST_LIVE_S: Final = 8.0
"""It always works on 30 s; less than this costs as much and knows less."""
SHORTEST_LIVE_S: Final = 2.0


class _Word(Protocol):
    start: float
    end: float
    word: str
    probability: float


class _Segment(Protocol):
    words: list[_Word] | None
    no_speech_prob: float


class _Model(Protocol):
    def transcribe(
        self,
        audio: NDArray[np.float32],
        *,
        language: str,
        word_timestamps: bool,
        condition_on_previous_text: bool,
        beam_size: int,
    ) -> tuple[Iterable[_Segment], object]: ...


class _Package(Protocol):
    def WhisperModel(
        self, model_size_or_path: str, *, device: str, compute_type: str, local_files_only: bool
    ) -> _Model: ...


class FasterWhisper:
    """An `Engine`."""

    def __init__(self, model: _Model, language: str) -> None:
        self._model = model
        self._language = language

    def transcribe(self, pcm: Pcm) -> list[Word]:
        if pcm.size == 0:
            return []
        segments, _ = self._model.transcribe(
            floats(pcm),
            language=self._language,
            word_timestamps=True,
            # Else one mistake is said again and again.
            condition_on_previous_text=False,
            beam_size=5,
        )
        length_ms = pcm.size * 1_000 // RATE
        words = [
            Word(
                one.word.strip(),
                round(one.start * 1_000),
                min(round(one.end * 1_000), length_ms),
                # As numpy gives it, it could not be sent on.
                min(1.0, max(0.0, float(one.probability))),
            )
            for segment in segments
            for one in segment.words or ()
            if one.word.strip()
        ]
        return rising(words)

    def stream(self) -> UtteranceStream:
        return UtteranceStream(self.transcribe, Cutter(LONGEST_LIVE_S, SHORTEST_LIVE_S))


def open_engine(model_dir: Path | None, language: str) -> FasterWhisper:
    """Raises EngineMissing for a folder that is no model."""
    if model_dir is None:
        raise EngineMissing("faster-whisper needs a model: name the model's folder.")
    for name in ("model.bin", "config.json", "tokenizer.json"):
        only(model_dir, [name], "part of the model")
    package: _Package = importlib.import_module("faster_whisper")
    model = package.WhisperModel(
        str(model_dir), device="auto", compute_type="default", local_files_only=True
    )
    return FasterWhisper(model, language)
