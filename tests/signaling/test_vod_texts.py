"""Chapters and captions as an MP4 file takes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.captions.cues import Cue
from recorder.catalog.catalog import Catalog
from recorder.catalog.tracks import NewTrack
from recorder.chapters import Chapter
from recorder.mp4.text import ChapterMark, TextCue
from signaling.vod_texts import marks_of, texts_of
from sluice.database import sqlite_url
from tests.recorder.catalog.world import add

KEY = "0123456789abcdef" * 2


def vtt(text: str) -> str:
    return f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}\n"


async def test_one_track_of_each_language_from_wherever_it_is(tmp_path: Path) -> None:
    catalog = Catalog.at(sqlite_url(tmp_path / "catalog.db"))
    await catalog.open()
    vod = (await add(catalog)).id
    cues = [Cue(1_000, 2_000, "x")]
    live = NewTrack(vod, "en", "live", "Live", text=vtt("ello"))
    upload = NewTrack(vod, "en", "upload", "English", text=vtt("Hello"))
    final = NewTrack(vod, "de", "final", "Deutsch", output=KEY)
    for one in (live, upload, final):
        await catalog.tracks.put(one, cues, 0)
    with pytest.raises(OSError, match=r"captions\.vtt"):
        await texts_of(catalog.tracks, tmp_path, vod)
    folder = tmp_path / vod / "derived" / KEY
    folder.mkdir(parents=True)
    (folder / "captions.vtt").write_text(vtt("Hallo"))

    german, english = await texts_of(catalog.tracks, tmp_path, vod)
    await catalog.close()
    assert (german.language, german.label) == ("de", "Deutsch")
    assert german.cues == [TextCue(1_000_000, 2_000_000, "Hallo")]
    assert (english.label, english.cues[0].text) == ("English", "Hello")


def test_chapters_begin_at_microseconds() -> None:
    assert marks_of([Chapter(1_500, "One")]) == [ChapterMark(1_500_000, "One")]
