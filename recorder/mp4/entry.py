"""What an init segment says of its track: the sample entry, and what joining tracks asks for."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from recorder.mp4.boxes import U32, Box, MalformedMedia, boxes, find

_PICTURE_FIELDS: Final = 78
_SOUND_FIELDS: Final = 28
"""Bytes of a sample entry before the boxes in it (ISO/IEC 14496-12, 12.1.3 and 12.2.3)."""
_AAC_LC: Final = 2
_MOST_BYTES: Final = 64 << 10
"""Of an init segment. Real ones have fewer than a thousand."""


@dataclass(frozen=True, slots=True)
class SampleEntry:
    """How the samples of a track are to be decoded."""

    data: bytes
    """The box that stands in stsd, as it is."""
    timescale: int
    """Ticks a second."""
    is_video: bool
    width: int = 0
    height: int = 0
    """Pixels; 0 for sound."""
    parameter_sets: bytes = b""
    """H.264: SPS and PPS as they stand in a sample, each behind its length in four bytes."""
    silence: bytes = b""
    """AAC: a frame in which nothing is heard. Empty where it is not known how to make one."""


def read_entry(init: bytes) -> SampleEntry:
    """Read an init segment (ftyp and moov) with one track. Raises MalformedMedia."""
    if len(init) > _MOST_BYTES:
        raise MalformedMedia(f"an init segment of {len(init)} bytes")
    try:
        return _read(init)
    except (struct.error, IndexError) as error:
        raise MalformedMedia("an init segment ends too soon") from error


def _read(init: bytes) -> SampleEntry:
    media = find(init, 0, len(init), b"moov", b"trak", b"mdia")
    timescale = _timescale(init, find(init, media.start, media.end, b"mdhd"))
    handler = find(init, media.start, media.end, b"hdlr")
    table = find(init, media.start, media.end, b"minf", b"stbl", b"stsd")
    found = next(iter(boxes(init, table.start + 8, table.end)), None)
    if found is None:
        raise MalformedMedia("an init segment has no sample entry")
    data = init[found.start - 8 : found.end]
    kind = init[handler.start + 8 : handler.start + 12]
    if kind == b"vide":
        width, height = struct.unpack_from(">HH", init, found.start + 24)
        sets = _parameter_sets(init, found) if found.kind in (b"avc1", b"avc3") else b""
        return SampleEntry(data, timescale, True, width, height, parameter_sets=sets)
    if kind != b"soun":
        raise MalformedMedia("an init segment is neither of pictures nor of sound")
    silence = _silence(init, found) if found.kind == b"mp4a" else b""
    return SampleEntry(data, timescale, False, silence=silence)


def _timescale(init: bytes, header: Box) -> int:
    wide = init[header.start] == 1
    (timescale,) = U32.unpack_from(init, header.start + (20 if wide else 12))
    if not 0 < timescale <= 10_000_000:
        raise MalformedMedia(f"a timescale of {timescale}")
    return int(timescale)


def _parameter_sets(init: bytes, entry: Box) -> bytes:
    """From the AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1)."""
    found = find(init, entry.start + _PICTURE_FIELDS, entry.end, b"avcC")
    record = init[found.start : found.end]
    if record[4] & 3 != 3:
        raise MalformedMedia("the lengths of NAL units do not have four bytes")
    sets: list[bytes] = []
    at = 5
    for mask in (31, 255):
        count, at = record[at] & mask, at + 1
        for _ in range(count):
            (size,) = struct.unpack_from(">H", record, at)
            unit = record[at + 2 : at + 2 + size]
            if len(unit) != size:
                raise MalformedMedia("a parameter set is cut off")
            sets += (U32.pack(size), unit)
            at += 2 + size
    return b"".join(sets)


def _silence(init: bytes, entry: Box) -> bytes:
    """A raw data block of AAC-LC (ISO/IEC 14496-3, 4.4.2) in which no band has any content."""
    found = find(init, entry.start + _SOUND_FIELDS, entry.end, b"esds")
    config = _audio_specific_config(init[found.start + 4 : found.end])
    bits = int.from_bytes(config[:2], "big")
    channels = bits >> 3 & 15
    if len(config) < 2 or bits >> 11 != _AAC_LC or bits >> 7 & 15 == 15:
        return b""
    # Each channel: its gain, then no pulses, no noise shaping, no gain control.
    channel = f"{100:08b}" + "000"
    # Long windows, and of the spectrum nothing.
    window = "0" + "00" + "0" + "000000" + "0"
    if channels == 1:
        text = "000" + "0000" + channel[:8] + window + channel[8:]
    elif channels == 2:
        text = "001" + "0000" + "1" + window + "00" + channel + channel
    else:
        return b""
    text += "111"
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def _audio_specific_config(descriptors: bytes) -> bytes:
    """The innermost of the descriptors in an esds (ISO/IEC 14496-1, 7.2.6)."""
    data = _descriptor(descriptors, 3)
    flags = data[2]
    at = 3 + 2 * bool(flags & 0x80) + 2 * bool(flags & 0x20)
    if flags & 0x40:
        at += 1 + data[at]
    return _descriptor(_descriptor(data[at:], 4)[13:], 5)


def _descriptor(data: bytes, tag: int) -> bytes:
    if data[0] != tag:
        raise MalformedMedia(f"descriptor {data[0]} stands where {tag} should")
    size, at = 0, 1
    for _ in range(4):
        size, at = size << 7 | data[at] & 127, at + 1
        if not data[at - 1] & 128:
            break
    return data[at : at + size]
