"""Chapters as players read them, and as a person gives them back after editing."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from recorder.chapters import LONGEST_TITLE, MOST_EDITED, Chapter, clean


class ChaptersRefused(ValueError):
    """An edited list cannot be used. The text says why, for its writer."""


class _Edited(msgspec.Struct):
    at_ms: int
    title: str


_decoder = msgspec.json.Decoder(list[_Edited])
_encoder = msgspec.json.Encoder()


def encode(chapters: Sequence[Chapter]) -> bytes:
    """A list of objects with `at_ms`, `title` and `source`."""
    return _encoder.encode(chapters)


def vtt(chapters: Sequence[Chapter], length_ms: int) -> str:
    """A WebVTT file for a track of kind "chapters": each cue lasts until the next begins."""
    cues = ["WEBVTT\n"]
    for number, one in enumerate(chapters, 1):
        end = chapters[number].at_ms if number < len(chapters) else length_ms
        times = f"{stamp(one.at_ms)} --> {stamp(max(end, one.at_ms + 1))}"
        cues.append(f"{number}\n{times}\n{_escaped(one.title)}\n")
    return "\n".join(cues)


def stamp(ms: int) -> str:
    """A time as WebVTT writes it, with hours: 01:02:03.456."""
    seconds, rest = divmod(ms, 1_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{rest:03d}"


def parse(data: bytes, length_ms: int) -> list[Chapter]:
    """Read an edited list, JSON as `encode` writes it. Raises ChaptersRefused.

    Titles are cleaned. An empty list is one: there are no chapters then.
    """
    try:
        edited = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ChaptersRefused(f"This is no list of chapters: {error}") from error
    if len(edited) > MOST_EDITED:
        raise ChaptersRefused(f"There are {len(edited)} chapters, {MOST_EDITED} is the most.")
    chapters: list[Chapter] = []
    for number, one in enumerate(edited, 1):
        if len(one.title) > LONGEST_TITLE:
            raise ChaptersRefused(
                f"The title of chapter {number} is longer than {LONGEST_TITLE} characters."
            )
        title = clean(one.title)
        if not title:
            raise ChaptersRefused(f"Chapter {number} has no title.")
        if not 0 <= one.at_ms < length_ms:
            raise ChaptersRefused(f"Chapter {number} is not within the video.")
        if chapters and one.at_ms <= chapters[-1].at_ms:
            raise ChaptersRefused(f"Chapter {number} does not begin after the one before it.")
        chapters.append(Chapter(one.at_ms, title))
    return chapters


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
