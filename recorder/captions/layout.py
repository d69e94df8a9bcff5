"""How text stands in lines: how wide it is, where it may break."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

HANGUL = range(0x1100, 0x1200), range(0x3130, 0x3190), range(0xA960, 0xD800)
"""Wide letters of a script that has spaces."""


def width(text: str) -> int:
    """In columns: a wide letter, as of Chinese, takes two; a mark on a letter takes none."""
    return sum(map(_columns, text))


def joined(texts: Sequence[str]) -> str:
    """Words with spaces between them, where their script has any."""
    line = ""
    for text in texts:
        line += gap(line, text) + text
    return line


def gap(before: str, after: str) -> str:
    """What stands between two words: a space, or nothing."""
    if not before or not after:
        return ""
    return "" if _spaceless(before[-1]) and _spaceless(after[0]) else " "


def wrapped(texts: Sequence[str], most: int) -> list[str]:
    """Lines of at most `most` columns, as few as it can be, and of about the same length.

    No text of `texts` is wider than that.
    """
    fewest = _filled(texts, most)
    if len(fewest) < 2:
        return fewest
    for narrower in range(-(-width(joined(texts)) // len(fewest)), most):
        if max(map(width, texts)) > narrower:
            continue
        lines = _filled(texts, narrower)
        if len(lines) == len(fewest):
            return lines
    return fewest


def fits(texts: Sequence[str], most: int, lines: int) -> bool:
    """Whether so many lines of so many columns are enough."""
    return len(_filled(texts, most)) <= lines


def pieces(text: str, most: int) -> list[str]:
    """A word cut into pieces that fit into a line each."""
    found = [""]
    for letter in text:
        if found[-1] and width(found[-1] + letter) > most:
            found.append("")
        found[-1] += letter
    return found


def _filled(texts: Sequence[str], most: int) -> list[str]:
    lines: list[str] = []
    for text in texts:
        if lines:
            longer = lines[-1] + gap(lines[-1], text) + text
            if width(longer) <= most:
                lines[-1] = longer
                continue
        lines.append(text)
    return lines


def _columns(letter: str) -> int:
    if letter.isascii():
        return 1
    if unicodedata.category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if _wide(letter) else 1


def _wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in {"W", "F"}


def _spaceless(letter: str) -> bool:
    return _wide(letter) and not any(ord(letter) in script for script in HANGUL)
