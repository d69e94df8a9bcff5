"""Scaling, letterboxes, and JPEG."""

from __future__ import annotations

from io import BytesIO

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from recorder.work.pixels import Canvas, Colours, Scaler, fitted, jpeg


def plain(width: int, height: int, luma: int, blue: int = 128, red: int = 128) -> av.VideoFrame:
    planes = np.full((height * 3 // 2, width), luma, np.uint8)
    planes[height : height * 5 // 4] = blue
    planes[height * 5 // 4 :] = red
    return av.VideoFrame.from_ndarray(planes, "yuv420p")


@pytest.mark.parametrize(
    ("size", "into", "fits"),
    [
        ((1_920, 1_080), (160, 160), (160, 90)),
        ((1_080, 1_920), (160, 160), (90, 160)),
        ((854, 480), (160, 90), (160, 90)),
        ((640, 480), (160, 90), (120, 90)),
        ((4_096, 2), (160, 160), (160, 2)),
    ],
)
def test_sizes_keep_their_shape(
    size: tuple[int, int], into: tuple[int, int], fits: tuple[int, int]
) -> None:
    assert fitted(*size, *into) == fits


def test_limited_range_becomes_full_range() -> None:
    """16 to 235 is black to white in video, 0 to 255 in a JPEG."""
    scaler = Scaler(64, 36)
    assert abs(int(scaler.fit(plain(128, 72, 16)).luma.max()) - 0) <= 1
    assert abs(int(scaler.fit(plain(128, 72, 235)).luma.min()) - 255) <= 1


def test_colours_of_hd_are_those_of_bt_709() -> None:
    """A red of 709 has another luma in 601, which JPEG is made of."""
    red = plain(1_280, 720, 63, 102, 240)
    assert Colours.of(red) == Colours(Colorspace.ITU709, ColorRange.MPEG)
    canvas = Scaler(64, 36).fit(red)
    assert abs(int(canvas.luma[10, 10]) - 76) <= 2
    assert abs(int(canvas.red[5, 5]) - 255) <= 3


def test_beside_another_shape_it_is_black() -> None:
    canvas = Scaler(160, 90).fit(plain(180, 320, 235))
    assert canvas.luma[45, :50].max() == 0
    assert canvas.luma[45, 60:100].min() >= 254
    video = Colours(Colorspace.ITU601, ColorRange.MPEG)
    assert Scaler(160, 90, video).fit(plain(180, 320, 235)).luma[45, 0] == 16


def test_a_jpeg_looks_like_its_canvas() -> None:
    canvas = Canvas.black(64, 48)
    canvas.put(Scaler(32, 18).fit(plain(64, 36, 235)), 32, 2)
    with av.open(BytesIO(jpeg(canvas)), "r") as container:
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height, frame.format.name) == (64, 48, "yuvj420p")
    luma = frame.to_ndarray()[:48]
    assert np.abs(luma.astype(int) - canvas.luma).mean() < 2
