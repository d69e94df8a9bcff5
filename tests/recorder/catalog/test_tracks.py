"""Captions by language and kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recorder.captions.cues import Cue
from recorder.catalog.catalog import Catalog
from recorder.catalog.holding import VodUnknown
from recorder.catalog.tracks import MOST_CUES, NewTrack, Track, best
from tests.recorder.catalog.world import NOW_MS, add

LIVE = NewTrack("live-1", "en", "live", "English", text="WEBVTT\n")
FINAL = replace(LIVE, kind="final", output="a" * 32, text="")
UPLOAD = replace(LIVE, kind="upload", label="English (mine)")
CUES = [Cue(0, 1_000, "Hello there,\neverybody"), Cue(2_000, 3_000, "good evening")]


async def test_a_track_is_kept_with_its_text(catalog: Catalog) -> None:
    await add(catalog)
    track = await catalog.tracks.put(LIVE, CUES, NOW_MS)
    assert track == Track("live-1", "en", "live", "English", None, 5, NOW_MS)
    assert await catalog.tracks.of("live-1") == [track]
    assert await catalog.tracks.text("live-1", "en", "live") == "WEBVTT\n"
    assert await catalog.tracks.text("live-1", "en", "final") is None


async def test_a_track_may_be_an_output(catalog: Catalog) -> None:
    await add(catalog)
    assert (await catalog.tracks.put(FINAL, CUES, NOW_MS)).output == "a" * 32


async def test_the_same_kind_is_replaced_with_all_its_cues(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.tracks.put(LIVE, CUES, NOW_MS)
    track = await catalog.tracks.put(replace(LIVE, text="WEBVTT x"), CUES[1:], NOW_MS + 1)
    assert (track.words, track.made_ms) == (2, NOW_MS + 1)
    assert await catalog.tracks.of("live-1") == [track]
    assert await catalog.tracks.text("live-1", "en", "live") == "WEBVTT x"
    assert await catalog.cues.find("live-1", "hello") == []


async def test_of_several_kinds_one_is_shown_of_each_language(catalog: Catalog) -> None:
    await add(catalog)
    german = replace(LIVE, language="de", label="Deutsch")
    for new in (LIVE, UPLOAD, german, FINAL):
        await catalog.tracks.put(new, CUES, NOW_MS)
    tracks = await catalog.tracks.of("live-1")
    assert [(one.language, one.kind) for one in tracks] == [
        ("de", "live"),
        ("en", "upload"),
        ("en", "final"),
        ("en", "live"),
    ]
    assert [(one.language, one.kind) for one in best(tracks[::-1])] == [
        ("de", "live"),
        ("en", "upload"),
    ]


async def test_a_track_that_is_removed_takes_its_cues_along(catalog: Catalog) -> None:
    await add(catalog)
    await catalog.tracks.put(LIVE, CUES, NOW_MS)
    assert await catalog.tracks.remove("live-1", "en", "live")
    assert not await catalog.tracks.remove("live-1", "en", "live")
    assert await catalog.tracks.of("live-1") == []
    assert await catalog.cues.find("live-1", "hello") == []


async def test_long_captions_are_kept_and_endless_ones_refused(catalog: Catalog) -> None:
    await add(catalog)
    cues = [Cue(at, at + 1, f"word {at}") for at in range(2_500)]
    assert (await catalog.tracks.put(LIVE, cues, NOW_MS)).words == 5_000
    assert len(await catalog.cues.find("live-1", "word 2499")) == 1
    with pytest.raises(ValueError, match="cues"):
        await catalog.tracks.put(LIVE, [CUES[0]] * (MOST_CUES + 1), NOW_MS)


async def test_what_is_not_there_has_no_captions(catalog: Catalog) -> None:
    assert await catalog.tracks.of("live-1") == []
    with pytest.raises(VodUnknown):
        await catalog.tracks.put(LIVE, CUES, NOW_MS)
    with pytest.raises(VodUnknown):
        await catalog.tracks.remove("live-1", "en", "live")
