"""sherpa-onnx: streaming models (transducers), small and quick enough for live on a core.

The model folder is one of the project's streaming zipformers: tokens.txt, and an encoder, a
decoder and a joiner in ONNX.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from recorder.captions.engine import EngineMissing, only
from recorder.captions.utterances import RATE, Pcm, floats
from recorder.captions.words import Word, rising

PAUSE_S: Final = 0.6
"""Of silence after words: they are final then."""
LONGEST_S: Final = 8.0
TAIL_S: Final = 0.7
"""Of silence behind the end: the model looks ahead."""
LONGEST_TOKEN_MS: Final = 400
"""A token says when it begins, and not when it ends."""
SPACES: Final = (" ", "\u2581")
"""A token that begins with one begins a word."""


class _Stream(Protocol):
    def accept_waveform(self, sample_rate: float, waveform: NDArray[np.float32]) -> None: ...
    def input_finished(self) -> None: ...


class _Recognizer(Protocol):
    def create_stream(self) -> _Stream: ...
    def is_ready(self, s: _Stream) -> bool: ...
    def decode_stream(self, s: _Stream) -> None: ...
    def is_endpoint(self, s: _Stream) -> bool: ...
    def reset(self, s: _Stream) -> object: ...
    def tokens(self, s: _Stream) -> list[str]: ...
    def timestamps(self, s: _Stream) -> list[float]: ...
    def start_time(self, s: _Stream) -> float: ...
    def ys_probs(self, s: _Stream) -> list[float]: ...


class _Recognizers(Protocol):
    def from_transducer(
        self,
        *,
        tokens: str,
        encoder: str,
        decoder: str,
        joiner: str,
        num_threads: int,
        sample_rate: int,
        enable_endpoint_detection: bool,
        rule1_min_trailing_silence: float,
        rule2_min_trailing_silence: float,
        rule3_min_utterance_length: float,
    ) -> _Recognizer: ...


class _Package(Protocol):
    OnlineRecognizer: _Recognizers


class SherpaStream:
    """A `Stream`."""

    def __init__(self, recognizer: _Recognizer) -> None:
        self._recognizer = recognizer
        self._stream = recognizer.create_stream()
        self._fed = 0
        """Samples."""
        self.settled_ms = 0

    def feed(self, pcm: Pcm) -> list[Word]:
        self._fed += pcm.size
        self._stream.accept_waveform(RATE, floats(pcm))
        return self._decode()

    def finish(self) -> list[Word]:
        self._stream.accept_waveform(RATE, np.zeros(round(TAIL_S * RATE), np.float32))
        self._stream.input_finished()
        return self._decode() + self._taken()

    def _decode(self) -> list[Word]:
        words: list[Word] = []
        while self._recognizer.is_ready(self._stream):
            self._recognizer.decode_stream(self._stream)
            if self._recognizer.is_endpoint(self._stream):
                words += self._taken()
                self._recognizer.reset(self._stream)
        return words

    def _taken(self) -> list[Word]:
        """What it heard since the last endpoint. Its times count from there."""
        heard, at = self._recognizer, self._stream
        start_ms = round(heard.start_time(at) * 1_000)
        fed_ms = self._fed * 1_000 // RATE
        words = rising(
            words_of(
                heard.tokens(at),
                [start_ms + round(one * 1_000) for one in heard.timestamps(at)],
                heard.ys_probs(at),
                fed_ms,
            ),
            self.settled_ms,
        )
        self.settled_ms = words[-1].to_ms if words else max(self.settled_ms, start_ms)
        return words


class Sherpa:
    """An `Engine`."""

    def __init__(self, recognizer: _Recognizer) -> None:
        self._recognizer = recognizer

    def transcribe(self, pcm: Pcm) -> list[Word]:
        stream = self.stream()
        return stream.feed(pcm) + stream.finish()

    def stream(self) -> SherpaStream:
        return SherpaStream(self._recognizer)


def words_of(
    tokens: Sequence[str], times_ms: Sequence[int], scores: Sequence[float], end_ms: int
) -> list[Word]:
    """Tokens, which are pieces of words, put together.

    `scores` are logarithms of probabilities, one a token, or none at all.
    """
    # With some models there are more times than tokens that were heard.
    count = min(len(tokens), len(times_ms))
    edges = [*times_ms[:count], max(end_ms, *times_ms[:count], 0)] if count else []
    spans = [(start, min(end, start + LONGEST_TOKEN_MS)) for start, end in pairwise(edges)]
    found: list[tuple[str, int, int, list[float]]] = []
    for number, (token, (from_ms, to_ms)) in enumerate(zip(tokens, spans, strict=False)):
        score = [scores[number]] if number < len(scores) else []
        text = token.lstrip("".join(SPACES))
        if found and not token.startswith(SPACES):
            before, start_ms, _, known = found[-1]
            found[-1] = (before + text, start_ms, to_ms, known + score)
        else:
            found.append((text, from_ms, to_ms, score))
    return [
        Word(text, from_ms, to_ms, _confidence(known))
        for text, from_ms, to_ms, known in found
        if text
    ]


def open_engine(model_dir: Path | None, language: str) -> Sherpa:
    """`language` is the model's. Raises EngineMissing for a folder that is no model."""
    if model_dir is None:
        raise EngineMissing("sherpa-onnx needs a model: name the model's folder.")
    tokens = only(model_dir, ["tokens.txt"], "list of tokens")
    # Of both kinds the one with small numbers, which is quicker; the decoder is small anyway.
    encoder = only(model_dir, ["*encoder*.int8.onnx", "*encoder*.onnx"], "encoder")
    decoder = only(model_dir, ["*decoder*[!8].onnx", "*decoder*.onnx"], "decoder")
    joiner = only(model_dir, ["*joiner*.int8.onnx", "*joiner*.onnx"], "joiner")
    package: _Package = importlib.import_module("sherpa_onnx")
    recognizer = package.OnlineRecognizer.from_transducer(
        tokens=str(tokens),
        encoder=str(encoder),
        decoder=str(decoder),
        joiner=str(joiner),
        num_threads=1,
        sample_rate=RATE,
        enable_endpoint_detection=True,
        rule1_min_trailing_silence=2.4,
        rule2_min_trailing_silence=PAUSE_S,
        rule3_min_utterance_length=LONGEST_S,
    )
    return Sherpa(recognizer)


def _confidence(scores: Sequence[float]) -> float:
    """Of a word: the least likely of its tokens."""
    return min(1.0, math.exp(min(scores))) if scores else 1.0
