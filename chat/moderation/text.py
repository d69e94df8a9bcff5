"""Text of strangers, made fit to be shown: one line, plain, no taller and no longer than a line.

What is cleaned is valid for good: cleaning it again changes nothing.
"""

from __future__ import annotations

import unicodedata
from typing import Final

import regex

GRAPHEMES: Final = 500
"""Of a message, as a reader counts them."""
BYTES: Final = 2_000
MARKS: Final = 3
"""Marks on one character; more of them grow over the lines above and below."""


class Unfit(ValueError):
    """The text cannot be used; says why, for its writer."""


def clean(text: str, graphemes: int = GRAPHEMES, size: int = BYTES) -> str:
    """The text in NFC, without what is invisible or turns the direction of others' text.

    Raises Unfit where nothing is left, or more than `graphemes` or `size` bytes.
    """
    cleaned = _cleaned(text)
    if not _SEEN.search(cleaned):
        raise Unfit("There is nothing to read in it.")
    if len(cleaned.encode()) > size:
        raise Unfit(f"It is longer than {size} bytes.")
    if count(cleaned) > graphemes:
        raise Unfit(f"It is longer than {graphemes} characters.")
    return cleaned


def count(text: str) -> int:
    """Characters as a reader sees them."""
    return len(text) if text.isascii() else len(_GRAPHEME.findall(text))


def head(text: str, graphemes: int) -> str:
    """The beginning of a text, with an ellipsis where something is cut off."""
    if count(text) <= graphemes:
        return text
    return "".join(_GRAPHEME.findall(text)[: graphemes - 1]) + "…"


_GRAPHEME: Final = regex.compile(r"\X")
_SEEN: Final = regex.compile(r"[^\s\u2800]")
"""Braille's empty pattern is a symbol, but nobody sees it."""
_SPACE: Final = regex.compile(r"[\s\x1c-\x1f\x85\p{Z}]+")
_PLAIN: Final = regex.compile(r"[!-~]+(?: [!-~]+)*")
_SIMPLE: Final = regex.compile(
    r"[ [\p{L}\p{N}\p{P}\p{S}--\p{Default_Ignorable_Code_Point}]]+", flags=regex.VERSION1
)
"""Nothing in it is to be taken away, but for spaces."""
_FLAG: Final = r"\U0001F3F4[\U000E0020-\U000E007E]{1,8}\U000E007F"
_INVISIBLE: Final = regex.compile(
    # Flags of regions are spelled with tags; nothing else is.
    rf"(?P<flag>{_FLAG})"
    r"|[\p{Cc}\p{Cs}\p{Co}\p{Noncharacter_Code_Point}\p{Bidi_Control}"
    r"[\p{Default_Ignorable_Code_Point}--[\u200c\u200d\uFE00-\uFE0F]]]",
    flags=regex.VERSION1,
)
_STRAY_JOINER: Final = regex.compile(
    r"(?<![\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}])[\u200c\u200d]+"
    r"|[\u200c\u200d]+(?![\p{L}\p{Extended_Pictographic}])"
    r"|(?<=[\u200c\u200d])[\u200c\u200d]+"
)
"""Scripts and emoji join with them; elsewhere they only hide something."""
_MARK: Final = regex.compile(r"[\p{Mn}\p{Me}]")


def _cleaned(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    if _SIMPLE.fullmatch(text):
        return " ".join(unicodedata.normalize("NFC", text).split())
    # What is taken away may bring together what was apart: until nothing changes.
    while (next := _once(text)) != text:
        text = next
    return text


def _once(text: str) -> str:
    text = _SPACE.sub(" ", text)
    text = _INVISIBLE.sub(lambda found: found["flag"] or "", text)
    text = _STRAY_JOINER.sub("", text)
    text = unicodedata.normalize("NFC", text)
    if len(_MARK.findall(text)) > MARKS:
        text = _GRAPHEME.sub(lambda found: _lowered(found[0]), text)
    return text.strip(" ")


def _lowered(grapheme: str) -> str:
    """The character with its first marks only."""
    kept, marks = [], 0
    for one in grapheme:
        marks += bool(_MARK.match(one))
        if marks <= MARKS or not _MARK.match(one):
            kept.append(one)
    return "".join(kept)
