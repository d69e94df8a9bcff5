"""A word that was heard, with its times."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Word(msgspec.Struct, frozen=True):
    """Times count from wherever its owner counts: a piece of sound, the stream, the VOD."""

    text: str
    from_ms: int
    to_ms: int
    confidence: float = 1.0
    """0 to 1, as far as the engine says so."""

    def later(self, ms: int) -> Word:
        """The same word, so much later."""
        return Word(self.text, self.from_ms + ms, self.to_ms + ms, self.confidence)


def rising(words: Iterable[Word], after_ms: int = 0) -> list[Word]:
    """In the same order, but none begins before the one before it has ended, or lasts no time.

    Engines that align text to sound afterwards are not always that exact.
    """
    settled: list[Word] = []
    for word in words:
        from_ms = max(word.from_ms, after_ms)
        after_ms = max(word.to_ms, from_ms + 1)
        settled.append(Word(word.text, from_ms, after_ms, word.confidence))
    return settled
