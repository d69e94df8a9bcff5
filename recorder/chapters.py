"""Chapters of a VOD, out of everything that hints at one.

The streamer's own markers come first, then changes of the title, then cuts of the scene near
silence, then moments at which the chat grew loud. What comes later in this order keeps its distance
from what came earlier. All times are ms of the VOD.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import msgspec
import regex

from recorder.records import Mark
from recorder.replay import Replay

Source = Literal["start", "marker", "title", "scene", "chat", "edited"]

MOST: Final = 50
"""Chapters that are found. Only the streamer's own may be more."""
MOST_EDITED: Final = 200
"""Chapters that a person may make."""
LONGEST_TITLE: Final = 100
"""Characters."""
START_MS: Final = 5_000
"""What is nearer to the start than this names the first chapter."""
DISTANCE_MS: Final[dict[Source, int]] = {
    "marker": 1_000,
    "title": 15_000,
    "scene": 60_000,
    "chat": 60_000,
}
"""Of a chapter to those before it in the order of sources."""
SHARE: Final = 20
"""Of a short VOD: a found chapter is at least a twentieth of it, where that is less."""


class Chapter(msgspec.Struct, frozen=True):
    """It lasts until the next one begins."""

    at_ms: int
    title: str
    source: Source = "edited"


class Scene(msgspec.Struct, frozen=True):
    """The picture became another one, at a keyframe or up to one before it."""

    at_ms: int
    score: float
    """How much of it changed, 0 to 1."""


class Silence(msgspec.Struct, frozen=True):
    from_ms: int
    to_ms: int


class Candidate(msgspec.Struct, frozen=True):
    """A moment at which a chapter may begin."""

    at_ms: int
    score: float
    """The higher, the likelier; only compared with others of the same source."""


class Found(msgspec.Struct, frozen=True):
    """What looking and listening gave: the content of `candidates.json`."""

    scenes: list[Scene] = []
    silences: list[Silence] = []
    candidates: list[Candidate] = []


def merge(
    replay: Replay,
    title: str,
    marks: Iterable[Mark] = (),
    scenes: Iterable[Candidate] = (),
    peaks: Iterable[Candidate] = (),
) -> list[Chapter]:
    """Chapters by time, the first at 0; none of an empty VOD.

    `title` is the broadcast's at its beginning. `marks` are of the stream's time, the rest of the
    VOD's.
    """
    length_ms = replay.duration_us // 1_000
    if length_ms <= 0:
        return []
    plan = _Plan(length_ms)
    ordered = sorted(marks, key=lambda mark: mark.wall_ms)
    for at_ms, mark in _placed(replay, ordered, "marker"):
        plan.add(at_ms, clean(mark.text), "marker")
    before = clean(title)
    for at_ms, mark in _placed(replay, ordered, "title"):
        text = clean(mark.text)
        if at_ms < START_MS:
            title = text or title
        elif text and text != before:
            plan.add(at_ms, text, "title")
        before = text or before
    found: tuple[tuple[Iterable[Candidate], Source], ...] = ((scenes, "scene"), (peaks, "chat"))
    for candidates, source in found:
        for one in sorted(candidates, key=lambda one: (-one.score, one.at_ms)):
            plan.add(one.at_ms, "", source)
    return plan.chapters(clean(title))


def clean(title: str) -> str:
    """One line without what is invisible or turns the direction of text, and not too long.

    May be empty.
    """
    text = " ".join(_UNSEEN.sub("", _BREAK.sub(" ", title)).split())
    return text if len(text) <= LONGEST_TITLE else text[: LONGEST_TITLE - 1].rstrip() + "…"


def found_distance_ms(length_ms: int) -> int:
    """How far apart chapters are that nobody asked for, in a VOD of this length."""
    return min(DISTANCE_MS["scene"], length_ms // SHARE)


_BREAK: Final = regex.compile(r"[\s\x1c-\x1f\x85\p{Z}]")
_UNSEEN: Final = regex.compile(
    # Joiners and selectors are part of scripts and emoji.
    r"[\p{Cc}\p{Cs}\p{Co}\p{Noncharacter_Code_Point}\p{Bidi_Control}"
    r"[\p{Default_Ignorable_Code_Point}--[\u200c\u200d\uFE00-\uFE0F]]]",
    flags=regex.VERSION1,
)


class _Plan:
    """Takes chapters in the order of their rank, as long as they keep their distance."""

    def __init__(self, length_ms: int) -> None:
        self._length_ms = length_ms
        self._times: list[int] = []
        self._taken: list[Chapter] = []

    def add(self, at_ms: int, title: str, source: Source) -> None:
        own = source == "marker"
        distance_ms = DISTANCE_MS[source]
        if source in ("scene", "chat"):
            distance_ms = found_distance_ms(self._length_ms)
        if len(self._taken) >= (MOST_EDITED if own else MOST - 1):
            return  # one is left for the start
        if not 0 <= at_ms < self._length_ms:
            return
        if not own and min(at_ms, self._length_ms - at_ms) < distance_ms:
            return
        at = bisect_left(self._times, at_ms)
        near = self._times[max(0, at - 1) : at + 1]
        if any(abs(at_ms - time) < distance_ms for time in near):
            return
        self._times.insert(at, at_ms)
        self._taken.insert(at, Chapter(at_ms, title, source))

    def chapters(self, title: str) -> list[Chapter]:
        taken = self._taken
        if taken and taken[0].source == "marker" and taken[0].at_ms < START_MS:
            first = Chapter(0, taken[0].title or title, "marker")
            taken = taken[1:]
        else:
            first = Chapter(0, title or "Start", "start")
            taken = taken[: MOST_EDITED - 1]
        return list(_named([first, *taken]))


def _named(chapters: Sequence[Chapter]) -> Iterator[Chapter]:
    for number, one in enumerate(chapters, 1):
        title = one.title or ("Chat peak" if one.source == "chat" else f"Chapter {number}")
        yield Chapter(one.at_ms, title, one.source)


def _placed(
    replay: Replay, marks: Iterable[Mark], kind: Literal["marker", "title"]
) -> Iterator[tuple[int, Mark]]:
    """Marks with their VOD time. One that fell into a gap stands where the stream came back."""
    for mark in marks:
        if mark.kind != kind:
            continue
        at_us = replay.at_vod(mark.wall_ms * 1_000)
        if at_us is None:
            after = (one.at_us for one in replay.periods if one.stream_us > mark.wall_ms * 1_000)
            at_us = next(after, None)
        if at_us is not None:
            yield at_us // 1_000, mark
