"""Parts of a live rendition become words with stream times. All of this in the child process.

    listener = Listener(engine)
    words = listener.begin(init)
    words = listener.hear(time_ms, part)
    words = listener.flush()

Where a part does not follow the one before, the words so far are finished and it begins anew: so
a hole in the sound never moves what comes after it.
"""

from __future__ import annotations

from typing import Final

from recorder.captions.engine import Engine, Stream
from recorder.captions.sound import SoundBroken, SoundDecoder
from recorder.captions.utterances import RATE
from recorder.captions.words import Word

JUMP_MS: Final = 60
"""A part that begins so much earlier or later than expected does not follow."""


class Listener:
    """One rendition. Nothing here raises for what is in the sound."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._decoder: SoundDecoder | None = None
        self._stream: Stream | None = None
        self._begin_ms = 0
        """Stream time at which the engine's stream begins."""
        self._samples = 0
        """Since then."""
        self.heard_ms = 0
        """Stream time before which all words are known."""
        self.problem = ""
        """What was wrong with the newest part; empty: nothing."""

    def begin(self, init: bytes) -> list[Word]:
        """What comes now is behind this init segment."""
        words = self.flush()
        self.problem = ""
        try:
            self._decoder = SoundDecoder(init)
        except SoundBroken as error:
            self._decoder, self.problem = None, str(error)
        return words

    def hear(self, time_ms: int, part: bytes) -> list[Word]:
        """A part (moof and mdat) that begins at this stream time."""
        self.problem = ""
        if self._decoder is None:
            self.problem = "there is no init segment that could be used"
            return []
        words: list[Word] = []
        if self._stream is not None and abs(time_ms - self._end_ms) > JUMP_MS:
            words += self.flush()
            self._decoder.reset()
        try:
            pcm = self._decoder.decode(part)
        except SoundBroken as error:
            self.problem = str(error)
            return words + self.flush()
        if self._stream is None:
            self._stream = self._engine.stream()
            self._begin_ms, self._samples = time_ms, 0
        self._samples += pcm.size
        words += [word.later(self._begin_ms) for word in self._stream.feed(pcm)]
        self.heard_ms = self._begin_ms + self._stream.settled_ms
        return words

    def flush(self) -> list[Word]:
        """Nothing more comes for now: the words of what came."""
        if self._stream is None:
            return []
        words = [word.later(self._begin_ms) for word in self._stream.finish()]
        self.heard_ms = max(self._end_ms, words[-1].to_ms if words else 0)
        self._stream = None
        return words

    @property
    def _end_ms(self) -> int:
        return self._begin_ms + self._samples * 1_000 // RATE
