"""A recording as a crash leaves it, and what a viewer finds in its playlists."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder import index
from recorder.recording import Recording
from recorder.records import Part
from recorder.recovery import recover
from recorder.replay import Replay
from recorder.vod_playlist import media
from tests.bench import vod_recording
from tests.bench.vod_playing import Bytes, NotPlayable, check, first_pieces
from tests.bench.vod_server import crashed, torn

NOW_MS = 1_790_000_000_000


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Six seconds of a small picture."""
    folder = tmp_path / "bench-small"
    vod_recording.write(folder, 0.1, (160, 90), 200_000)
    return folder


def test_a_torn_recording_lacks_its_last_part_and_its_end(recording: Path) -> None:
    records = index.read(recording / index.FILE).records
    found = index.parse(torn(records, NOW_MS))
    assert found.torn > 0
    parts = [one for one in records if isinstance(one, Part)]
    assert [one for one in found.records if isinstance(one, Part)] == parts[:-1]
    left = Recording.of(found.records)
    assert left.closed is None
    assert (left.began_ms, left.ended_ms) == (NOW_MS - 6_000, NOW_MS)


def test_it_is_recovered_at_its_place_and_comes_back_from_there(
    recording: Path, tmp_path: Path
) -> None:
    there = {one.name for one in recording.iterdir()}
    place = tmp_path / "recordings" / recording.name
    records = index.read(recording / index.FILE).records
    for _ in range(2):
        with crashed(recording, records, place):
            assert not recording.exists()
            assert recover(place).closed
            (place / "source-000009.mp4").touch()
    assert {one.name for one in recording.iterdir()} == there


def test_the_first_pieces_of_a_playlist_are_its_init_and_its_first_segment(
    recording: Path,
) -> None:
    replay = Replay.of(Recording.read(recording))
    text = media(replay, "source", range(len(replay.slots)))
    line, piece = replay.lines["source"], replay.slots[0].pieces["source"]
    size = len(line.chunks[1].init)
    assert first_pieces(text, "source/index.m3u8") == [
        Bytes("source/000001.mp4", 0, size),
        Bytes("source/000001.mp4", piece.offset, piece.size),
    ]
    with pytest.raises(NotPlayable, match="no segment"):
        first_pieces("#EXTM3U\n", "source/index.m3u8")


def test_a_playlist_that_goes_on_or_is_short_is_no_replay(recording: Path) -> None:
    replay = Replay.of(Recording.read(recording))
    text = media(replay, "source", range(len(replay.slots)))
    check(text, 6.0)
    with pytest.raises(NotPlayable, match=r"of 6\.0 s, not of 7\.0 s"):
        check(text, 7.0)
    with pytest.raises(NotPlayable, match="without an end"):
        check(text.removesuffix("#EXT-X-ENDLIST\n"), 6.0)
