"""Sound cut at its silences, so that an engine gets whole words and nobody waits long.

    cutter = Cutter(longest_s=6)
    for utterance in cutter.feed(pcm): ...
    for utterance in cutter.finish(): ...

Silence is what is not much louder than the quietest of the last seconds. Where there is none for
too long, as with music under the voice, it is cut at the quietest moment there is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recorder.captions.words import Word, rising

RATE: Final = 16_000
"""Samples a second of all sound that engines hear; one channel."""
FRAME: Final = RATE // 50
"""Samples that are judged at once."""
FRAME_S: Final = FRAME / RATE

QUIET: Final = 60.0
"""Of 32,768: below it is silence in any case (-55 dB)."""
LOUDER: Final = 2.5
"""As often as loud as the background (8 dB) is no silence."""
FORGET: Final = 1.006
"""The background rises so much a frame: twofold in 2.3 s."""
LEAD: Final = 15
"""Frames kept before the first loud one: consonants are quiet."""
CLICK: Final = 4
"""Loud frames; fewer are no word."""

Pcm: TypeAlias = NDArray[np.int16]


def floats(pcm: Pcm) -> NDArray[np.float32]:
    """The same sound from -1 to 1."""
    scaled = pcm.astype(np.float32)
    scaled /= 32_768
    return scaled


@dataclass(frozen=True, slots=True)
class Utterance:
    """A piece of sound with something in it."""

    start: int
    """In samples since the cutter began."""
    pcm: Pcm

    @property
    def start_ms(self) -> int:
        return self.start * 1_000 // RATE


class Cutter:
    """Holds at most the longest utterance and a little more."""

    def __init__(
        self,
        longest_s: float,
        shortest_s: float = 0.0,
        pause_s: float = 0.4,
        long_pause_s: float = 2.0,
    ) -> None:
        """An utterance that has lasted for `shortest_s` ends at a pause of `pause_s`; any ends
        at one of `long_pause_s`."""
        self._longest = max(4 * LEAD, round(longest_s / FRAME_S))
        self._shortest = round(shortest_s / FRAME_S)
        self._pause = max(1, round(pause_s / FRAME_S))
        self._long_pause = max(self._pause, round(long_pause_s / FRAME_S))
        self._rest: Pcm = np.zeros(0, np.int16)
        """Less than a frame."""
        self._frames: list[Pcm] = []
        self._levels: list[float] = []
        self._loud: list[bool] = []
        self._start = 0
        """Samples before the first held frame."""
        self._background = QUIET
        self._speaking = False
        self._silent = 0
        """Frames since the last loud one."""

    @property
    def settled_ms(self) -> int:
        """Everything before was given out, or is silence."""
        return self._start * 1_000 // RATE

    def feed(self, pcm: Pcm) -> list[Utterance]:
        """The utterances that end in it."""
        whole = np.concatenate((self._rest, pcm)) if self._rest.size else pcm
        count = whole.size // FRAME
        self._rest = whole[count * FRAME :].copy()
        frames = whole[: count * FRAME].reshape(count, FRAME)
        levels = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
        done: list[Utterance] = []
        for frame, level in zip(frames, levels, strict=True):
            done += self._one(frame.copy(), float(level))
        return done

    def finish(self) -> list[Utterance]:
        """What is left. Nothing may be fed afterwards."""
        if self._rest.size:
            self._hold(np.pad(self._rest, (0, FRAME - self._rest.size)), QUIET, loud=False)
        return self._cut(len(self._frames))

    def _one(self, frame: Pcm, level: float) -> list[Utterance]:
        loud = level > max(QUIET, LOUDER * self._background)
        self._background = min(max(level, QUIET / LOUDER), self._background * FORGET)
        self._hold(frame, level, loud)
        if loud:
            self._speaking, self._silent = True, 0
        else:
            self._silent += 1
        if not self._speaking:
            self._leave(len(self._frames) - LEAD)
            return []
        length = len(self._frames)
        pause = self._pause if length >= self._shortest else self._long_pause
        if self._silent >= pause:
            # The other half of the pause belongs to what comes next.
            return self._cut(length - pause // 2)
        if length >= self._longest:
            return self._cut(self._quietest())
        return []

    def _hold(self, frame: Pcm, level: float, loud: bool) -> None:
        self._frames.append(frame)
        self._levels.append(level)
        self._loud.append(loud)

    def _quietest(self) -> int:
        """The frame in the last third around which it is quietest."""
        first = len(self._levels) * 2 // 3
        around = np.convolve(self._levels[first:], np.ones(5) / 5, mode="valid")
        return first + 2 + int(np.argmin(around))

    def _cut(self, count: int) -> list[Utterance]:
        start, frames, loud = self._start, self._frames[:count], sum(self._loud[:count])
        self._leave(count)
        self._speaking = any(self._loud)
        if not self._speaking:
            self._silent = 0
        return [Utterance(start, np.concatenate(frames))] if loud >= CLICK else []

    def _leave(self, count: int) -> None:
        """Forget the oldest frames."""
        if count > 0:
            del self._frames[:count], self._levels[:count], self._loud[:count]
            self._start += count * FRAME


class UtteranceStream:
    """Words of a stream from an engine that only hears whole utterances."""

    def __init__(self, hear: Callable[[Pcm], list[Word]], cutter: Cutter) -> None:
        """`hear` gives the words of an utterance, with times from its beginning."""
        self._hear = hear
        self._cutter = cutter
        self._end_ms = 0

    @property
    def settled_ms(self) -> int:
        """No word that begins before is still to come."""
        return max(self._end_ms, self._cutter.settled_ms)

    def feed(self, pcm: Pcm) -> list[Word]:
        """The words that are final now."""
        return self._words(self._cutter.feed(pcm))

    def finish(self) -> list[Word]:
        """The rest of them."""
        return self._words(self._cutter.finish())

    def _words(self, utterances: list[Utterance]) -> list[Word]:
        words: list[Word] = []
        for utterance in utterances:
            heard = (word.later(utterance.start_ms) for word in self._hear(utterance.pcm))
            words += rising(heard, words[-1].to_ms if words else self._end_ms)
        if words:
            self._end_ms = words[-1].to_ms
        return words
