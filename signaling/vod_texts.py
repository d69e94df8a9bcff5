"""Chapters and captions of a recording as an MP4 file takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from recorder.captions import vtt
from recorder.captions.cues import Cue
from recorder.catalog.tracks import Track, Tracks, best
from recorder.chapters import Chapter
from recorder.jobs.outputs import DERIVED
from recorder.mp4.text import ChapterMark, TextCue, TextTrack

FILE: Final = "captions.vtt"


def marks_of(chapters: Sequence[Chapter]) -> list[ChapterMark]:
    return [ChapterMark(one.at_ms * 1_000, one.title) for one in chapters]


async def texts_of(tracks: Tracks, folder: Path, vod: str) -> list[TextTrack]:
    """What is shown, one of each language. `folder`: of all recordings.

    Raises OSError where a file of theirs is gone, and DatabaseDown.
    """
    return [
        TextTrack(
            track.language,
            track.label,
            [
                TextCue(one.from_ms * 1_000, one.to_ms * 1_000, one.text)
                for one in await cues_of(tracks, folder, track)
            ],
        )
        for track in best(await tracks.of(vod))
    ]


async def cues_of(tracks: Tracks, folder: Path, track: Track) -> Sequence[Cue]:
    """Raises OSError where its file is gone, and DatabaseDown."""
    if track.output is None:
        text = await tracks.text(track.vod, track.language, track.kind)
        return vtt.read((text or "WEBVTT\n").encode())
    path = folder / track.vod / DERIVED / track.output / FILE
    return vtt.read(await asyncio.to_thread(path.read_bytes))
