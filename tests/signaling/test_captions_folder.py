"""Captions of recordings, as files and within HLS, on the time of the media that they belong to."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recorder.captions import vtt
from recorder.captions.cues import Cue
from recorder.catalog.adoption import Adoption, Terms
from recorder.catalog.catalog import Catalog
from recorder.catalog.tracks import NewTrack
from recorder.jobs.outputs import DERIVED
from recorder.media import LocalMedia
from recorder.retention import Keeping
from recorder.vod_playlist import Subtitle, media
from signaling.captions_folder import CaptionsFolder
from signaling.shelf import Shelf, Shown
from sluice.clock import VirtualClock
from sluice.database import sqlite_url
from sluice.errors import Problem
from tests.signaling.vod_world import VOD, film

KEY = "0123456789abcdef0123456789abcdef"
CUES = [Cue(500, 1_500, "Red"), Cue(3_800, 4_600, "Over <the> gap"), Cue(6_900, 7_500, "End")]
FIRST_MS = 13
"""Media time at which the recording's first picture stands."""


class World:
    """The recording of tests/signaling/vod_world.py: 4 s, a gap of 20 s, 3 s."""

    def __init__(self, storage: Path, catalog: Catalog) -> None:
        self.recordings = storage / "recordings"
        self.catalog = catalog
        shelf = Shelf(catalog.vods, self.recordings, LocalMedia, VirtualClock())
        self.shelf = shelf
        self.captions = CaptionsFolder(catalog, shelf)

    async def shown(self) -> Shown:
        return await self.shelf.open(VOD)

    async def upload(self, language: str = "en", label: str = "English") -> None:
        new = NewTrack(VOD, language, "upload", label, text=vtt.write(CUES))
        await self.catalog.tracks.put(new, CUES, 1)

    async def text(self, address: str) -> str:
        return (await self.captions.answer(await self.shown(), address))[0]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    film(tmp_path)
    catalog = Catalog.at(sqlite_url(tmp_path / "catalog.db"))
    await catalog.open()
    terms = Terms("public", Keeping(0, 0, keep_clips=True))
    await Adoption(catalog.vods, tmp_path / "recordings", lambda channel: terms).adopt(VOD)
    yield World(tmp_path, catalog)
    await catalog.close()


async def test_they_are_files_in_two_formats(world: World) -> None:
    await world.upload()
    shown = await world.shown()
    text, kind = await world.captions.answer(shown, "en.vtt")
    assert kind == "text/vtt; charset=utf-8"
    assert [(one.from_ms, one.text) for one in vtt.read(text.encode())] == [
        (500, "Red"),
        (3_800, "Over <the> gap"),
        (6_900, "End"),
    ]
    text, kind = await world.captions.answer(shown, "en.srt")
    assert kind == "application/x-subrip; charset=utf-8"
    assert "1\n00:00:00,500 --> 00:00:01,500\nRed\n" in text


async def test_the_best_of_each_language_is_in_the_master_playlist(world: World) -> None:
    await world.upload("en")
    await world.upload("de", "Deutsch")
    live = NewTrack(VOD, "en", "live", "Live", text="WEBVTT\n")
    await world.catalog.tracks.put(live, [], 1)
    assert await world.captions.subtitles(await world.shown()) == [
        Subtitle("de", "Deutsch", "captions/de/index.m3u8"),
        Subtitle("en", "English", "captions/en/index.m3u8"),
    ]


async def test_what_a_job_wrote_is_read_from_its_file(world: World) -> None:
    folder = world.recordings / VOD / DERIVED / KEY
    folder.mkdir(parents=True)
    (folder / "captions.vtt").write_text(vtt.write(CUES))
    await world.catalog.tracks.put(NewTrack(VOD, "en", "final", "English", output=KEY), CUES, 1)
    assert "Red" in await world.text("en.vtt")
    (folder / "captions.vtt").unlink()
    with pytest.raises(Problem, match="gone"):
        await world.text("en.vtt")


async def test_their_segments_are_those_of_the_picture(world: World) -> None:
    await world.upload()
    shown = await world.shown()
    ours = await world.text("en/index.m3u8")
    pictures = media(shown.replay, "source", range(len(shown.replay.slots)))
    tags = r"#EXTINF:[\d.]+,|#EXT-X-DISCONTINUITY\n|#EXT-X-TARGETDURATION:\d+|#EXT-X-ENDLIST"
    assert re.findall(tags, ours) == re.findall(tags, pictures)
    names = [line for line in ours.splitlines() if line and not line.startswith("#")]
    assert names == [f"{number}.vtt" for number in range(len(shown.replay.slots))]


async def test_a_cue_stands_in_each_segment_that_it_touches_on_the_medias_time(
    world: World,
) -> None:
    await world.upload()
    shown = await world.shown()
    found = [
        (number, cue.from_ms, cue.to_ms, cue.text)
        for number in range(len(shown.replay.slots))
        for cue in vtt.read((await world.text(f"en/{number}.vtt")).encode())
    ]
    behind = FIRST_MS + 20_000
    """What lies behind the gap is so much later in the media than in the recording."""
    assert found == [
        (0, 500 + FIRST_MS, 1_500 + FIRST_MS, "Red"),
        (1, 500 + FIRST_MS, 1_500 + FIRST_MS, "Red"),
        (3, 3_800 + FIRST_MS, 4_600 + FIRST_MS, "Over <the> gap"),
        (4, 3_800 + behind, 4_600 + behind, "Over <the> gap"),
        (6, 6_900 + behind, 7_500 + behind, "End"),
    ]
    first = await world.text("en/2.vtt")  # nothing is said in it
    assert first == "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n"


@pytest.mark.parametrize(
    "address",
    [
        "fr.vtt", "fr.srt", "fr/index.m3u8", "fr/0.vtt", "en.txt", "en", "en/", "en/7.vtt",
        "en/-1.vtt", "en/99999999.vtt", "en/index.vtt", "../en.vtt", "e.vtt", "en\n.vtt",
        "en/\u0661.vtt", f"{'x' * 36}.vtt",
    ],
)  # fmt: skip
async def test_what_is_not_there(world: World, address: str) -> None:
    await world.upload()
    with pytest.raises(Problem) as refused:
        await world.text(address)
    assert refused.value.kind.code == "media-unknown"
