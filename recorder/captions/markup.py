"""Bold, italics and underlined in WebVTT and SRT. No other tag is one: it is text.

What the formats use for other ends (voices, classes, fonts, positions) is taken out; whatever
else looks like a tag stays as it is and is shown as it is.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, pairwise
from typing import Final

from recorder.captions.cues import Style, Tag
from recorder.captions.text import clean

TAGS: Final[tuple[Tag, ...]] = ("b", "i", "u")

VTT: Final = re.compile(
    r"<(?:(?P<close>/?)(?P<tag>[biuBIU])(?:\.[^\s<>]*)?"
    r"|/?(?:c|v|lang|ruby|rt)(?:[.\s][^<>]*)?"
    r"|(?:\d+:)?\d\d:\d\d\.\d{3})>"
)
SRT: Final = re.compile(
    r"<(?P<close>/?)(?P<tag>[biuBIU])>|</?font(?:\s[^<>]*)?>|\{\\[^{}]*\}", re.I
)

Letter = tuple[str, frozenset[str]]
"""With the tags that it is in."""


def parsed(lines: Iterable[str], grammar: re.Pattern[str]) -> tuple[str, tuple[Style, ...]]:
    """Plain text, without empty lines, and its styles."""
    open_tags: list[str] = []
    kept: list[list[Letter]] = []
    for line in lines:
        letters = _letters(line, grammar, open_tags)
        while letters and letters[-1][0].isspace():
            letters.pop()
        start = next((at for at, one in enumerate(letters) if not one[0].isspace()), 0)
        if letters:
            kept.append(letters[start:])
    flat: list[Letter] = []
    for line_letters in kept:
        if flat:
            flat.append(("\n", flat[-1][1] & line_letters[0][1]))
        flat += line_letters
    return "".join(letter for letter, _ in flat), tuple(_styles(flat))


def rendered(text: str, styles: Sequence[Style], escape: Callable[[str], str]) -> str:
    """Text with tags. They are closed in the reverse order in which they were opened."""
    if not styles:
        return escape(text)
    edges = {0, len(text), *(one.start for one in styles), *(one.end for one in styles)}
    out: list[str] = []
    stack: list[str] = []
    for start, end in pairwise(sorted(edge for edge in edges if 0 <= edge <= len(text))):
        wanted = [tag for tag in TAGS if _covered(tag, start, styles)]
        while stack and stack != wanted[: len(stack)]:
            out.append(f"</{stack.pop()}>")
        for tag in wanted[len(stack) :]:
            stack.append(tag)
            out.append(f"<{tag}>")
        out.append(escape(text[start:end]))
    out += [f"</{tag}>" for tag in reversed(stack)]
    return "".join(out)


def _letters(line: str, grammar: re.Pattern[str], open_tags: list[str]) -> list[Letter]:
    letters: list[Letter] = []
    at = 0
    for found in grammar.finditer(line):
        letters += _plain(line[at : found.start()], grammar, open_tags)
        at = found.end()
        tag = (found["tag"] or "").lower()
        if tag and not found["close"]:
            open_tags.append(tag)
        elif tag in open_tags:
            open_tags.remove(tag)
    return letters + _plain(line[at:], grammar, open_tags)


def _plain(text: str, grammar: re.Pattern[str], open_tags: list[str]) -> list[Letter]:
    # Only WebVTT has references such as &lt;
    shown = clean(html.unescape(text) if grammar is VTT else text)
    inside = frozenset(open_tags)
    return [(letter, inside) for letter in shown]


def _styles(letters: Sequence[Letter]) -> Iterable[Style]:
    for tag in TAGS:
        at = 0
        for inside, run in groupby(letters, key=lambda one: tag in one[1]):
            length = sum(1 for _ in run)
            if inside:
                yield Style(tag, at, at + length)
            at += length


def _covered(tag: str, at: int, styles: Iterable[Style]) -> bool:
    return any(one.tag == tag and one.start <= at < one.end for one in styles)
