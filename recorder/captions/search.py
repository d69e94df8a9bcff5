"""Finds words in captions, so that one can jump to where they were said.

    for hit in Index(cues).find("second half"): ...

Case and accents do not matter. The words of a query must be in one cue or in neighbours, and
"words in quotes" must follow each other. The last word may be half typed. Pure.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Final

import regex

from recorder.captions.cues import Cue
from recorder.captions.layout import gap

MOST_QUERY: Final = 200
"""Characters; the rest is not looked at."""
SNIPPET: Final = 80
"""Characters, about."""
APART_MS: Final = 3_000
"""What was said so long before or after is no part of a snippet."""

# A wide letter is a word by itself: Chinese and Japanese have no spaces to find words by.
_WORD: Final = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}]|[[\w\p{M}]--[\p{Han}\p{Hiragana}\p{Katakana}]]+"
    r"(?:['\u2019][[\w\p{M}]--[\p{Han}\p{Hiragana}\p{Katakana}]]+)*",
    regex.VERSION1,
)
_TERM: Final = regex.compile(r'"([^"]*)"?|([^\s"]+)')


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where it was said."""

    at_ms: int
    """When the cue with the first word begins."""
    cue: int
    """Its number, from 0."""
    snippet: str
    """One line of text around it."""
    marks: tuple[tuple[int, int], ...]
    """What was found in the snippet: (start, end) in characters, rising."""


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    cue: int
    start: int
    end: int
    """In the one text of all cues."""


class Index:
    """The words of a list of cues. Some 10 ms a thousand cues to make; then it is quick."""

    def __init__(self, cues: Sequence[Cue]) -> None:
        self._cues = cues
        self._tokens: list[_Token] = []
        self._places: dict[str, list[int]] = {}
        """Numbers of tokens by their text."""
        texts: list[str] = []
        at = 0
        for number, cue in enumerate(cues):
            text = " ".join(cue.text.split())
            if texts:
                space = gap(texts[-1], text)
                texts.append(space)
                at += len(space)
            for found in _WORD.finditer(text):
                token = _Token(folded(found[0]), number, at + found.start(), at + found.end())
                self._places.setdefault(token.text, []).append(len(self._tokens))
                self._tokens.append(token)
            texts.append(text)
            at += len(text)
        self._text = "".join(texts)
        self._texts = sorted(self._places)

    def find(self, query: str, most: int = 50) -> list[Hit]:
        """Places, the earliest first, one a cue. None for a query without a word."""
        terms, half = parsed(query[:MOST_QUERY])
        if not terms:
            return []
        runs = [self._runs(term, half and term is terms[-1]) for term in terms]
        hits: list[Hit] = []
        for run in runs[0]:
            if len(hits) >= most:
                break
            others = [self._nearest(run, starts) for starts in runs[1:]]
            places = [run, *(one for one in others if one is not None)]
            if len(places) < len(runs):
                continue
            hit = self._hit(places)
            if not hits or hits[-1].cue < hit.cue:
                hits.append(hit)
        return hits

    def _runs(self, term: Sequence[str], half: bool) -> list[range]:
        """Tokens, each time that they are this term."""
        *whole, last = term
        firsts = self._places.get(term[0], []) if whole else self._matching(last, half)
        found = []
        for first in firsts:
            run = range(first, first + len(term))
            if run.stop > len(self._tokens):
                break
            texts = [self._tokens[at].text for at in run]
            if texts[:-1] == whole and (texts[-1] == last or (half and texts[-1].startswith(last))):
                found.append(run)
        return found

    def _matching(self, word: str, half: bool) -> list[int]:
        if not half:
            return self._places.get(word, [])
        at = bisect_left(self._texts, word)
        longer = takewhile(lambda text: text.startswith(word), islice(self._texts, at, None))
        return sorted(place for text in longer for place in self._places[text])

    def _nearest(self, run: range, others: Sequence[range]) -> range | None:
        """The one of `others` that is nearest, if it is in the same cue or in the next one."""
        at = bisect_left(others, run.start, key=lambda one: one.start)
        around = others[max(0, at - 1) : at + 1]
        best = min(around, key=lambda one: abs(one.start - run.start), default=None)
        return best if best is not None and abs(self._cue(best) - self._cue(run)) <= 1 else None

    def _cue(self, run: range) -> int:
        return self._tokens[run.start].cue

    def _around(self, first: int, last: int) -> range:
        """Cues that belong to these: neighbours, but none from beyond a long silence."""
        cues = self._cues
        if first > 0 and cues[first].from_ms - cues[first - 1].to_ms < APART_MS:
            first -= 1
        if last + 1 < len(cues) and cues[last + 1].from_ms - cues[last].to_ms < APART_MS:
            last += 1
        return range(first, last + 1)

    def _hit(self, runs: Sequence[range]) -> Hit:
        spans = sorted((self._tokens[run[0]].start, self._tokens[run[-1]].end) for run in runs)
        cue = min(self._cue(run) for run in runs)
        spare = max(0, SNIPPET - (spans[-1][1] - spans[0][0])) // 2
        around = self._around(cue, max(self._tokens[run[-1]].cue for run in runs))
        # Not in the middle of a word.
        first = bisect_left(self._tokens, spans[0][0] - spare, key=lambda one: one.start)
        last = bisect_left(self._tokens, spans[-1][1] + spare + 1, key=lambda one: one.end) - 1
        while self._tokens[first].cue not in around:
            first += 1
        while self._tokens[last].cue not in around:
            last -= 1
        start, end = self._tokens[first].start, self._tokens[last].end
        return Hit(
            self._cues[cue].from_ms,
            cue,
            self._text[start:end],
            tuple((one - start, other - start) for one, other in spans),
        )


def folded(text: str) -> str:
    """Without case and accents."""
    plain = unicodedata.normalize("NFKD", text.replace("\u2019", "'").casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def parsed(query: str) -> tuple[list[list[str]], bool]:
    """Terms, each a run of words; and whether the last word may be half typed."""
    terms: list[list[str]] = []
    half = False
    for found in _TERM.finditer(query):
        words = [folded(word[0]) for word in _WORD.finditer(found[0])]
        words = [word for word in words if word]
        if words:
            terms.append(words)
            half = found[2] is not None and found.end() == len(query)
    return terms, half
