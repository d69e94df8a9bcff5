"""A picture that stands for a VOD, or the picture of one moment of it.

Outputs `poster.jpg` and `small.jpg`. Without parameters the most telling of some keyframes is
taken; `at_ms` names a moment of the VOD.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from av.video.frame import VideoFrame

from recorder.media import Media
from recorder.replay import Replay
from recorder.work.footage import Footage
from recorder.work.keyframes import Keyframes
from recorder.work.moment import picture_at
from recorder.work.pixels import Canvas, Scaler, fitted, jpeg
from recorder.work.task import Facts, Report, Task, Value, WorkError

VERSION: Final = 1

LARGE: Final = 1_280
SMALL: Final = 480
"""The longer side of each picture, in pixels. Nothing is made larger than it was."""
LARGEST: Final = 1_920
"""Of a thumbnail."""

SHARES: Final = (0.1, 0.07, 0.14, 0.04, 0.2, 0.02, 0.28, 0.38, 0.5, 0.65)
"""Where pictures are looked at, as shares of the length."""
BEST_SHARE: Final = 0.1
"""At the beginning streamers set up; much later viewers would learn too much."""
_LOOK: Final = 320
"""Pictures are judged at this size."""
_BLACK: Final = 24.0
"""Mean luma, of 255."""
_FLAT: Final = 6.0
"""Standard deviation of luma."""


def run(task: Task, report: Report) -> Facts:
    """Raises WorkError, and MediaMissing where the media is not there now."""
    replay = Replay.of(task.recording)
    if not any(line.is_video for line in replay.lines.values()):
        raise WorkError("The recording has no pictures.")
    at_us = wanted_us(task.spec.parameters.get("at_ms"), replay.duration_us)
    if at_us is None:
        at_us = _best(replay, task.media, lambda share: report(0.8 * share))
    picture = picture_near(replay, task.media, at_us, LARGE)
    width, height = save(task, picture)
    report(1.0)
    return {"at_ms": at_us // 1_000, "width": width, "height": height}


def thumbnail(replay: Replay, media: Media, at_us: int, width: int) -> bytes:
    """The picture at a VOD time as JPEG, as wide as this if it is that large.

    Decodes: only for child processes. Raises WorkError and MediaMissing.
    """
    if not 0 <= at_us < replay.duration_us:
        raise WorkError("The moment is not within the video.")
    if not 0 < width <= LARGEST:
        raise WorkError(f"A thumbnail is 1 to {LARGEST} pixels wide.")
    picture = picture_near(replay, media, at_us, width)
    return jpeg(_fit(picture, min(width, picture.width), 4 * LARGEST))


def wanted_us(value: Value, duration_us: int) -> int | None:
    """The end of the millisecond that is asked for: a picture may begin within it."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise WorkError("The moment is not a number of milliseconds.")
    if not 0 <= value * 1_000 < duration_us:
        raise WorkError("The moment is not within the video.")
    return min(value * 1_000 + 999, duration_us - 1)


def picture_near(replay: Replay, media: Media, at_us: int, width: int) -> VideoFrame:
    """The picture at a time, or a keyframe near it where that one is broken.

    Raises WorkError and MediaMissing.
    """
    footage = Footage(replay, media)
    main_width, main_height = footage.main_size()
    side = width * min(1.0, main_height / main_width) if main_width else width
    picture = picture_at(footage, at_us, round(side))
    if picture is None:
        picture = Keyframes(replay, media, round(side), quick=False).near(at_us)
    if picture is None:
        raise WorkError("There is no picture at this moment that can be decoded.")
    return picture


def save(task: Task, picture: VideoFrame) -> tuple[int, int]:
    """Write both files. Returns width and height of the larger one."""
    sizes = []
    for name, longest in (("poster.jpg", LARGE), ("small.jpg", SMALL)):
        longest = min(longest, max(picture.width, picture.height))
        canvas = _fit(picture, longest, longest)
        (task.out / name).write_bytes(jpeg(canvas))
        sizes.append((canvas.width, canvas.height))
    return sizes[0]


def telling(picture: VideoFrame, share: float) -> float:
    """How well a picture tells what it is about: bright, varied, sharp and not too late.

    0 to about 1; `share` is how much was before it.
    """
    luma = _fit(picture, _LOOK, _LOOK).luma.astype(np.float32)
    mean, spread = float(luma.mean()), float(luma.std())
    across = np.abs(np.diff(luma, 2, axis=1)).mean()
    down = np.abs(np.diff(luma, 2, axis=0)).mean()
    sharp = min(1.0, float(across + down) / 24)
    if mean < _BLACK or spread < _FLAT:
        return 0.1 * sharp
    early = 1 - min(1.0, abs(share - BEST_SHARE))
    dim = 0.6 if mean < 2 * _BLACK or mean > 230 else 1.0
    return dim * (0.4 * min(1.0, spread / 50) + 0.35 * sharp + 0.25 * early)


def _best(replay: Replay, media: Media, report: Callable[[float], None]) -> int:
    """VOD time of the best keyframe. Raises WorkError and MediaMissing."""
    keyframes = Keyframes(replay, media, _LOOK * 9 // 16)
    looked: dict[int, float] = {}
    for number, share in enumerate(SHARES):
        slot = keyframes.nearest(int(share * replay.duration_us))
        if slot not in looked:
            picture = keyframes.picture(slot)
            at_us = replay.slots[slot].at_us
            if picture is not None:
                looked[slot] = telling(picture, at_us / replay.duration_us)
        report((number + 1) / len(SHARES))
    keyframes.check()
    return replay.slots[max(looked, key=lambda slot: looked[slot])].at_us


def _fit(picture: VideoFrame, most_width: int, most_height: int) -> Canvas:
    size = fitted(picture.width, picture.height, most_width, most_height)
    return Scaler(*size).fit(picture)
