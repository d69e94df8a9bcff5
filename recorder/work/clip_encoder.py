"""Encodes the pictures of a clip that cannot be copied, so that one decoder takes them all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

import av
from av.codec.context import Flags
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from recorder.work.avcc import Configuration, split
from recorder.work.pixels import Colours, Scaler

TICKS: Final = 90_000
"""A second."""
PROFILES: Final = {66: "baseline", 77: "main", 100: "high"}
"""Those that can be both copied and encoded, by the number that an SPS has for them."""
FORMATS: Final = ("yuv420p", "yuvj420p")
"""Of pixels, in those profiles."""
_LEVELS: Final = frozenset({10, 11, 12, 13, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 52})
_SPS: Final = 7
_PPS: Final = 8
_NOT_SAMPLES: Final = frozenset({7, 8, 9})
"""Kinds of NAL units that stand elsewhere in a file."""


class Coded(NamedTuple):
    """A coded picture of the clip."""

    time: int
    """Ticks since the clip's start."""
    keyframe: bool
    data: bytes
    """NAL units with lengths of four bytes."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How all pictures of a clip are coded."""

    width: int
    height: int
    frame_rate: int = 30
    """Nominal."""
    profile: int = 100
    level: int = 0
    """As an SPS has it; 0 lets the encoder choose."""
    number: int = 0
    """Of the parameter sets."""


class ClipEncoder:
    """One stretch of pictures after the other. Each begins with a keyframe."""

    def __init__(self, manner: Manner, like: VideoFrame) -> None:
        """`like`: a picture whose colours the clip has. Raises av.FFmpegError."""
        self._manner = manner
        self._format = like.format.name if like.format.name in FORMATS else FORMATS[0]
        self._tags = Colours.of(like), like.colorspace, like.color_primaries, like.color_trc
        self._scaler = Scaler(manner.width, manner.height, self._tags[0])
        self._context: VideoCodecContext | None = self._opened()
        self._begins = True
        self.configuration = _configuration(self._context.extradata or b"")
        """The same for all stretches."""

    def encode(self, picture: VideoFrame, time: int) -> Iterator[Coded]:
        """Times grow. A picture of another size gets black beside it."""
        if self._context is None:
            self._context = self._opened()
        frame = self._fitted(picture)
        frame.pts, frame.time_base = time, Fraction(1, TICKS)
        frame.pict_type = PictureType.I if self._begins else PictureType.NONE
        self._begins = False
        return map(_coded, self._context.encode(frame))

    def end(self) -> Iterator[Coded]:
        """The last pictures of a stretch."""
        context, self._context = self._context, None
        begins, self._begins = self._begins, True
        return map(_coded, context.encode(None) if context is not None and not begins else ())

    def _fitted(self, picture: VideoFrame) -> VideoFrame:
        size = picture.width, picture.height
        manner = self._manner
        if picture.format.name == self._format and size == (manner.width, manner.height):
            return picture
        return self._scaler.fit(picture).frame(self._format)

    def _opened(self) -> VideoCodecContext:
        manner = self._manner
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = manner.width, manner.height, self._format
        context.time_base = Fraction(1, TICKS)
        context.framerate = Fraction(manner.frame_rate)
        context.gop_size, context.max_b_frames = 2 * manner.frame_rate, 0
        context.thread_count = 2
        context.flags |= Flags.global_header
        colours, space, primaries, transfer = self._tags
        context.color_range = colours.range
        context.colorspace, context.color_primaries, context.color_trc = space, primaries, transfer
        context.options = {
            "preset": "veryfast",
            "crf": "19",
            "profile": PROFILES[manner.profile],
            "forced-idr": "1",
            # A long look ahead would hold hundreds of MB of pictures.
            "x264-params": f"sps-id={manner.number}:rc-lookahead=8:scenecut=0:force-cfr=1",
        }
        if manner.level in _LEVELS:
            context.options |= {"level": f"{manner.level / 10:.1f}"}
        context.open()
        return context


def _configuration(extra: bytes) -> Configuration:
    """Out of an encoder's header, a byte stream."""
    units = split(extra)
    sps = tuple(unit for unit in units if unit[0] & 31 == _SPS)
    pps = tuple(unit for unit in units if unit[0] & 31 == _PPS)
    # From High on it says that chroma is 4:2:0 and has 8 bits, like luma.
    rest = bytes((0xFD, 0xF8, 0xF8, 0)) if sps[0][1] == 100 else b""
    profile, constraints, level = sps[0][1:4]
    return Configuration(profile, constraints, level, sps, pps, rest)


def _coded(packet: Packet[VideoStream]) -> Coded:
    units = (unit for unit in split(bytes(packet)) if unit[0] & 31 not in _NOT_SAMPLES)
    data = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)
    return Coded(packet.pts or 0, packet.is_keyframe, data)
