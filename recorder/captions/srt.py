"""SRT, written and read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from recorder.captions import markup
from recorder.captions.cues import Cue
from recorder.captions.text import clean
from recorder.captions.upload import (
    ARROW,
    Block,
    Placed,
    UnreadableCaptions,
    blocks,
    in_order,
    times,
)
from recorder.captions.vtt import stamp

TYPE: Final = "application/x-subrip; charset=utf-8"
EXAMPLE: Final = "00:01:02,500"

_LOOKS_LIKE_MARKUP: Final = re.compile(r"<(?=/?(?:[biu]>|font\b))|\{(?=\\)|--(?=>)", re.I)


def write(cues: Iterable[Cue]) -> str:
    """A whole file; it is UTF-8. SRT has no way to say that a tag is text: it gets a space."""
    out: list[str] = []
    for cue in cues:
        text = markup.rendered(cue.text, cue.styles, _plain)
        lines = [shown for line in text.split("\n") if (shown := clean(line).strip())]
        if lines and cue.to_ms > max(0, cue.from_ms):
            number = len(out) + 1
            out.append(f"{number}\n{_times(cue)}\n" + "\n".join(lines) + "\n")
    return "\n".join(out)


def read(data: bytes) -> list[Cue]:
    """The cues of a file, in order and not overlapping. Raises UnreadableCaptions."""
    placed: list[Placed] = []
    for block in blocks(data):
        placed += _cue(block)
    if not placed:
        raise UnreadableCaptions(0, "There is no caption in the file.")
    return in_order(placed)


def _cue(block: Block) -> Iterable[Placed]:
    at = 0 if ARROW in block.lines[0] else 1
    if at and (len(block.lines) < 2 or ARROW not in block.lines[1]):
        raise UnreadableCaptions(
            block.line,
            f"a caption's number and a line such as {EXAMPLE} {ARROW} 00:01:04,000 are missing. "
            "Put them there, or remove the empty line before it.",
        )
    number = block.line + at
    from_ms, to_ms = times(block.lines[at], number, EXAMPLE)
    text, styles = markup.parsed(block.lines[at + 1 :], markup.SRT)
    if text:
        yield Placed(number, Cue(from_ms, to_ms, text, styles))


def _times(cue: Cue) -> str:
    return f"{stamp(cue.from_ms)} {ARROW} {stamp(cue.to_ms)}".replace(".", ",")


def _plain(text: str) -> str:
    return _LOOKS_LIKE_MARKUP.sub(lambda found: f"{found[0]} ", text)
