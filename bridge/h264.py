"""H.264 as bytes: Annex B in, NAL units with lengths out, and what a parameter set says.

The bytes come from strangers: whatever is wrong with them is a ValueError, soon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bridge.track import VideoConfig

IDR: Final = 5
SPS: Final = 7
PPS: Final = 8
DELIMITER: Final = 9

LARGEST_PICTURE: Final = 16_384
"""Pixels a side. No level of H.264 allows more, and no decoder here would take it."""
LARGEST_SPS: Final = 4_096
"""Bytes. Real ones have fewer than 100."""

_START: Final = b"\0\0\1"
_NOT_SAMPLES: Final = frozenset({SPS, PPS, DELIMITER})
_HIGH_PROFILES: Final = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
"""Those whose SPS tells the kind of samples (ITU-T H.264, 7.3.2.1.1)."""


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """What an SPS says, as far as anybody here asks."""

    profile: int
    constraints: int
    level: int
    width: int
    height: int
    """Pixels, after cropping."""
    frame_rate: float
    """Pictures a second; 0 where it does not say."""
    chroma_format: int
    """1 is 4:2:0."""
    luma_bits: int
    chroma_bits: int


def nal_units(access_unit: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream, without start codes.

    Raises ValueError if it does not begin with a start code.
    """
    before, *units = access_unit.split(_START)
    if before.strip(b"\0") or not units:
        raise ValueError("no start code at the beginning of the access unit")
    # No NAL unit ends with a zero byte: such ones are stuffing, or belong to a long start code.
    return [unit for unit in (unit.rstrip(b"\0") for unit in units) if unit]


def annexb_to_avcc(access_unit: bytes) -> bytes:
    """Annex B to the form that MP4 stores: each NAL unit behind its length in four bytes.

    Parameter sets are left out, as the init segment holds them, and so are delimiters. Raises
    ValueError if the access unit does not begin with a start code.
    """
    pieces: list[bytes] = []
    for unit in nal_units(access_unit):
        if unit[0] & 31 not in _NOT_SAMPLES:
            pieces += (len(unit).to_bytes(4, "big"), unit)
    return b"".join(pieces)


def parameter_sets(access_unit: bytes) -> tuple[bytes | None, bytes | None]:
    """The first SPS and the first PPS of an access unit in Annex B."""
    sps = pps = None
    for unit in _heads(access_unit):
        kind = access_unit[unit] & 31
        if kind == SPS and sps is None:
            sps = _unit_at(access_unit, unit)
        elif kind == PPS and pps is None:
            pps = _unit_at(access_unit, unit)
        elif 1 <= kind <= IDR:
            break  # Parameter sets stand before the picture.
    return sps, pps


def is_idr(access_unit: bytes) -> bool:
    """Whether a decoder can start with this access unit (in Annex B)."""
    for unit in _heads(access_unit):
        kind = access_unit[unit] & 31
        if 1 <= kind <= IDR:
            return kind == IDR
    return False


def video_config(sps: bytes, pps: bytes) -> VideoConfig:
    """Raises ValueError for parameter sets that are malformed."""
    says = parse_sps(sps)
    if not pps or pps[0] & 31 != PPS:
        raise ValueError("not a PPS")
    return VideoConfig(sps, pps, says.width, says.height, says.frame_rate)


