"""What a text looks like, whatever it is spelled with (UTS 39, section 4: confusables).

Two texts with one skeleton can be taken for each other. A skeleton is for comparing, never for
showing. The classes of characters that look alike come from Unicode's table, in the package
confusable-homoglyphs.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
import regex


def skeletons(text: str) -> tuple[str, str]:
    """Two views of a text, regardless of case: it as it stands, and all in small letters.

    Both are needed. `I` looks like `l`, which is lost in small letters; and `BILL` is `bill`,
    which only small letters show. Texts with either in common can be taken for each other.
    """
    small = text.casefold()
    view = _skeleton(text).casefold()
    return view, view if small == text else _skeleton(small).casefold()


def _skeleton(text: str) -> str:
    if not text.isascii():
        # Wider than NFD, as UTS 39 has it: full-width letters and the like look alike too.
        text = _IGNORED.sub("", unicodedata.normalize("NFKD", text))
    text = text.translate(_prototypes())
    return text if text.isascii() else unicodedata.normalize("NFD", text)


_IGNORED: Final = regex.compile(r"\p{Default_Ignorable_Code_Point}")
_LEFT_TO_RIGHT: Final = "\u200e"
"""The table sets it around characters of scripts that run from right to left."""


class _Twin(msgspec.Struct):
    c: str


@cache
def _prototypes() -> dict[int, str]:
    """Each character with what stands for all that look like it."""
    table = files("confusable_homoglyphs").joinpath("confusables.json").read_bytes()
    twins = {
        _plain(glyph): [_plain(twin.c) for twin in found]
        for glyph, found in msgspec.json.decode(table, type=dict[str, list[_Twin]]).items()
    }
    # A pair stands on both sides of the table: what it is told by most is what stands for all.
    chosen: dict[str, str] = {}
    for glyph in sorted(twins, key=lambda glyph: (-len(twins[glyph]), glyph)):
        if glyph not in chosen:
            for alike in _class(glyph, twins):
                chosen[alike] = glyph
    # What a character stands for may be spelled with others that something else stands for.
    settled = {glyph: _settle(glyph, chosen) for glyph in chosen}
    return {ord(glyph): to for glyph, to in settled.items() if len(glyph) == 1 and to != glyph}


def _class(glyph: str, twins: dict[str, list[str]]) -> set[str]:
    found, queue = {glyph}, [glyph]
    while queue:
        fresh = [twin for twin in twins.get(queue.pop(), []) if twin not in found]
        found.update(fresh)
        queue += fresh
    return found


def _settle(glyph: str, chosen: dict[str, str]) -> str:
    for _ in range(8):
        spelled = "".join(chosen.get(one, one) for one in chosen.get(glyph, glyph))
        if spelled == glyph:
            break
        glyph = spelled
    return unicodedata.normalize("NFD", glyph)


def _plain(glyph: str) -> str:
    return glyph.strip(_LEFT_TO_RIGHT)
