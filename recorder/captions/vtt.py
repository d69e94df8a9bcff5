"""WebVTT, written and read.

Segments of an HLS subtitle rendition begin with a line such as

    X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0

It says which media time, in ticks of 90 kHz, the cue time LOCAL is (RFC 8216, 3.5). Where cue
times count from tick 0 of the media, as ours do, both are 0 and nothing ever wraps; without the
line players take the same for granted, but only some of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
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
    time_of,
    times,
)

TYPE: Final = "text/vtt; charset=utf-8"
MPEGTS_WRAP: Final = 1 << 33
"""Ticks of 90 kHz: 26.5 hours."""
EXAMPLE: Final = "00:01:02.500"

_MAP_PARTS: Final = re.compile(r"LOCAL:((?:\d{2,3}:)?\d\d:\d\d\.\d{3})|MPEGTS:(\d{1,20})", re.ASCII)
_ESCAPED: Final = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;"}


@dataclass(frozen=True, slots=True)
class TimestampMap:
    """Cue time `local_ms` is media time `mpegts`."""

    mpegts: int = 0
    """Ticks of 90 kHz."""
    local_ms: int = 0

    @classmethod
    def of_media(cls, media_ms: int, local_ms: int) -> TimestampMap:
        """For cue times that count from another moment than tick 0 of the media."""
        return cls(media_ms * 90 % MPEGTS_WRAP, local_ms)

    def __str__(self) -> str:
        return f"X-TIMESTAMP-MAP=LOCAL:{stamp(self.local_ms)},MPEGTS:{self.mpegts}"


def write(cues: Iterable[Cue], timestamp_map: TimestampMap | None = None) -> str:
    """A whole file; it is UTF-8. Times below zero are zero; what then lasts no time is left out."""
    head = "WEBVTT\n" + (f"{timestamp_map}\n" if timestamp_map is not None else "")
    return head + "".join(
        f"\n{stamp(cue.from_ms)} {ARROW} {stamp(cue.to_ms)}\n{text}\n"
        for cue in cues
        if cue.to_ms > max(0, cue.from_ms) and (text := _payload(cue))
    )


def read(data: bytes) -> list[Cue]:
    """The cues of a file, in order and not overlapping. Raises UnreadableCaptions."""
    found = blocks(data)
    if not found or found[0].line != 1 or not _is_signature(found[0].lines[0]):
        raise UnreadableCaptions(1, "a WebVTT file begins with the word WEBVTT. Put it there.")
    placed: list[Placed] = []
    for block in (*_behind_head(found[0]), *found[1:]):
        placed += _cue(block)
    return in_order(placed)


def timestamp_map(data: bytes) -> TimestampMap | None:
    """The map in the head of a segment, if there is one. Raises UnreadableCaptions."""
    head = blocks(data)[:1]
    for line in head[0].lines[1:] if head else ():
        if line.startswith("X-TIMESTAMP-MAP="):
            parts = _MAP_PARTS.findall(line)
            local = next((one for one, _ in parts if one), "00:00:00.000")
            ticks = next((int(one) for _, one in parts if one), 0)
            return TimestampMap(ticks, time_of(local, 2, EXAMPLE))
    return None


def stamp(ms: int) -> str:
    """A time as WebVTT writes it."""
    seconds, ms = divmod(max(0, ms), 1_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{ms:03d}"


def _payload(cue: Cue) -> str:
    text = markup.rendered(cue.text, cue.styles, lambda part: part.translate(_ESCAPED))
    # An empty line would end the cue.
    lines = (clean(line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _is_signature(line: str) -> bool:
    return line == "WEBVTT" or line.startswith(("WEBVTT ", "WEBVTT\t"))


def _behind_head(block: Block) -> Iterable[Block]:
    """A first cue that no empty line divides from the head."""
    for at, line in enumerate(block.lines):
        if ARROW in line:
            yield Block(block.line + at, block.lines[at:])
            return


def _cue(block: Block) -> Iterable[Placed]:
    at = next((at for at, line in enumerate(block.lines[:2]) if ARROW in line), None)
    if at is None:
        if re.match(r"(NOTE|STYLE|REGION)(\s|$)", block.lines[0]):
            return
        raise UnreadableCaptions(
            block.line,
            f"there is text without a time. Put a line such as {EXAMPLE} {ARROW} 00:01:04.000 "
            "before it, or remove the empty line before it.",
        )
    number = block.line + at
    from_ms, to_ms = times(block.lines[at], number, EXAMPLE)
    text, styles = markup.parsed(block.lines[at + 1 :], markup.VTT)
    if text:
        yield Placed(number, Cue(from_ms, to_ms, text, styles))
