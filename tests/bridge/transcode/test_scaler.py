"""One picture in all sizes of the ladder."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from av.video.frame import VideoFrame

from bridge.ladder import Rung
from bridge.transcode.scaler import FULL_RANGE, Scaler, inner
from tests.bridge.transcode.sources import picture


def rung(width: int, height: int) -> Rung:
    return Rung(f"{height}p", width, height, 100_000)


def luma(frame: VideoFrame | None) -> np.ndarray[Any, np.dtype[np.uint8]]:
    assert frame is not None
    pixels = cast("np.ndarray[Any, np.dtype[np.uint8]]", frame.to_ndarray())
    return pixels[: frame.height]


def flat(width: int, height: int, shade: int) -> VideoFrame:
    pixels = np.full((height * 3 // 2, width), shade, np.uint8)
    pixels[height:] = 128
    return VideoFrame.from_ndarray(pixels, "yuv420p")


def test_every_size_is_exact_and_the_sources_own_is_not_touched() -> None:
    source = picture(0)
    sizes = [rung(320, 180), rung(160, 90), rung(80, 46)]
    results = Scaler(sizes).scale(source, [True] * 3)
    assert [(one.width, one.height) for one in results if one] == [(320, 180), (160, 90), (80, 46)]
    assert results[0] is source


def test_what_is_not_wanted_is_not_made() -> None:
    results = Scaler([rung(160, 90), rung(80, 46)]).scale(picture(0), [False, True])
    assert results[0] is None
    assert results[1] is not None


def test_another_shape_gets_black_borders_and_stays_in_the_middle() -> None:
    result = luma(Scaler([rung(160, 90)]).scale(flat(90, 160, 200), [True])[0])
    assert (result[:, 80] == 200).all()
    assert (result[:, :50] == 16).all()
    assert (result[:, -50:] == 16).all()


def test_borders_are_black_in_full_range_too() -> None:
    source = flat(90, 160, 200)
    source.color_range = FULL_RANGE
    result = luma(Scaler([rung(160, 90)]).scale(source, [True])[0])
    assert (result[:, :50] == 0).all()
    assert (result[:, 80] == 200).all(), "the range is passed on and not converted"


def test_a_new_source_size_needs_no_new_scaler() -> None:
    scaler = Scaler([rung(160, 90)])
    for width, height in ((320, 180), (64, 36), (640, 360), (16, 16), (2, 2)):
        result = scaler.scale(flat(width, height, 100), [True])[0]
        assert result is not None
        assert (result.width, result.height) == (160, 90)
        assert abs(int(luma(result)[45, 80]) - 100) <= 1


def test_borders_come_along_to_smaller_sizes() -> None:
    results = Scaler([rung(160, 90), rung(80, 46)]).scale(flat(90, 160, 200), [True, True])
    small = luma(results[1])
    assert (small[:, 40] >= 199).all()
    assert (small[:, :24] <= 17).all()


@pytest.mark.parametrize(
    ("source", "size", "expected"),
    [
        ((1920, 1080), (1280, 720), (1280, 720)),
        ((1920, 1080), (854, 480), (854, 480)),
        ((1920, 1080), (640, 360), (640, 360)),
        ((1280, 960), (1280, 720), (960, 720)),
        ((720, 1280), (1280, 720), (404, 720)),
        ((1, 1), (16, 16), (16, 16)),
        ((10_000, 2), (640, 360), (640, 2)),
    ],
)
def test_the_size_inside(
    source: tuple[int, int], size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert inner(*source, rung(*size)) == expected
