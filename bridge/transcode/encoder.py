"""One rung: H.264 without delay, with keyframes exactly where they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, cast

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from bridge.h264 import annexb_to_avcc, parameter_sets
from bridge.ladder import Rung
from bridge.track import VIDEO_TIMESCALE, VideoConfig

AUTO: Final = "auto"
SOFTWARE: Final = "libx264"
HARDWARE: Final = ("h264_nvenc",)
TICK: Final = Fraction(1, VIDEO_TIMESCALE)
ENDLESS: Final = 1 << 30
"""Pictures between keyframes that nobody asked for: never."""


class EncoderMissing(Exception):
    """No such encoder here, or it does not open."""


@dataclass(frozen=True, slots=True)
class Colours:
    """What a decoder must know of the pixels' meaning; FFmpeg's numbers."""

    range: int = 0
    space: int = 2
    primaries: int = 2
    transfer: int = 2

    @classmethod
    def of(cls, picture: VideoFrame) -> Colours:
        return cls(
            int(picture.color_range),
            int(picture.colorspace),
            int(picture.color_primaries),
            int(picture.color_trc),
        )


@dataclass(frozen=True, slots=True)
class Coded:
    """One coded picture. There are no B-frames: decoding order is the order of showing."""

    time: int
    keyframe: bool
    data: bytes
    """NAL units with lengths of four bytes."""


class RungEncoder:
    """Raises EncoderMissing when the machine cannot."""

    def __init__(self, name: str, rung: Rung, frame_rate: int, colours: Colours) -> None:
        self.rung = rung
        self._frame_rate = frame_rate
        self._context = _opened(name, rung, frame_rate, colours)
        self.config: VideoConfig | None = None
        """None before the first picture of an encoder that does not know it earlier."""
        self._configure(self._context.extradata or b"")

    def encode(self, picture: VideoFrame, time: int, keyframe: bool) -> list[Coded]:
        """The picture's bytes, at once. `time` in ticks of 90 kHz."""
        picture.pts = time
        picture.time_base = TICK
        picture.pict_type = PictureType.I if keyframe else PictureType.NONE
        coded = []
        for packet in self._context.encode(picture):
            data = bytes(packet)
            if self.config is None:
                self._configure(data)
            coded.append(Coded(packet.pts or 0, packet.is_keyframe, annexb_to_avcc(data)))
        return coded

    def _configure(self, data: bytes) -> None:
        sps, pps = parameter_sets(data)
        if sps is not None and pps is not None:
            size = self.rung.width, self.rung.height
            self.config = VideoConfig(sps, pps, *size, float(self._frame_rate))


def chosen(wanted: str) -> str:
    """The encoder to use: the wanted one, or the best that opens. Raises EncoderMissing."""
    names = (*HARDWARE, SOFTWARE) if wanted == AUTO else (wanted,)
    for name in names:
        try:
            _opened(name, Rung("probe", 640, 360, 1_000_000), 30, Colours())
        except EncoderMissing:
            continue
        return name
    raise EncoderMissing(f"no encoder opens: {', '.join(names)}")


def _opened(name: str, rung: Rung, frame_rate: int, colours: Colours) -> VideoCodecContext:
    try:
        context = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
        if context.codec.canonical_name != "h264":
            raise ValueError("it makes no H.264")
        context.width, context.height = rung.width, rung.height
        context.pix_fmt = "yuv420p"
        context.time_base = TICK
        context.framerate = Fraction(frame_rate)
        context.bit_rate = rung.bitrate
        context.gop_size = ENDLESS
        context.max_b_frames = 0
        context.thread_count = 1
        context.flags |= Flags.global_header
        context.color_range = colours.range
        context.colorspace = colours.space
        context.color_primaries = colours.primaries
        context.color_trc = colours.transfer
        context.options = _rate(rung) | (_x264(rung) if name == SOFTWARE else _nvenc())
        context.open()
    except (av.FFmpegError, ValueError, TypeError) as error:
        raise EncoderMissing(f"{name}: {error}") from error
    return context


def _rate(rung: Rung) -> dict[str, str]:
    """At most a second of bits at once, and a tenth over the average."""
    return {"maxrate": str(rung.bitrate * 11 // 10), "bufsize": str(rung.bitrate)}


def _x264(rung: Rung) -> dict[str, str]:
    # With times that may vary (force-cfr=0) x264 would hold each picture until the next one.
    parameters = (
        "rc-lookahead=0:sync-lookahead=0:sliced-threads=0:force-cfr=1:scenecut=0:keyint=infinite"
    )
    return {
        "preset": "superfast",
        "profile": "main" if min(rung.width, rung.height) < 720 else "high",
        "forced-idr": "1",
        "x264-params": parameters,
    }


def _nvenc() -> dict[str, str]:
    return {
        "preset": "p2",
        "tune": "ll",
        "rc": "vbr",
        "zerolatency": "1",
        "delay": "0",
        "forced-idr": "1",
        "no-scenecut": "1",
    }
