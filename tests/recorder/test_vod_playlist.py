"""Playlists of a replay, read and played as a player does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import pytest

from recorder.media import LocalMedia
from recorder.replay import Replay
from recorder.vod_playlist import Subtitle, master, media
from tests.recorder.barcodes import number_of
from tests.recorder.broadcast import AUDIO, Broadcast

NAMES = ("source", "90p", AUDIO)


class Segment(NamedTuple):
    """As a player reads it."""

    duration: float
    discontinuity: bool
    date: str
    gap: bool
    map: tuple[str, int, int]
    """Address, offset, size."""
    data: tuple[str, int, int]


def read(playlist: str) -> Iterator[Segment]:
    duration, discontinuity, date, gap = 0.0, False, "", False
    init, piece = ("", 0, 0), (0, 0)
    for line in playlist.splitlines():
        name, _, value = line.partition(":")
        match name:
            case "#EXT-X-DISCONTINUITY":
                discontinuity = True
            case "#EXT-X-PROGRAM-DATE-TIME":
                date = value
            case "#EXT-X-GAP":
                gap = True
            case "#EXT-X-MAP":
                found = re.fullmatch(r'URI="(.*)",BYTERANGE="(\d+)@(\d+)"', value)
                assert found
                init = (found[1], int(found[3]), int(found[2]))
            case "#EXT-X-BYTERANGE":
                size, offset = map(int, value.split("@"))
                piece = (offset, size)
            case "#EXTINF":
                duration = float(value.rstrip(","))
            case _ if not line.startswith("#"):
                yield Segment(duration, discontinuity, date, gap, init, (line, *piece))
                discontinuity, date, gap = False, "", False


def fetched(folder: Path, name: str, where: tuple[str, int, int]) -> bytes:
    address, offset, size = where
    return LocalMedia(folder).read(f"{name}-{address}", offset, size)


def pictures(folder: Path, name: str, playlist: str) -> list[int]:
    """The numbers that a player sees which begins anew at each break."""
    runs: list[list[bytes]] = []
    for segment in read(playlist):
        if segment.gap:
            continue
        if segment.discontinuity or not runs:
            runs.append([fetched(folder, name, segment.map)])
        runs[-1].append(fetched(folder, name, segment.data))
    numbers: list[int] = []
    for run in runs:
        with av.open(BytesIO(b"".join(run)), "r") as container:
            numbers += [number_of(frame) for frame in container.decode(video=0)]
    return numbers


@pytest.fixture(scope="module")
def broadcast(tmp_path_factory: pytest.TempPathFactory) -> Broadcast:
    broadcast = Broadcast(tmp_path_factory.mktemp("r") / "r", part=10)
    broadcast.session()
    broadcast.shoot(3)
    broadcast.wait(7)
    broadcast.shoot(2.5, without={"90p": {3, 4, 5}})
    broadcast.shoot(2, {"source": (320, 180), "90p": (160, 90)})
    broadcast.session(after_s=5)
    broadcast.shoot(2, profile="baseline")
    broadcast.close()
    return broadcast


@pytest.fixture(scope="module")
def replay(broadcast: Broadcast) -> Replay:
    return broadcast.replay()


def whole(replay: Replay, name: str) -> str:
    return media(replay, name, range(len(replay.slots)))


@pytest.mark.parametrize("name", ["source", "90p"])
def test_a_player_sees_every_picture_once_and_in_order(
    broadcast: Broadcast, replay: Replay, name: str
) -> None:
    shown = pictures(broadcast.folder, name, whole(replay, name))
    assert shown == [one.number for one in broadcast.taken[name]]


def test_all_renditions_break_at_the_same_moments(replay: Replay) -> None:
    found = [
        [(one.duration, one.discontinuity, one.date) for one in read(whole(replay, name))]
        for name in NAMES
    ]
    assert found[0] == found[1] == found[2]
    assert sum(discontinuity for _, discontinuity, _ in found[0]) == 3
    assert sum(duration for duration, _, _ in found[0]) * 1e6 == pytest.approx(replay.duration_us)


def test_each_period_says_when_it_was_live(replay: Replay) -> None:
    dates = [one.date for one in read(whole(replay, AUDIO)) if one.date]
    live_ms = [datetime.fromisoformat(date).timestamp() * 1_000 for date in dates]
    assert live_ms == pytest.approx([period.stream_us // 1_000 for period in replay.periods])


def test_what_a_rendition_lacks_is_a_gap(replay: Replay) -> None:
    gaps = [one.gap for one in read(whole(replay, "90p"))]
    assert gaps == [False] * 4 + [True] + [False] * 5
    assert not any(one.gap for one in read(whole(replay, "source")))


def test_the_map_is_the_first_chunk_with_the_same_init_segment(replay: Replay) -> None:
    maps = [one.map[0] for one in read(whole(replay, "source"))]
    assert maps == ["000001.mp4"] * 6 + ["000004.mp4"] * 2 + ["000005.mp4"] * 2
    assert {one.map[0] for one in read(whole(replay, AUDIO))} == {"000001.mp4"}


def test_it_is_complete_and_says_so(replay: Replay) -> None:
    lines = whole(replay, "source").splitlines()
    assert lines[:2] == ["#EXTM3U", "#EXT-X-VERSION:8"]
    assert "#EXT-X-PLAYLIST-TYPE:VOD" in lines
    assert "#EXT-X-INDEPENDENT-SEGMENTS" in lines
    assert lines[-1] == "#EXT-X-ENDLIST"
    target = next(int(line.split(":")[1]) for line in lines if "TARGETDURATION" in line)
    assert all(round(one.duration) <= target for one in read(whole(replay, "source")))


def test_a_stretch_has_its_slots_and_begins_within_the_first(
    broadcast: Broadcast, replay: Replay
) -> None:
    from_us = 4_250_000
    slots = replay.slots_between(from_us, 6_000_000)
    text = media(replay, "source", slots, from_us=from_us)
    assert "#EXT-X-START:TIME-OFFSET=0.250000,PRECISE=YES" in text
    assert "#EXT-X-MEDIA-SEQUENCE:4" in text
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:1" in text
    segments = list(read(text))
    assert [(one.duration, one.discontinuity) for one in segments] == [
        (1.0, False),
        (0.5, False),
        (1.0, True),
    ]
    # The first is not where its period begins, but has a date all the same.
    period = replay.periods[1]
    begun_ms = datetime.fromisoformat(segments[0].date).timestamp() * 1_000
    assert begun_ms == pytest.approx((period.stream_us + 1_000_000) // 1_000)
    assert pictures(broadcast.folder, "source", text) == list(range(120, 195))


def test_a_stretch_from_the_beginning_of_a_slot_needs_no_start(replay: Replay) -> None:
    text = media(replay, "source", replay.slots_between(3_000_000, 4_000_000), from_us=3_000_000)
    assert "EXT-X-START" not in text


def test_a_rendition_that_breaks_within_a_slot_has_more_segments_there(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r", part=10)
    broadcast.session()
    broadcast.shoot(3, without={AUDIO: {4}, "90p": {4}})
    replay = broadcast.replay()
    for name, silent in ((AUDIO, 1), ("90p", 0)):
        found = list(read(whole(replay, name)))
        assert not any(one.gap for one in found)
        assert sum("silence" in one.data[0] for one in found) == silent
        assert sum(one.duration for one in found) == pytest.approx(3.0)
        within = found[1:-1]
        assert len(within) == (3 if silent else 1)
        assert sum(one.duration for one in within) == pytest.approx(1.0)


def test_sound_that_is_missing_is_silence_with_the_map_of_its_period(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r")
    broadcast.session()
    broadcast.shoot(2, sound=False)
    broadcast.shoot(1, channels=1)
    broadcast.wait(3)
    broadcast.shoot(1, channels=2)
    replay = broadcast.replay()
    found = list(read(whole(replay, AUDIO)))
    assert [one.data[0].partition("-")[0] for one in found[:2]] == ["silence"] * 2
    assert not any("silence" in one.data[0] for one in found[2:])
    assert [one.map[0] for one in found] == ["000001.mp4"] * 3 + ["000002.mp4"]


def test_a_new_init_segment_of_any_rendition_is_a_break_for_all(tmp_path: Path) -> None:
    broadcast = Broadcast(tmp_path / "r")
    broadcast.session()
    broadcast.shoot(2)
    broadcast.shoot(2, {"source": (256, 144), "90p": (128, 72)})
    replay = broadcast.replay()
    for name in NAMES:
        breaks = [one.discontinuity for one in read(whole(replay, name))]
        assert breaks == [False, False, True, False]
    assert replay.duration_us == 4_000_000


def test_the_master_tells_what_there_is(replay: Replay) -> None:
    lines = master(replay).splitlines()
    assert lines[0] == "#EXTM3U"
    variants = [
        (line, address) for line, address in pairwise(lines) if line.startswith("#EXT-X-STREAM-INF")
    ]
    assert [address for _, address in variants] == [f"{name}/index.m3u8" for name in NAMES]
    best, _, sound = (line for line, _ in variants)
    assert 'CODECS="avc1.64000c,avc1.64000d,avc1.42c00c,mp4a.40.2"' in best
    assert "RESOLUTION=320x180,FRAME-RATE=30.000" in best
    assert 'CODECS="mp4a.40.2",AUDIO="audio"' in sound
    assert "RESOLUTION" not in sound
    audio = next(line for line in lines if "TYPE=AUDIO" in line)
    assert audio.endswith('CHANNELS="2",URI="audio/index.m3u8"')
    assert not any("SUBTITLES" in line for line in lines)


def test_rates_are_those_of_the_bytes_that_players_load(replay: Replay) -> None:
    rates = {
        address: [int(rate) for rate in re.findall(r"BANDWIDTH=(\d+)", line)]
        for line, address in zip(*[iter(master(replay).splitlines()[4:])] * 2, strict=True)
    }
    peaks: dict[str, float] = {}
    averages: dict[str, float] = {}
    for name in NAMES:
        played = [one for one in read(whole(replay, name)) if not one.gap]
        peaks[name] = max(one.data[2] * 8 / one.duration for one in played if one.duration >= 0.5)
        seconds = sum(one.duration for one in played)
        averages[name] = sum(one.data[2] for one in played) * 8 / seconds
    for name in NAMES:
        both = {name, AUDIO}
        assert rates[f"{name}/index.m3u8"] == pytest.approx(
            [sum(peaks[each] for each in both), sum(averages[each] for each in both)], abs=3
        )


def test_captions_and_a_query_are_passed_on(replay: Replay) -> None:
    subtitles = [
        Subtitle("en", 'Eng"lish\n', "captions/en.m3u8?from=1"),
        Subtitle("de", "Deutsch", "captions/de.m3u8", default=True),
    ]
    text = master(replay, query="from=1000&to=9000", subtitles=subtitles)
    assert 'NAME="Eng lish ",LANGUAGE="en",DEFAULT=NO' in text
    assert 'LANGUAGE="de",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,URI="captions/de.m3u8"' in text
    assert text.count('SUBTITLES="captions"') == 3
    assert "\nsource/index.m3u8?from=1000&to=9000\n" in text
    assert 'URI="audio/index.m3u8?from=1000&to=9000"' in text


def test_pictures_without_sound_and_sound_without_pictures(tmp_path: Path) -> None:
    silent = Broadcast(tmp_path / "silent")
    silent.session()
    silent.shoot(1, sound=False)
    text = master(silent.replay())
    assert "AUDIO" not in text
    assert "mp4a" not in text
    dark = Broadcast(tmp_path / "dark")
    dark.session()
    dark.shoot(1, {})
    assert master(dark.replay()).count("#EXT-X-STREAM-INF") == 1


def test_of_nothing_there_are_playlists_without_media() -> None:
    assert master(Replay("empty")).count("\n") == 3
    with pytest.raises(KeyError):
        media(Replay("empty"), "source", range(0))
