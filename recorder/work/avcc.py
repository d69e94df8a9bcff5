"""How a file tells a decoder of H.264 what to expect (ISO/IEC 14496-15, 5.3.3.1): the parameter
sets. One file may have several, and each picture says by number which one it needs.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Final

from recorder.mp4.boxes import U32, MalformedMedia, find

_ENTRY: Final = 78
"""Bytes of a sample entry before the boxes in it."""
_MOST_SPS: Final = 31
"""Also the highest number of an SPS."""
_MOST_PPS: Final = 255


@dataclass(frozen=True, slots=True)
class Configuration:
    """An AVCDecoderConfigurationRecord."""

    profile: int
    constraints: int
    level: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    rest: bytes
    """What profiles from High on say besides."""

    @classmethod
    def parse(cls, record: bytes) -> Configuration:
        """Raises MalformedMedia."""
        try:
            if record[0] != 1 or record[4] & 3 != 3:
                raise MalformedMedia("the lengths of NAL units do not have four bytes")
            sps, at = _units(record, 6, record[5] & 31)
            pps, at = _units(record, at + 1, record[at])
        except (IndexError, struct.error) as error:
            raise MalformedMedia("a decoder configuration is cut off") from error
        return cls(record[1], record[2], record[3], sps, pps, record[at:])

    def encoded(self) -> bytes:
        """As `parse` reads it."""
        head = bytes((1, self.profile, self.constraints, self.level, 0xFF, 0xE0 | len(self.sps)))
        sps, pps = (b"".join(map(_with_length, units)) for units in (self.sps, self.pps))
        return head + sps + bytes((len(self.pps),)) + pps + self.rest

    def free_number(self) -> int | None:
        """A number, of both kinds of sets, that none of these has; None where all are taken."""
        taken = {_number(unit, 4) for unit in self.sps} | {_number(unit, 1) for unit in self.pps}
        if len(self.sps) >= _MOST_SPS or len(self.pps) >= _MOST_PPS:
            return None
        return next((number for number in range(1, _MOST_SPS + 1) if number not in taken), None)

    def joined(self, other: Configuration) -> Configuration:
        """With the sets of another one that has the same profile, and other numbers.

        The level is the higher one, and only constraints stand that both keep.
        """
        return replace(
            self,
            constraints=self.constraints & other.constraints,
            level=max(self.level, other.level),
            sps=self.sps + other.sps,
            pps=self.pps + other.pps,
        )


def configuration(init: bytes) -> Configuration:
    """Of an init segment. Raises MalformedMedia."""
    found = _path(init)[-1]
    return Configuration.parse(init[found[0] : found[1]])


def with_configuration(init: bytes, record: bytes) -> bytes:
    """The init segment with another record. Raises MalformedMedia."""
    path = _path(init)
    start, end = path[-1]
    changed = bytearray(init[:start] + record + init[end:])
    for begin, _ in path:
        (size,) = U32.unpack_from(changed, begin - 8)
        U32.pack_into(changed, begin - 8, size + len(record) - (end - start))
    return bytes(changed)


def split(annexb: bytes) -> list[bytes]:
    """The NAL units of a byte stream, without start codes."""
    return [unit for unit in (one.rstrip(b"\0") for one in annexb.split(b"\0\0\1")[1:]) if unit]


def _path(init: bytes) -> list[tuple[int, int]]:
    """Begin and end of the content of each box that leads to avcC, and of that."""
    path: list[tuple[int, int]] = []
    start, end = 0, len(init)
    steps = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1", b"avcC")
    for kind in steps:
        found = find(init, start, end, kind)
        path.append((found.start, found.end))
        # Before its boxes, stsd has a count and a sample entry has its fields.
        skipped = {b"stsd": 8, b"avc1": _ENTRY}.get(kind, 0)
        start, end = found.start + skipped, found.end
    return path


def _units(record: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    units = []
    for _ in range(count):
        (size,) = struct.unpack_from(">H", record, at)
        unit = record[at + 2 : at + 2 + size]
        if len(unit) != size:
            raise MalformedMedia("a parameter set is cut off")
        units.append(unit)
        at += 2 + size
    if not units:
        raise MalformedMedia("a parameter set is missing")
    return tuple(units), at


def _with_length(unit: bytes) -> bytes:
    return len(unit).to_bytes(2, "big") + unit


def _number(unit: bytes, at: int) -> int:
    """The Exp-Golomb code ue(v) that begins at a byte of a set: its own number."""
    bits = f"{int.from_bytes(unit[at : at + 8].ljust(8, bytes(1)), 'big'):064b}"
    zeros = bits.find("1")
    if not 0 <= zeros <= 16:
        raise MalformedMedia("a parameter set without a number")
    return int(bits[zeros : 2 * zeros + 1], 2) - 1
