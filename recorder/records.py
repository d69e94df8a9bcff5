"""What a recording's index says: one record a line, in the order in which things became lasting.

A record is only written when the media that it speaks of is on the disk. Times of parts are ticks
of their rendition since the origin of their session; `wall_ms` is server time (Unix ms).
"""

from __future__ import annotations

from typing import Literal

import msgspec

VERSION = 1
"""Of the format. A reader refuses a higher one."""

CloseReason = Literal["end", "stopped", "disk full", "write error", "recovered"]
"""Why nothing more was added. `recovered`: found after a crash, and closed then."""


class Began(msgspec.Struct, frozen=True, tag="began", tag_field="k"):
    """The first record."""

    version: int
    recording: str
    channel: str
    title: str
    wall_ms: int


class Session(msgspec.Struct, frozen=True, tag="session", tag_field="k"):
    """A presentation of the bridge begins; what follows belongs to it."""

    number: int
    """From 1."""
    epoch: str
    """Of the presentation; tells sessions of two servers apart."""
    origin_ms: int
    """Server time (Unix ms) of tick 0."""


class Chunk(msgspec.Struct, frozen=True, tag="chunk", tag_field="k"):
    """A file of one rendition begins, with its init segment."""

    rendition: str
    number: int
    """From 1, per rendition."""
    session: int
    map: int
    """Number of the init segment within the session."""
    init: bytes
    """The init segment (ftyp and moov), with which the file begins."""
    codec: str
    """As CODECS wants it (RFC 6381)."""
    timescale: int
    """Ticks a second."""
    width: int = 0
    height: int = 0
    """Pixels; 0 for sound."""
    frame_rate: float = 0.0
    """Nominal; 0 for sound and where it is not known."""
    channels: int = 0
    """Of sound; 0 for pictures."""


class Part(msgspec.Struct, frozen=True, tag="p", tag_field="k"):
    """A part was appended to a chunk. Names are short: there are two a second and rendition."""

    r: str
    """Rendition."""
    c: int
    """Chunk."""
    s: int
    """Media sequence number of its segment."""
    p: int
    """Within the segment, from 0."""
    t: int
    """Where it begins, in ticks."""
    d: int
    """Its length in ticks."""
    o: int
    """Offset in the chunk."""
    n: int
    """Bytes."""
    crc: int
    """CRC-32 of these bytes."""
    i: bool = False
    """It holds a keyframe."""
    x: bool = False
    """The timeline or the codec breaks right before it."""


class Gap(msgspec.Struct, frozen=True, tag="gap", tag_field="k"):
    """There is nothing for this time: nothing came, or it could not be written."""

    r: str
    s: int
    p: int
    t: int
    d: int
    x: bool = False
    lost: bool = False
    """It was there, and the recorder could not keep up, or what it wrote was damaged."""


class Sealed(msgspec.Struct, frozen=True, tag="sealed", tag_field="k"):
    """A chunk is complete."""

    rendition: str
    number: int
    size: int
    sha256: str


class Stored(msgspec.Struct, frozen=True, tag="stored", tag_field="k"):
    """A sealed chunk is in the store, and what the store has was verified."""

    rendition: str
    number: int


class Mark(msgspec.Struct, frozen=True, tag="mark", tag_field="k"):
    """Something happened at a moment of the stream, from which chapters can be made."""

    wall_ms: int
    """Stream time."""
    kind: Literal["marker", "title"]
    text: str
    by: str = ""


class Closed(msgspec.Struct, frozen=True, tag="closed", tag_field="k"):
    """Nothing is added any more. A session that begins afterwards opens the recording again."""

    wall_ms: int
    reason: CloseReason


Record = Began | Session | Chunk | Part | Gap | Sealed | Stored | Mark | Closed


def chunk_name(rendition: str, number: int) -> str:
    """The file of a chunk."""
    return f"{rendition}-{number:06d}.mp4"
