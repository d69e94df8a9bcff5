"""Text in an MP4: captions (tx3g, 3GPP TS 26.245) and chapters, both QuickTime's and Nero's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from struct import Struct
from typing import Final, TypeVar

from recorder.mp4.boxes import U32, box, full

T = TypeVar("T")

TEXT_TIMESCALE: Final = 1_000
"""Ticks a second of all text."""
MOST_NERO: Final = 255
"""Chapters that Nero's list has room for; QuickTime's has no limit."""
_MOST_BYTES: Final = 4_096
"""Of a text. Its length has two bytes, and no reader wants more than a few lines."""
_NERO_UNITS: Final = 10
"""Of 100 ns, a microsecond."""
_FONT: Final = b"Sans-Serif"
_UTF8: Final = box(b"encd", U32.pack(0x100))
"""QuickTime takes a text for MacRoman otherwise."""


@dataclass(frozen=True, slots=True)
class TextCue:
    """A caption, in VOD time."""

    from_us: int
    to_us: int
    text: str


@dataclass(frozen=True, slots=True)
class TextTrack:
    """Captions in one language. A cue ends where the next one begins, at the latest."""

    language: str
    """BCP 47, such as `en` or `pt-BR`."""
    label: str
    """What people choose it by."""
    cues: Sequence[TextCue]


@dataclass(frozen=True, slots=True)
class ChapterMark:
    """Where a chapter begins, in VOD time. It lasts until the next one."""

    at_us: int
    title: str


@dataclass(frozen=True, slots=True)
class TextSample:
    """A text for a time; an empty one where there is nothing."""

    time: int
    """Ticks of TEXT_TIMESCALE since the beginning of the file."""
    duration: int
    data: bytes


def caption_samples(cues: Iterable[TextCue], from_us: int, to_us: int) -> list[TextSample]:
    """The cues of a stretch as samples without holes between them."""
    length = _ticks(to_us - from_us)
    samples: list[TextSample] = []
    at = 0
    shown = [
        (max(0, _ticks(cue.from_us - from_us)), min(length, _ticks(cue.to_us - from_us)), cue.text)
        for cue in sorted(cues, key=lambda one: one.from_us)
    ]
    for (begin, end, text), following in _with_next(shown):
        if following is not None:
            end = min(end, following[0])
        begin = max(begin, at)
        if begin >= end:
            continue
        if begin > at:
            samples.append(TextSample(at, begin - at, _text("")))
        samples.append(TextSample(begin, end - begin, _text(text)))
        at = end
    if at < length:
        samples.append(TextSample(at, length - at, _text("")))
    return samples


def chapter_marks(marks: Iterable[ChapterMark], from_us: int, to_us: int) -> list[ChapterMark]:
    """The chapters of a stretch, counted from its beginning. The one that goes on there is the
    first; where there is none, the first begins later."""
    found: list[ChapterMark] = []
    for mark in sorted(marks, key=lambda one: one.at_us):
        at_us = max(0, mark.at_us - from_us)
        if mark.at_us >= to_us:
            break
        if found and found[-1].at_us == at_us:
            found.pop()
        found.append(ChapterMark(at_us, mark.title))
    return found


def chapter_samples(marks: Sequence[ChapterMark], length_us: int) -> list[TextSample]:
    """Chapters of a file as samples of a QuickTime chapter track."""
    samples: list[TextSample] = []
    for mark, following in _with_next(marks):
        begin = _ticks(mark.at_us)
        end = _ticks(length_us if following is None else following.at_us)
        if end > begin:
            samples.append(TextSample(begin, end - begin, _text(mark.title) + _UTF8))
    return samples


def nero_chapters(marks: Sequence[ChapterMark]) -> bytes:
    """The chpl box, which belongs into the udta of the movie."""
    listed = marks[:MOST_NERO]
    entries = [bytes(4), bytes((len(listed),))]
    for mark in listed:
        title = _cut(mark.title, 255)
        entries += (
            Struct(">QB").pack(mark.at_us * _NERO_UNITS, len(title)),
            title,
        )
    return full(b"chpl", *entries, version=1)


def caption_entry() -> bytes:
    """White text at the bottom, without a background of its own."""
    style = Struct(">HHHBBI").pack(0, 0, 1, 0, 18, 0xFFFF_FFFF)
    fonts = box(b"ftab", Struct(">HHB").pack(1, 1, len(_FONT)) + _FONT)
    return box(
        b"tx3g",
        Struct(">6xHIbbI").pack(1, 0, 1, -1, 0),
        bytes(8),  # the box of the text: the whole track
        style,
        fonts,
    )


def chapter_entry() -> bytes:
    """QuickTime's text, which no one sees: chapters are read out of it."""
    # Flags and justification, then colours, a box, a font and its name: none.
    return box(b"text", Struct(">6xHIi44x").pack(1, 0, 0))


def _text(text: str) -> bytes:
    data = _cut(text, _MOST_BYTES)
    return len(data).to_bytes(2, "big") + data


def _cut(text: str, most: int) -> bytes:
    """At most so many bytes of UTF-8, ending with a whole character."""
    data = text.replace("\0", "").encode(errors="replace")
    return data[:most].decode(errors="ignore").encode() if len(data) > most else data


def _ticks(us: int) -> int:
    return (us * TEXT_TIMESCALE + 500_000) // 1_000_000


def _with_next(items: Sequence[T]) -> Iterator[tuple[T, T | None]]:
    following: Iterable[T | None] = items[1:]
    return zip_longest(items, following)
