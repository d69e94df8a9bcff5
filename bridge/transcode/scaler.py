"""One picture in all sizes of the ladder, each made of the next larger one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation, VideoReformatter

Pixels = np.ndarray[Any, np.dtype[np.uint8]]

FORMAT: Final = "yuv420p"
ROUNDING: Final = 2
"""Pixels that the shape may be off: sizes are even."""
BLACK: Final = (16, 128, 128)
BLACK_FULL: Final = (0, 128, 128)
FULL_RANGE: Final = 2


class Size(Protocol):
    """A rung, or anything else that has a size."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...


class Scaler:
    """Keeps what FFmpeg prepares for each size; a new source size prepares it anew."""

    def __init__(self, sizes: Sequence[Size]) -> None:
        self._sizes = list(sizes)
        self._reformatters = [VideoReformatter() for _ in sizes]
        self._canvas: list[VideoFrame | None] = [None for _ in sizes]

    def scale(self, picture: VideoFrame, wanted: Sequence[bool]) -> list[VideoFrame | None]:
        """The picture in each size that is wanted; the shape is kept with black borders.

        What has the right size already is handed on as it is.
        """
        results: list[VideoFrame | None] = []
        source = picture
        for number, size in enumerate(self._sizes):
            if not wanted[number]:
                results.append(None)
                continue
            result = self._scaled(number, size, source)
            results.append(result)
            # Borders are scaled along when the next size has the same shape.
            following = self._sizes[number + 1 : number + 2]
            source = result if following and _fits(result, following[0]) else picture
        return results

    def _scaled(self, number: int, size: Size, picture: VideoFrame) -> VideoFrame:
        width, height = inner(picture.width, picture.height, size)
        scaled = self._reformatters[number].reformat(
            picture,
            width=width,
            height=height,
            format=FORMAT,
            interpolation=_interpolation(picture, width, height),
            src_color_range=picture.color_range or None,
            dst_color_range=picture.color_range or None,
            threads=1,
        )
        if (width, height) == (size.width, size.height):
            return scaled
        return self._bordered(scaled, size)

    def _bordered(self, picture: VideoFrame, size: Size) -> VideoFrame:
        canvas = VideoFrame(size.width, size.height, FORMAT)
        canvas.color_range = picture.color_range
        canvas.colorspace = picture.colorspace
        black = BLACK_FULL if picture.color_range == FULL_RANGE else BLACK
        left = (size.width - picture.width) // 4 * 2
        top = (size.height - picture.height) // 4 * 2
        for plane, source, shade in zip(canvas.planes, picture.planes, black, strict=True):
            share = size.width // plane.width
            pixels, inside = _pixels(plane), _pixels(source)
            pixels[:] = shade
            x, y = left // share, top // share
            pixels[y : y + source.height, x : x + source.width] = inside
        return canvas


def inner(width: int, height: int, size: Size) -> tuple[int, int]:
    """The largest size of this shape inside another; that one itself when only rounding differs."""
    ratio = min(size.width / width, size.height / height)
    inside_width = max(2, min(size.width, 2 * round(width * ratio / 2)))
    inside_height = max(2, min(size.height, 2 * round(height * ratio / 2)))
    if size.width - inside_width <= ROUNDING and size.height - inside_height <= ROUNDING:
        return size.width, size.height
    return inside_width, inside_height


def _fits(picture: VideoFrame, size: Size) -> bool:
    larger = picture.width >= size.width and picture.height >= size.height
    return larger and inner(picture.width, picture.height, size) == (size.width, size.height)


def _interpolation(picture: VideoFrame, width: int, height: int) -> int:
    """Averages when it gets smaller; that is what a smaller sensor would have seen."""
    smaller = width <= picture.width and height <= picture.height
    return Interpolation.AREA if smaller else Interpolation.BILINEAR


def _pixels(plane: VideoPlane) -> Pixels:
    """The plane's own memory."""
    rows: Pixels = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]
