"""Pictures out of access units, whatever is in them.

A stranger made the bytes. What cannot be decoded is counted, and nothing is shown until the next
keyframe: pictures that refer to a broken one look worse than one that stands still.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, cast

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from bridge.transcode.wire import Unit
from sluice.media import Codec

MOST_PIXELS: Final = 4_096 * 4_096
"""Of one picture; 4K has half of that. FFmpeg refuses more before it takes memory for it."""
MICROSECOND: Final = Fraction(1, 1_000_000)
FFMPEG_NAMES: Final = {
    Codec.H264: "h264",
    Codec.H265: "hevc",
    Codec.VP8: "vp8",
    Codec.VP9: "vp9",
    # FFmpeg's own decoder of AV1 needs a graphics card.
    Codec.AV1: "libdav1d",
}
OPTIONS: Final = {
    "max_pixels": str(MOST_PIXELS),
    # A broken slice is an error, and not a picture with grey in it.
    "err_detect": "explode",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture with the time of the unit that it came in."""

    time_us: int
    keyframe: bool
    """Its unit was one."""
    frame: VideoFrame


class Undecodable(Exception):
    """The unit is broken, or needs one that never came."""


class PictureTooLarge(Undecodable):
    """Nobody may make the server decode that."""


class PictureDecoder:
    """One decoder at a time, changed with the codec."""

    def __init__(self) -> None:
        self._codec: Codec | None = None
        self._context: VideoCodecContext | None = None
        self._keyframes: set[int] = set()
        self.waiting = True
        """For a keyframe."""

    def reset(self) -> None:
        """Forget everything; go on with the next keyframe."""
        self._context = None
        self._codec = None
        self._wait()

    def wait(self) -> None:
        """Units were left out: go on with the next keyframe."""
        self._wait()

    def decode(self, unit: Unit) -> Iterator[Picture]:
        """The pictures of a unit, mostly one. None while it waits for a keyframe.

        Raises Undecodable; then it waits.
        """
        if self.waiting and not unit.keyframe:
            return
        try:
            frames = self._frames(unit)
        except (av.FFmpegError, ValueError, EOFError) as error:
            judged = _judged(error, self._context)
            self._context = None
            self._wait()
            raise judged from error
        self.waiting = False
        for frame in frames:
            if frame.width * frame.height > MOST_PIXELS:
                self.reset()
                raise PictureTooLarge(f"a picture of {frame.width} x {frame.height}")
            if frame.is_corrupt:
                self._wait()
                raise Undecodable("a damaged picture")
            time_us = unit.time_us if frame.pts is None else frame.pts
            keyframe = time_us in self._keyframes
            self._keyframes.discard(time_us)
            yield Picture(time_us, keyframe, frame)

    def _frames(self, unit: Unit) -> list[VideoFrame]:
        if self._context is None or self._codec is not unit.codec:
            self._context = _opened(unit.codec)
            self._codec = unit.codec
        elif self.waiting:
            self._context.flush_buffers()
        packet = av.Packet(unit.payload)
        packet.pts = packet.dts = unit.time_us
        packet.time_base = MICROSECOND
        if unit.keyframe:
            if len(self._keyframes) > 64:
                self._keyframes.clear()
            self._keyframes.add(unit.time_us)
        return self._context.decode(packet)

    def _wait(self) -> None:
        self.waiting = True
        self._keyframes.clear()


def _opened(codec: Codec) -> VideoCodecContext:
    """Raises ValueError for what is no picture."""
    if codec.is_audio:
        raise ValueError(f"{codec} has no pictures")
    context = cast(VideoCodecContext, av.CodecContext.create(FFMPEG_NAMES[codec], "r"))
    context.thread_count = 1
    context.flags |= Flags.low_delay
    context.options = dict(OPTIONS)
    return context


def _judged(error: Exception, context: VideoCodecContext | None) -> Undecodable:
    """What FFmpeg meant: each decoder has its own word for a picture over `max_pixels`."""
    text = f"{type(error).__name__}: {error}"[:200]
    size = 0 if context is None else context.width * context.height
    if size > MOST_PIXELS or isinstance(error, av.ArgumentError | OverflowError):
        return PictureTooLarge(text)
    return Undecodable(text)
