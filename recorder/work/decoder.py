"""Decodes samples of a rendition, set up by its init segment."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from typing import Final, cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.codec.context import CodecContext, ThreadType
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

MOST_PIXELS: Final = 4_096 * 4_096
"""Of one picture. FFmpeg refuses more before it takes memory for it."""


class Undecodable(Exception):
    """Nobody can make a picture or a sound of these bytes."""


class PictureDecoder:
    """Pictures, in the order of showing. Their `pts` is the time that came with the data."""

    def __init__(self, init: bytes, *, quick: bool = False) -> None:
        """`quick`: good enough for a small picture. Raises Undecodable."""
        context = cast(VideoCodecContext, _context(init, "video"))
        options = {"max_pixels": str(MOST_PIXELS)}
        if quick:
            options["skip_loop_filter"] = "all"
        context.options = options
        self._context = context

    def decode(self, data: bytes, time: int) -> list[VideoFrame]:
        """What came out, mostly one picture. Raises Undecodable; go on with a keyframe then."""
        packet = av.Packet(data)
        packet.pts = packet.dts = time
        packet.time_base = Fraction(1)
        try:
            return self._context.decode(packet)
        except (av.FFmpegError, ValueError) as error:
            raise Undecodable(f"{type(error).__name__}: {error}"[:200]) from error

    def end(self) -> list[VideoFrame]:
        """What is still held back. Afterwards a keyframe begins anew."""
        try:
            frames = self._context.decode(None)
        except (av.FFmpegError, ValueError):
            frames = []
        self._context.flush_buffers()
        return frames


class SoundDecoder:
    def __init__(self, init: bytes) -> None:
        """Raises Undecodable."""
        self._context = cast(AudioCodecContext, _context(init, "audio"))

    def decode(self, data: bytes) -> list[AudioFrame]:
        """Raises Undecodable; the next sample may go well."""
        try:
            return self._context.decode(av.Packet(data))
        except (av.FFmpegError, ValueError) as error:
            raise Undecodable(f"{type(error).__name__}: {error}"[:200]) from error


def _context(init: bytes, kind: str) -> CodecContext:
    try:
        with av.open(BytesIO(init), "r", format="mp4") as container:
            stream = next((one for one in container.streams if one.type == kind), None)
            if stream is None:
                raise Undecodable(f"no {kind} in the init segment")
            told = stream.codec_context
            context = av.CodecContext.create(told.name, "r")
            context.extradata = told.extradata
    except (av.FFmpegError, ValueError) as error:
        raise Undecodable(f"{type(error).__name__}: {error}"[:200]) from error
    # Several jobs share a machine, and frame threads hold pictures back.
    context.thread_count = 1
    context.thread_type = ThreadType.SLICE
    return context
