"""A clip: any stretch of a VOD as a file of its own, exact to the picture.

Outputs `clip.mp4` (its index in front), `poster.jpg` and `small.jpg`. Parameters: `from_ms` and
`to_ms` (VOD time), and, if wanted, `title` and `rendition`. Pictures that begin within the range
are in the clip. Sound begins with the first of them, through an edit list, and ends with the range.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from av.video.frame import VideoFrame

from recorder.chapters import clean
from recorder.replay import Replay
from recorder.work.clip_encoder import TICKS
from recorder.work.clip_file import write
from recorder.work.clip_pictures import ClipPictures, Range
from recorder.work.clip_sound import ClipSound
from recorder.work.footage import Footage
from recorder.work.moment import picture_at
from recorder.work.poster import LARGE, save, telling
from recorder.work.task import Facts, Report, Task, Value, WorkError

VERSION: Final = 1

FILE: Final = "clip.mp4"
SHORTEST_MS: Final = 1_000
LONGEST_MS: Final = 180_000
_OVER_MS: Final = 1_000
"""So far after the end of a VOD a range may end: who asks has seen it live."""
_LOOKS: Final = (0.1, 0.35, 0.6, 0.85)
"""Shares of a clip at which it may have its poster."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The parameters, checked."""

    range: Range
    rendition: str | None
    title: str

    @classmethod
    def of(cls, parameters: dict[str, Value], replay: Replay) -> Wish:
        """Raises WorkError."""
        from_ms, to_ms = (_milliseconds(parameters, name) for name in ("from_ms", "to_ms"))
        length_ms = replay.duration_us // 1_000
        if not 0 <= from_ms < to_ms <= length_ms + _OVER_MS:
            raise WorkError("The range is not within the video.")
        to_us = min(to_ms * 1_000, replay.duration_us)
        if to_us // 1_000 - from_ms < SHORTEST_MS or to_ms - from_ms > LONGEST_MS:
            raise WorkError(
                f"A clip is {SHORTEST_MS // 1_000} to {LONGEST_MS // 1_000} seconds long."
            )
        rendition, title = parameters.get("rendition"), parameters.get("title") or ""
        line = replay.lines.get(rendition) if isinstance(rendition, str) else None
        if rendition is not None and (line is None or not line.is_video):
            raise WorkError("The recording has no such rendition.")
        if not isinstance(title, str):
            raise WorkError("The title is not a text.")
        return cls(Range(from_ms * 1_000, to_us), line.name if line else None, clean(title))


def run(task: Task, report: Report) -> Facts:
    """Raises WorkError, and MediaMissing where the media is not there now."""
    replay = Replay.of(task.recording)
    wish = Wish.of(task.spec.parameters, replay)
    footage = Footage(replay, task.media)
    pictures = ClipPictures(footage, wish.range, wish.rendition)
    start = Fraction(pictures.start, TICKS)
    sound = ClipSound(footage, wish.range.from_us, wish.range.to_us, start)
    frames = write(task.out / FILE, pictures, sound, wish.title, lambda done: report(0.9 * done))
    save(task, _poster(footage, wish.range))
    report(1.0)
    return {
        "duration_ms": round(pictures.length * 1_000 / TICKS),
        "width": pictures.width,
        "height": pictures.height,
        "frames": frames,
        "copied": pictures.copied,
    }


def _milliseconds(parameters: dict[str, Value], name: str) -> int:
    value = parameters.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise WorkError(f"{name} is not a number of milliseconds.")
    return value


def _poster(footage: Footage, shown: Range) -> VideoFrame:
    """The most telling of some pictures. Raises WorkError and MediaMissing."""
    best: tuple[float, VideoFrame] | None = None
    for share in _LOOKS:
        at_us = round(shown.from_us + share * (shown.to_us - shown.from_us))
        picture = picture_at(footage, at_us, LARGE)
        if picture is not None:
            worth = telling(picture, share)
            if best is None or worth > best[0]:
                best = worth, picture
    if best is None:
        raise WorkError("The pictures of this range cannot be decoded.")
    return best[1]
