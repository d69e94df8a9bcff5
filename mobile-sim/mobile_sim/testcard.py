"""The test card: a ball over the water at dusk, a flash on the second and the stamp.

Everything still is painted once. A frame costs one copy of the background and a few small blits.
The water is there for the encoder: it shimmers, cannot be predicted, and so makes the stream as
heavy as a camera's. A picture that is too easy would stay far below the bitrate asked for.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from mobile_sim import stamp

Plane = NDArray[np.uint8]
FLASH_MS = 80
"""The white patch is shown in the first 80 ms of each second, while the tone sounds."""

NEUTRAL = 128
BARS = (  # Y, Cb, Cr of the 75 % colour bars, BT.709 limited range
    (180, 128, 128),
    (168, 44, 136),
    (145, 147, 44),
    (133, 63, 52),
    (63, 193, 204),
    (51, 109, 212),
    (28, 212, 120),
)


class Picture(Protocol):
    """A source of pictures."""

    def draw(self, counter: int, time_ms: int) -> VideoFrame:
        """Return picture number `counter`, captured at the Unix time `time_ms`, stamped."""
        ...


class TestCard:
    """A picture made of numbers. The same counter and time give the same picture.

    Raises ValueError when the size is odd or too small for the stamp.
    """

    __test__ = False  # not a test case, whatever pytest makes of the name

    def __init__(self, width: int, height: int, fps: int) -> None:
        if width % 2 or height % 2:
            raise ValueError(f"a picture of {width}x{height}: both must be even")
        if width < stamp.MIN_WIDTH or height < 3 * stamp.strip_height(width):
            raise ValueError(f"a picture of {width}x{height} is too small for the test card")
        self._width, self._height, self._fps = width, height, fps
        self._ball = _ball(max(8, height // 10 * 2))
        self._bars_top = (height - height // 10) // 2 * 2
        self._horizon = (height * 7 // 10) // 2 * 2
        self._background = _background(width, height, self._horizon, self._bars_top)
        self._near, self._far = _waves(self._bars_top - self._horizon, width)
        self._flash = height // 6 // 2 * 2

    def draw(self, counter: int, time_ms: int) -> VideoFrame:
        """Return the picture; see `Picture.draw`."""
        frame = VideoFrame(self._width, self._height, "yuv420p")
        planes = frame_planes(frame)
        for plane, background in zip(planes, self._background, strict=True):
            plane[:] = background
        self._draw_water(planes[0], counter)
        self._draw_sweep(planes, time_ms)
        self._draw_ball(planes, counter)
        if time_ms % 1000 < FLASH_MS:
            self._draw_flash(planes)
        stamp.draw(planes[0], counter, time_ms)
        return frame

    def _draw_ball(self, planes: tuple[Plane, Plane, Plane], counter: int) -> None:
        """A ball that crosses the stage in 3 s and bounces twice on the way."""
        luma, mask = self._ball
        size = luma.shape[0]
        top = stamp.strip_height(self._width)
        floor = self._horizon + size // 4 - size
        seconds = counter / self._fps
        across = _triangle(seconds / 6) * (self._width - size)
        fall = abs(np.sin(np.pi * seconds / 1.5))
        x = int(across) // 2 * 2
        y = int(floor - fall * (floor - top) * 0.8) // 2 * 2
        patch = planes[0][y : y + size, x : x + size]
        np.copyto(patch, luma, where=mask)
        half = mask[::2, ::2]
        for plane, colour in zip(planes[1:], (90, 190), strict=True):
            plane[y // 2 : (y + size) // 2, x // 2 : (x + size) // 2][half] = colour

    def _draw_water(self, luma: Plane, counter: int) -> None:
        """Two layers of waves that run against each other."""
        right = counter * 2 % self._width
        left = -counter * 3 % self._width
        np.add(
            self._near[:, right : right + self._width],
            self._far[:, left : left + self._width],
            out=luma[self._horizon : self._bars_top],
        )

    def _draw_sweep(self, planes: tuple[Plane, Plane, Plane], time_ms: int) -> None:
        """A bar over the foot that fills once a second: time that the eye can read."""
        bottom = self._bars_top
        height = max(2, self._height // 60)
        width = max(2, self._width * (time_ms % 1000) // 1000)
        planes[0][bottom - height : bottom, :width] = 210

    def _draw_flash(self, planes: tuple[Plane, Plane, Plane]) -> None:
        top = (stamp.strip_height(self._width) + self._flash // 4 + 1) // 2 * 2
        left = (self._width - self._flash * 5 // 4) // 2 * 2
        rows, columns = slice(top, top + self._flash), slice(left, left + self._flash)
        planes[0][rows, columns] = stamp.WHITE
        for plane in planes[1:]:
            plane[top // 2 : (top + self._flash) // 2, left // 2 : (left + self._flash) // 2] = (
                NEUTRAL
            )


def frame_planes(frame: VideoFrame) -> tuple[Plane, Plane, Plane]:
    """Return the Y, Cb and Cr planes of a yuv420p frame, writable and without the padding."""
    y, u, v = (
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
            : plane.height, : plane.width
        ]
        for plane in frame.planes
    )
    return y, u, v


def _background(width: int, height: int, horizon: int, bars_top: int) -> tuple[Plane, Plane, Plane]:
    """An evening sky, the water's colour, colour bars at the foot, black behind the stamp."""
    y = np.empty((height, width), np.uint8)
    u = np.empty((height // 2, width // 2), np.uint8)
    v = np.empty_like(u)
    down = np.linspace(0.0, 1.0, height)[:, None]
    right = np.linspace(0.0, 1.0, width)[None, :]
    y[:] = 38 + 70 * down**1.5 + 22 * right * down
    u[:] = (158 - 50 * down**2)[::2] - 8 * right[:, ::2]
    v[:] = (118 + 42 * down**2)[::2] + 6 * right[:, ::2]

    u[horizon // 2 :] = 144
    v[horizon // 2 :] = 122
    edges = [width * index // len(BARS) // 2 * 2 for index in range(len(BARS))] + [width]
    for left, end, colour in zip(edges, edges[1:], BARS, strict=False):
        y[bars_top:, left:end] = colour[0]
        u[bars_top // 2 :, left // 2 : end // 2] = colour[1]
        v[bars_top // 2 :, left // 2 : end // 2] = colour[2]

    strip = stamp.strip_height(width)
    y[:strip] = stamp.BLACK
    for plane in (u, v):
        plane[: (strip + 1) // 2] = NEUTRAL
    return y, u, v


def _waves(height: int, width: int) -> tuple[Plane, Plane]:
    """Two layers of flat ripples, twice as wide as the picture so that they can run around."""
    rng = np.random.default_rng(20)
    layers: list[Plane] = []
    for level, depth, ripple in ((34, 34, 24), (10, 26, 40)):
        rough = rng.standard_normal((height, width))
        streaks = sum(np.roll(rough, shift, axis=1) for shift in range(ripple)) / ripple**0.5
        # Nearer water has higher waves.
        swell = np.linspace(0.25, 1.0, height)[:, None] * depth / 3
        layer = np.clip(level + swell * (1 + streaks), 0, 100).astype(np.uint8)
        layers.append(np.concatenate([layer, layer], axis=1))
    return layers[0], layers[1]


def _ball(size: int) -> tuple[Plane, NDArray[np.bool_]]:
    """The luma of a lit ball and the mask of its disc."""
    axis = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = axis[None, :], axis[:, None]
    light = np.clip(1 - np.hypot(x + 0.35, y + 0.35) / 1.6, 0, 1)
    luma: Plane = (90 + 140 * light).astype(np.uint8)
    return luma, np.hypot(x, y) <= 1


def _triangle(turns: float) -> float:
    """0 to 1 and back to 0 within one turn."""
    return 1 - abs(turns % 1 * 2 - 1)
