"""Words become cues: what stands on the screen at one time.

    maker = CueMaker()
    cues = maker.add(words); cues = maker.heard(until_ms); cues = maker.finish()

Pure: the same words always make the same cues, in whatever portions they come.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from recorder.captions.layout import fits, joined, pieces, width, wrapped
from recorder.captions.text import clean
from recorder.captions.words import Word

Tag = Literal["b", "i", "u"]

ENDS: Final = tuple(".!?\N{HORIZONTAL ELLIPSIS}\N{IDEOGRAPHIC FULL STOP}\uff01\uff1f")
"""Of a sentence; the last ones are wide."""


@dataclass(frozen=True, slots=True)
class Style:
    """A stretch of a cue's text in bold, italics, or underlined."""

    tag: Tag
    start: int
    end: int
    """In characters; the end is not in it."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Text for a stretch of time."""

    from_ms: int
    to_ms: int
    text: str
    """Plain: whatever looks like markup in it is none. Lines are divided by a newline."""
    styles: tuple[Style, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """What people can read in the time."""

    lines: int = 2
    width: int = 42
    """Columns of a line."""
    longest_ms: int = 7_000
    shortest_ms: int = 1_000
    """A cue stays for so long where the next one leaves the room."""
    pause_ms: int = 500
    """A silence of so long begins a new cue."""


RULES: Final = Rules()


def cues(words: Iterable[Word], rules: Rules = RULES) -> list[Cue]:
    """All cues of all words. Their times rise, and no two are there at once."""
    maker = CueMaker(rules)
    return maker.add(words) + maker.finish()


class CueMaker:
    """The same, while words come: gives each cue as soon as nothing can change it any more."""

    def __init__(self, rules: Rules = RULES) -> None:
        self._rules = rules
        self._words: list[Word] = []
        """Of the cue that is still open."""
        self._held: Cue | None = None
        """Complete, but how long it may stay is not known; then no cue is open."""
        self._end_ms = 0
        """Of the newest word."""

    def add(self, words: Iterable[Word]) -> list[Cue]:
        """The next words, which are final."""
        done: list[Cue] = []
        for word in words:
            for piece in self._settled(word):
                done += self._one(piece)
        return done

    def heard(self, until_ms: int) -> list[Cue]:
        """No word will come that begins before this time."""
        if self._words and until_ms - self._words[-1].to_ms >= self._rules.pause_ms:
            self._close()
        if self._held is not None and until_ms >= self._held.from_ms + self._rules.shortest_ms:
            return self._release(until_ms)
        return []

    def finish(self) -> list[Cue]:
        """Nothing more comes."""
        if self._words:
            self._close()
        return self._release(None)

    def _one(self, word: Word) -> list[Cue]:
        if self._words and not self._fits(word):
            self._close()
        done = self._release(word.from_ms)
        self._words.append(word)
        lasts_ms = word.to_ms - self._words[0].from_ms
        if word.text.endswith(ENDS) and lasts_ms >= self._rules.shortest_ms:
            self._close()
        return done

    def _fits(self, word: Word) -> bool:
        first, last = self._words[0], self._words[-1]
        if word.from_ms - last.to_ms >= self._rules.pause_ms:
            return False
        if word.to_ms - first.from_ms > self._rules.longest_ms:
            return False
        texts = [one.text for one in self._words] + [word.text]
        return fits(texts, self._rules.width, self._rules.lines)

    def _close(self) -> None:
        first, last = self._words[0], self._words[-1]
        to_ms = min(last.to_ms, first.from_ms + self._rules.longest_ms)
        lines = wrapped([one.text for one in self._words], self._rules.width)
        self._held = Cue(first.from_ms, to_ms, "\n".join(lines))
        self._words = []

    def _release(self, next_ms: int | None) -> list[Cue]:
        """Let the held cue go; nothing begins before `next_ms`, or ever."""
        cue, self._held = self._held, None
        if cue is None:
            return []
        to_ms = max(cue.to_ms, cue.from_ms + self._rules.shortest_ms)
        if next_ms is not None:
            to_ms = min(to_ms, max(next_ms, cue.to_ms))
        return [Cue(cue.from_ms, to_ms, cue.text)]

    def _settled(self, word: Word) -> list[Word]:
        """The word in pieces that fit into a line, none before the end of the one before."""
        text = joined(clean(word.text).split())
        if not text:
            return []
        texts = pieces(text, self._rules.width) if width(text) > self._rules.width else [text]
        start_ms = max(word.from_ms, self._end_ms)
        length_ms = max(word.to_ms - start_ms, len(texts))
        edges = [start_ms + length_ms * number // len(texts) for number in range(len(texts) + 1)]
        self._end_ms = edges[-1]
        return [
            Word(one, edges[number], edges[number + 1], word.confidence)
            for number, one in enumerate(texts)
        ]
