"""pocketsphinx: small, quick, brings its own English model, and understands clear speech only.

Other languages need a folder with an acoustic model, a language model and a dictionary, as the
project publishes them.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from recorder.captions.engine import only
from recorder.captions.utterances import RATE, Cutter, Pcm, UtteranceStream
from recorder.captions.words import Word, rising

LONGEST_S: Final = 10.0
"""Of an utterance. Its search takes about a third of that on one core."""
LONGEST_LIVE_S: Final = 5.0
FRAME_MS: Final = 10
"""Of its times."""
NOT_SAID: Final = re.compile(r"<.*>|\[.*\]|\+\+.*\+\+")
"""Silence, noise, and its marks for the begin and the end."""
VARIANT: Final = re.compile(r"\(\d+\)$")
"""Of a word's pronunciation."""
NOISE: Final = 2
"""Perfect silence, as computers make it, is something that its model never heard."""


class _Segment(Protocol):
    word: str
    start_frame: int
    end_frame: int
    prob: float


class _Decoder(Protocol):
    def start_utt(self) -> None: ...
    def process_raw(self, data: bytes, no_search: bool, full_utt: bool) -> object: ...
    def end_utt(self) -> None: ...
    def hyp(self) -> object | None: ...
    def seg(self) -> Iterable[_Segment]: ...


class _Package(Protocol):
    def Decoder(self, **settings: str | int) -> _Decoder: ...


class Pocketsphinx:
    """An `Engine`."""

    def __init__(self, decoder: _Decoder) -> None:
        self._decoder = decoder

    def transcribe(self, pcm: Pcm) -> list[Word]:
        """It hears sentences better than minutes, so it gets those."""
        stream = UtteranceStream(self._hear, Cutter(LONGEST_S))
        return stream.feed(pcm) + stream.finish()

    def stream(self) -> UtteranceStream:
        return UtteranceStream(self._hear, Cutter(LONGEST_LIVE_S))

    def _hear(self, pcm: Pcm) -> list[Word]:
        self._decoder.start_utt()
        try:
            # As a whole: so it knows how loud it is before it begins.
            self._decoder.process_raw(_noisy(pcm).tobytes(), False, True)
        finally:
            self._decoder.end_utt()
        if self._decoder.hyp() is None:
            return []
        length_ms = pcm.size * 1_000 // RATE
        words = [
            Word(
                VARIANT.sub("", one.word),
                one.start_frame * FRAME_MS,
                min((one.end_frame + 1) * FRAME_MS, length_ms),
                min(1.0, max(0.0, one.prob)),
            )
            for one in self._decoder.seg()
            if not NOT_SAID.fullmatch(one.word)
        ]
        return rising(words)


def open_engine(model_dir: Path | None, language: str) -> Pocketsphinx:
    """`language` is the model's. Raises EngineMissing for a folder that is no model."""
    package: _Package = importlib.import_module("pocketsphinx")
    settings: dict[str, str | int] = {"samprate": RATE, "loglevel": "FATAL"}
    if model_dir is not None:
        settings |= {
            "hmm": str(only(model_dir, ["mdef", "*/mdef"], "acoustic model").parent),
            "lm": str(only(model_dir, ["*.lm.bin", "*.lm"], "language model")),
            "dict": str(only(model_dir, ["*.dict", "*.dic"], "dictionary")),
        }
    return Pocketsphinx(package.Decoder(**settings))


def _noisy(pcm: Pcm) -> Pcm:
    """The same with a little noise, and always the same noise."""
    noise = np.random.default_rng(0).integers(-NOISE, NOISE, pcm.size, np.int16, endpoint=True)
    noise += pcm.clip(-32_768 + NOISE, 32_767 - NOISE)
    return noise
