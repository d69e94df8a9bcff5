"""Decoded pictures made smaller, laid onto canvases and saved as JPEG."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, cast

import av
import numpy as np
from av.codec.context import Flags
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

QUALITY: Final = 4
"""Of JPEGs, on FFmpeg's scale from 1 to 31; a lower number looks better."""
_LAMBDA: Final = 118
"""FFmpeg's unit of quality."""
_SPACES: Final = {
    1: Colorspace.ITU709,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    9: Colorspace.BT2020,
}
"""By FFmpeg's numbers (AVCOL_SPC), which are those of H.264."""


@dataclass(frozen=True, slots=True)
class Colours:
    """What the numbers of a picture mean."""

    space: Colorspace
    range: ColorRange

    @classmethod
    def of(cls, picture: VideoFrame) -> Colours:
        """Of a decoded picture. What it does not tell is what a browser takes it for."""
        space = _SPACES.get(int(picture.colorspace))
        if space is None:
            large = min(picture.width, picture.height) >= 720
            space = Colorspace.ITU709 if large else Colorspace.ITU601
        full = int(picture.color_range) == ColorRange.JPEG
        return cls(space, ColorRange.JPEG if full else ColorRange.MPEG)

    @property
    def black(self) -> int:
        return 0 if self.range == ColorRange.JPEG else 16


JPEG: Final = Colours(Colorspace.ITU601, ColorRange.JPEG)


@dataclass(slots=True)
class Canvas:
    """A picture in planes, with a quarter of the chroma."""

    luma: Plane
    blue: Plane
    red: Plane

    @classmethod
    def black(cls, width: int, height: int, luma: int = 0) -> Canvas:
        """Sides are even numbers of pixels. `luma` is that of black."""
        half = height // 2, width // 2
        return cls(
            np.full((height, width), luma, np.uint8),
            np.full(half, 128, np.uint8),
            np.full(half, 128, np.uint8),
        )

    @property
    def width(self) -> int:
        return int(self.luma.shape[1])

    @property
    def height(self) -> int:
        return int(self.luma.shape[0])

    def put(self, other: Canvas, x: int, y: int) -> None:
        """Lay another one onto it. The place is even, and it fits."""
        self.luma[y : y + other.height, x : x + other.width] = other.luma
        x, y = x // 2, y // 2
        rows, columns = other.blue.shape
        self.blue[y : y + rows, x : x + columns] = other.blue
        self.red[y : y + rows, x : x + columns] = other.red

    def frame(self, format: str = "yuv420p") -> VideoFrame:
        """For an encoder."""
        planes = np.concatenate([self.luma.ravel(), self.blue.ravel(), self.red.ravel()])
        return VideoFrame.from_ndarray(planes.reshape(-1, self.width), format)

    def cropped(self, width: int, height: int) -> Canvas:
        """Its upper left corner."""
        rows, columns = height // 2, width // 2
        return Canvas(
            self.luma[:height, :width], self.blue[:rows, :columns], self.red[:rows, :columns]
        )


class Scaler:
    """Makes pictures of one size out of any."""

    def __init__(self, width: int, height: int, colours: Colours = JPEG) -> None:
        """Even numbers of pixels."""
        self.width, self.height = width, height
        self._colours = colours
        self._reformatter = VideoReformatter()

    def fit(self, picture: VideoFrame) -> Canvas:
        """The whole picture, with black beside it where its shape is another one."""
        width, height = fitted(picture.width, picture.height, self.width, self.height)
        content = self._scaled(picture, width, height)
        if (width, height) == (self.width, self.height):
            return content
        canvas = Canvas.black(self.width, self.height, self._colours.black)
        canvas.put(content, _even((self.width - width) // 2), _even((self.height - height) // 2))
        return canvas

    def _scaled(self, picture: VideoFrame, width: int, height: int) -> Canvas:
        told = Colours.of(picture)
        scaled = self._reformatter.reformat(
            picture,
            width,
            height,
            "yuv420p",
            src_colorspace=told.space,
            dst_colorspace=self._colours.space,
            interpolation=Interpolation.AREA,
            src_color_range=told.range,
            dst_color_range=self._colours.range,
            threads=1,
        )
        planes = cast(Plane, scaled.to_ndarray())
        chroma = planes[height:].reshape(2, height // 2, width // 2)
        return Canvas(planes[:height], chroma[0], chroma[1])


def fitted(width: int, height: int, most_width: int, most_height: int) -> tuple[int, int]:
    """The largest size of this shape that fits into another, in even numbers of pixels."""
    scale = min(Fraction(most_width, width), Fraction(most_height, height))
    return max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2))


def jpeg(canvas: Canvas, quality: int = QUALITY) -> bytes:
    """A JPEG file."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = canvas.width, canvas.height
    encoder.pix_fmt = "yuv420p"
    encoder.color_range = ColorRange.JPEG
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    encoder.flags |= Flags.qscale
    encoder.global_quality = quality * _LAMBDA
    frame = canvas.frame()
    frame.color_range = ColorRange.JPEG
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def _even(number: int) -> int:
    return number - number % 2
