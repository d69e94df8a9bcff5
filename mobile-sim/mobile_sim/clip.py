"""A media file as the camera: looped, scaled to the size that is sent, stamped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
from av import VideoFrame
from av.video.reformatter import VideoReformatter

from mobile_sim import stamp
from mobile_sim.testcard import NEUTRAL, frame_planes

ROUNDING_S = 0.001
"""Frame times are rounded by the file and again here; a picture this early is on time."""


class ClipError(Exception):
    """The file cannot be used; the text says why."""


class Clip:
    """The pictures of a file, over and over, at the frame rate that is sent.

    Decoding is paid for in `draw`. The file is the user's own: use no file of a stranger here.
    """

    def __init__(self, path: Path, width: int, height: int, fps: int) -> None:
        self._path = path
        self.resize(width, height, fps)
        self._reformatter = VideoReformatter()
        self._frames = self._play()
        self._current = self._first()
        self._following = self._current
        self._wanted = 0.0

    def resize(self, width: int, height: int, fps: int) -> None:
        """Go on in another size and frame rate. Raises ClipError when the stamp has no room."""
        if height < stamp.strip_height(width) or width < stamp.MIN_WIDTH:
            raise ClipError(f"a picture of {width}x{height} has no room for the stamp")
        self._size = (width, height)
        self._fps = fps

    def draw(self, counter: int, time_ms: int) -> VideoFrame:
        """Return the picture that the file shows now; see `Picture.draw`.

        Raises ClipError when the file has become unreadable.
        """
        wanted = self._wanted
        self._wanted += 1 / self._fps
        while self._following[0] <= wanted + ROUNDING_S:
            self._current = self._following
            self._following = next(self._frames)
        frame = self._scaled(self._current[1])
        luma, *chroma = frame_planes(frame)
        stamp.draw(luma, counter, time_ms)
        for plane in chroma:
            plane[: (stamp.strip_height(frame.width) + 1) // 2] = NEUTRAL
        return frame

    def _scaled(self, picture: VideoFrame) -> VideoFrame:
        """A new frame: one that the file shows twice must not keep the old stamp's memory."""
        width, height = self._size
        frame = self._reformatter.reformat(
            picture, width, height, format="yuv420p", interpolation="FAST_BILINEAR"
        )
        if frame is not picture:
            return frame
        copy = VideoFrame(width, height, "yuv420p")
        for target, source in zip(frame_planes(copy), frame_planes(frame), strict=True):
            target[:] = source
        return copy

    def _first(self) -> tuple[float, VideoFrame]:
        try:
            return next(self._frames)
        except OSError as error:  # av.FFmpegError is one, too
            raise ClipError(f"{self._path}: {error.strerror or error}") from error
        except av.FFmpegError as error:
            raise ClipError(f"{self._path}: {error}") from error

    def _play(self) -> Iterator[tuple[float, VideoFrame]]:
        """Pictures with their time in seconds; each round goes on where the last one ended."""
        start = 0.0
        while True:
            end = start
            with av.open(self._path) as container:
                if not container.streams.video:
                    raise ClipError(f"{self._path} has no video")
                stream = container.streams.video[0]
                stream.thread_type = "AUTO"
                interval = float(1 / (stream.average_rate or self._fps))
                first: float | None = None
                for picture in container.decode(stream):
                    seconds = picture.time if picture.time is not None else end - start
                    first = seconds if first is None else first
                    at = max(end, start + seconds - first)
                    end = at + interval
                    yield at, picture
            if end == start:
                raise ClipError(f"{self._path} has no picture that can be decoded")
            start = end
