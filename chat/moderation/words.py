"""Word lists: what is refused, and what a moderator looks at first.

A list is a text file with one word or phrase a line; `#` begins a comment, and `*` at the end of
a word stands for any ending. Words are compared by their skeletons and as whole words, so that
`ass` does not stop `class`, whatever letters either is spelled with. Marks on letters, letters
spelled one by one, drawn out, or with digits and signs for letters do not hide a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Final, Literal

import regex

from chat.moderation.skeleton import skeletons

Finding = Literal["block", "hold"]
SUFFIXES: Final[dict[str, Finding]] = {".block.txt": "block", ".hold.txt": "hold"}
"""A folder of lists holds `english.block.txt`, `english.hold.txt` and the like."""


class WordsError(Exception):
    """A list cannot be read; the text names the file and what to do."""


class Words:
    """Both lists of a room. Without any, nothing is found."""

    def __init__(self, block: Iterable[str] = (), hold: Iterable[str] = ()) -> None:
        self._block = _List(block)
        self._hold = _List(hold)

    def find(self, text: str) -> Finding | None:
        """The worst that is in the text."""
        if not self._block and not self._hold:
            return None
        forms = [_WORD.findall(view) for view in _views(text)]
        if any(self._block.matches(form) for form in forms):
            return "block"
        return "hold" if any(self._hold.matches(form) for form in forms) else None


def read_words(folder: Path) -> Words:
    """All lists of a folder. Raises WordsError."""
    lists: dict[Finding, list[str]] = {"block": [], "hold": []}
    try:
        for path in sorted(folder.iterdir()):
            for suffix, finding in SUFFIXES.items():
                if path.name.endswith(suffix):
                    lists[finding] += _lines(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise WordsError(f"{folder}: {error}. Word lists are UTF-8 text files.") from error
    return Words(lists["block"], lists["hold"])


class _List:
    def __init__(self, lines: Iterable[str]) -> None:
        self._words: set[str] = set()
        self._phrases: dict[str, list[list[str]]] = {}
        self._starts: dict[str, tuple[str, ...]] = {}
        """By their first letters."""
        for line in lines:
            is_start = line.endswith("*") and len(line) > _BEGIN
            for view in skeletons(_bare(line)):
                words = _WORD.findall(view)
                if len(words) == 1 and is_start:
                    begin = words[0][:_BEGIN]
                    self._starts[begin] = (*self._starts.get(begin, ()), words[0])
                elif len(words) == 1:
                    self._words.add(words[0])
                elif words:
                    self._phrases.setdefault(words[0], []).append(words)

    def __bool__(self) -> bool:
        return bool(self._words or self._starts or self._phrases)

    def matches(self, words: list[str]) -> bool:
        if not self._words.isdisjoint(words):
            return True
        starts = self._starts
        if starts and any(word.startswith(starts.get(word[:_BEGIN], ())) for word in words):
            return True
        return bool(self._phrases) and any(
            words[at : at + len(phrase)] == phrase
            for at, word in enumerate(words)
            for phrase in self._phrases.get(word, ())
        )


_BEGIN: Final = 2
_WORD: Final = re.compile(r"[^\W_]+")
_BREAK: Final = re.compile(r"[\W_]+")
_MARK: Final = regex.compile(r"\p{M}+")
_SIGNED: Final = re.compile(r"[0-9@$!|+€]")
_SIGNS: Final = str.maketrans("013457@$!|+€", "oieastasilte")
_SPELLED: Final = re.compile(r"(?<![^\W_])[^\W_](?:[\W_]+[^\W_]){2,}(?![^\W_])")
_SPLIT: Final = re.compile(r"(?<=[^\W_])(?:(?!\s)[\W_])+(?=[^\W_])")
_DRAWN: Final = re.compile(r"([^\W\d_])\1{2,}")
_MOST_DRAWN: Final = 3
"""Letters of a text that are looked at both ways; the rest count as one."""


def _views(text: str) -> set[str]:
    """Skeletons of the text in all the ways that somebody may read it."""
    bare = _bare(text)
    readings = {bare}
    if _SIGNED.search(bare):
        readings.add(bare.translate(_SIGNS))
    for reading in list(readings):
        readings.update(_shortened(reading))
    for reading in list(readings):
        if _SPELLED.search(reading):
            readings.add(_SPELLED.sub(lambda found: _BREAK.sub("", found[0]), reading))
        if _SPLIT.search(reading):
            readings.add(_SPLIT.sub("", reading))
    return {view for reading in readings for view in skeletons(reading)}


def _shortened(text: str) -> Iterator[str]:
    """Without what is drawn out: each such letter may have been one or two."""
    drawn = min(len(_DRAWN.findall(text)), _MOST_DRAWN)
    for lengths in product((1, 2), repeat=drawn) if drawn else ():
        yield _DRAWN.sub(partial(_shorten, iter(lengths)), text)


def _shorten(lengths: Iterator[int], found: re.Match[str]) -> str:
    return found[1] * next(lengths, 1)


def _bare(text: str) -> str:
    """Without marks on letters, and in the letters that the text stands for."""
    if text.isascii():
        return text
    return _MARK.sub("", unicodedata.normalize("NFKD", text))


def _lines(text: str) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]