def parse_sps(unit: bytes) -> SequenceParameters:
    """Read a sequence parameter set, given as one NAL unit. Raises ValueError if malformed."""
    if not 4 < len(unit) <= LARGEST_SPS or unit[0] & 31 != SPS:
        raise ValueError("not an SPS")
    bits = _Bits(unit[1:].replace(b"\0\0\3", b"\0\0"))
    profile, constraints, level = bits.take(8), bits.take(8), bits.take(8)
    bits.up_to(31)  # seq_parameter_set_id
    chroma_format, luma_bits, chroma_bits, separate_planes = 1, 8, 8, 0
    if profile in _HIGH_PROFILES:
        chroma_format = bits.up_to(3)
        if chroma_format == 3:
            separate_planes = bits.take(1)
        luma_bits, chroma_bits = 8 + bits.up_to(6), 8 + bits.up_to(6)
        bits.take(1)
        if bits.take(1):
            _skip_scaling_lists(bits, 12 if chroma_format == 3 else 8)
    bits.up_to(12)  # log2_max_frame_num
    _skip_picture_order(bits)
    bits.up_to(16)  # max_num_ref_frames
    bits.take(1)
    across, down = bits.up_to(1_023) + 1, bits.up_to(1_023) + 1
    frames_only = bits.take(1)
    if not frames_only:
        bits.take(1)
    bits.take(1)
    width, height = 16 * across, 16 * down * (2 - frames_only)
    if bits.take(1):
        planes = 0 if separate_planes else chroma_format
        unit_x = 2 if planes in (1, 2) else 1
        unit_y = (2 if planes == 1 else 1) * (2 - frames_only)
        width -= unit_x * (bits.unsigned() + bits.unsigned())
        height -= unit_y * (bits.unsigned() + bits.unsigned())
    if not (0 < width <= LARGEST_PICTURE and 0 < height <= LARGEST_PICTURE):
        raise ValueError(f"a picture of {width} x {height}")
    return SequenceParameters(
        profile=profile,
        constraints=constraints,
        level=level,
        width=width,
        height=height,
        frame_rate=_frame_rate(bits) if bits.take(1) else 0.0,
        chroma_format=chroma_format,
        luma_bits=luma_bits,
        chroma_bits=chroma_bits,
    )


class _Bits:
    """Reads bits from the front, and never past the end."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("the SPS ends too soon")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def unsigned(self) -> int:
        """An Exp-Golomb code, ue(v)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 31:
                raise ValueError("a number of the SPS is too long")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """An Exp-Golomb code, se(v)."""
        code = self.unsigned()
        return (code + 1) // 2 if code & 1 else -(code // 2)

    def up_to(self, most: int) -> int:
        value = self.unsigned()
        if value > most:
            raise ValueError(f"a number of the SPS is {value}, {most} is the most")
        return value


def _heads(access_unit: bytes) -> Iterator[int]:
    """Where the NAL units begin. Looks no further than it is asked to."""
    at = access_unit.find(_START)
    while 0 <= at < len(access_unit) - 3:
        yield at + 3
        at = access_unit.find(_START, at + 3)


def _unit_at(access_unit: bytes, at: int) -> bytes:
    end = access_unit.find(_START, at)
    return access_unit[at : end if end >= 0 else None].rstrip(b"\0")


def _skip_scaling_lists(bits: _Bits, lists: int) -> None:
    for index in range(lists):
        if not bits.take(1):
            continue
        last = following = 8
        for _ in range(16 if index < 6 else 64):
            if following:
                following = (last + bits.signed()) % 256
            last = following or last


def _skip_picture_order(bits: _Bits) -> None:
    kind = bits.up_to(2)
    if kind == 0:
        bits.up_to(12)
    elif kind == 1:
        bits.take(1)
        bits.signed()
        bits.signed()
        for _ in range(bits.up_to(255)):
            bits.signed()


def _frame_rate(bits: _Bits) -> float:
    """From the VUI (ITU-T H.264, annex E), which tells fields, two a picture."""
    if bits.take(1) and bits.take(8) == 255:  # aspect ratio
        bits.take(32)
    if bits.take(1):  # overscan
        bits.take(1)
    if bits.take(1):  # kind of video
        bits.take(4)
        if bits.take(1):
            bits.take(24)
    if bits.take(1):  # where chroma samples lie
        bits.up_to(5)
        bits.up_to(5)
    if not bits.take(1):
        return 0.0
    units, scale = bits.take(32), bits.take(32)
    return scale / (2 * units) if units else 0.0
