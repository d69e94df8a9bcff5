"""Captions of a live stream, by segments of it.

    live = LiveCaptions()
    live.add(heard.words)
    cues = live.publish(from_ms, to_ms, zero_ms)

Words come late: an engine knows them when a sentence is over, and by then the segment that they
belong to is with the players. So a cue that comes too late for its segment moves to the first
one that was not published, and those behind it move along until a pause makes up for it; as on
television, text comes some seconds after the voice. The recording has the words at their time.

No I/O; all times are stream times in milliseconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from recorder.captions.cues import Cue, CueMaker, Rules
from recorder.captions.words import Word

KEEP_MS: Final = 120_000
"""Cues that ended so long before the newest are forgotten."""
MOST_LATE_MS: Final = 15_000
"""A cue that would be shown so much later than it was said is left out."""
BACK_MS: Final = 5_000
"""Words that lie so far before the last ones belong to a clock that was set anew."""


class LiveCaptions:
    """One language of one broadcast."""

    def __init__(
        self,
        rules: Rules = Rules(),  # noqa: B008 - frozen
        keep_ms: int = KEEP_MS,
        most_late_ms: int = MOST_LATE_MS,
    ) -> None:
        self._rules = rules
        self._keep_ms = keep_ms
        self._most_late_ms = most_late_ms
        self._maker = CueMaker(rules)
        self._cues: deque[Cue] = deque()
        """Rising, and no two at once."""
        self._said_ms = 0
        """End of the newest word."""
        self._published_ms = 0
        """Before it nothing can be changed."""
        self.left_out = 0
        """Cues that came too late."""

    def add(self, words: Sequence[Word]) -> list[Cue]:
        """Words that became final; returns the cues that they made, as they are shown.

        They come utterance by utterance, so a cue never waits for the next one's words.
        """
        if not words:
            return []
        if words[0].from_ms < self._said_ms - BACK_MS:
            self._begin_anew()
        self._said_ms = max(self._said_ms, words[-1].to_ms)
        shown: list[Cue] = []
        for cue in self._maker.add(words) + self._maker.finish():
            placed = self._placed(cue)
            if placed is None:
                self.left_out += 1
            else:
                self._cues.append(placed)
                shown.append(placed)
        self._forget()
        return shown

    def between(self, from_ms: int, to_ms: int) -> list[Cue]:
        """Cues that are there in [from, to), with their whole times."""
        return [one for one in self._cues if one.from_ms < to_ms and one.to_ms > from_ms]

    def segment(self, from_ms: int, to_ms: int, zero_ms: int) -> list[Cue]:
        """The cues that are shown in [from, to), with times that count from `zero_ms`.

        A cue that spans two segments stands in both, with the same whole times: so players know
        that it is one (RFC 8216, 3.5).
        """
        return [
            Cue(one.from_ms - zero_ms, one.to_ms - zero_ms, one.text, one.styles)
            for one in self.between(from_ms, to_ms)
        ]

    def publish(self, from_ms: int, to_ms: int, zero_ms: int) -> list[Cue]:
        """The same, and nothing is added to it afterwards."""
        self._published_ms = max(self._published_ms, to_ms)
        return self.segment(from_ms, to_ms, zero_ms)

    def _placed(self, cue: Cue) -> Cue | None:
        before_ms = self._cues[-1].to_ms if self._cues else 0
        from_ms = max(cue.from_ms, before_ms, self._published_ms)
        if from_ms - cue.from_ms > self._most_late_ms:
            return None
        return Cue(from_ms, from_ms + cue.to_ms - cue.from_ms, cue.text, cue.styles)

    def _forget(self) -> None:
        newest_ms = max(self._said_ms, self._published_ms)
        while self._cues and self._cues[0].to_ms < newest_ms - self._keep_ms:
            self._cues.popleft()

    def _begin_anew(self) -> None:
        self._maker = CueMaker(self._rules)
        self._cues.clear()
        self._said_ms = self._published_ms = 0
