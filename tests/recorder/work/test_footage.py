"""Which samples a moment has, and where their bytes are."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.media import MediaMissing
from recorder.work.footage import Footage
from tests.recorder.work.roll import AAC, ORIGIN_MS, PICTURE, Coded, Roll, film, sound, tone


@pytest.fixture
def roll(tmp_path: Path) -> Roll:
    roll = Roll(tmp_path, segments_a_chunk=2)
    pictures = {"source": film(0, 150), "small": film(0, 150, width=192, height=108)}
    roll.take(pictures, sound(tone(5)))
    return roll


def footage(roll: Roll) -> Footage:
    return Footage(roll.replay(), roll.media)


def test_samples_are_what_was_recorded(roll: Roll) -> None:
    shown = footage(roll)
    found = [
        sample for slot in shown.replay.slots for sample in shown.samples(shown.pictures(slot)[0])
    ]
    recorded: Coded = film(0, 150)
    assert [one.data for one in found] == [one.data for one in recorded.samples]
    assert [one.time for one in found] == [PICTURE * n for n in range(150)]
    assert [n for n, one in enumerate(found) if one.keyframe] == [0, 30, 60, 90, 120]


def test_a_keyframe_is_read_alone(roll: Roll) -> None:
    shown = footage(roll)
    track = shown.pictures(shown.replay.slots[2])[0]
    assert shown.keyframe(track) == film(0, 150).samples[60].data


def test_sound_is_read_a_chunk_at_a_time(roll: Roll) -> None:
    shown = footage(roll)
    runs = list(shown.sound_runs(range(len(shown.replay.slots))))
    assert [(period, len(tracks)) for period, tracks in runs] == [(0, 2), (0, 2), (0, 1)]
    times = [sample.time for _, tracks in runs for sample in shown.run(tracks)]
    assert times == list(range(0, len(times) * AAC, AAC))


def test_a_broken_piece_of_sound_is_left_out(roll: Roll) -> None:
    shown = footage(roll)
    (_, tracks), *_ = shown.sound_runs(range(len(shown.replay.slots)))
    path = roll.folder / tracks[0].chunk
    data = bytearray(path.read_bytes())
    broken = tracks[1].piece
    data[broken.offset : broken.offset + 200] = bytes(200)
    path.write_bytes(data)
    times = [sample.time for sample in shown.run(tracks)]
    assert times == list(range(0, len(times) * AAC, AAC))
    assert 46 <= len(times) <= 47


def test_the_smallest_that_is_large_enough(roll: Roll) -> None:
    shown = footage(roll)
    slot = shown.replay.slots[0]
    chosen = [shown.smallest(slot, side) for side in (100, 108, 150, 1_000)]
    assert [one and one.name for one in chosen] == ["small", "small", "source", "source"]


def test_the_main_size_is_the_one_of_the_longest_time(roll: Roll) -> None:
    roll.take({"source": film(0, 120, width=192, height=192)}, at_s=5)
    assert footage(roll).main_size() == (320, 180)
    roll.take({"source": film(0, 60, width=192, height=192)}, at_s=9)
    assert footage(roll).main_size() == (192, 192)
    assert Footage(Roll(roll.folder).replay(), roll.media).main_size() == (0, 0)


def test_ticks_of_each_session_lead_to_vod_time(roll: Roll) -> None:
    roll.session(ORIGIN_MS + 60_000)
    roll.take({"source": film(0, 60)}, at_s=7)
    shown = footage(roll)
    assert shown.base_us(0) == 0
    assert shown.base_us(1) == 5_000_000 - 7_000_000


def test_what_is_not_there_is_told(roll: Roll) -> None:
    shown = footage(roll)
    track = shown.pictures(shown.replay.slots[0])[0]
    (roll.folder / track.chunk).unlink()
    with pytest.raises(MediaMissing, match="source-000001"):
        list(shown.samples(track))
    with pytest.raises(MediaMissing, match="source-000001"):
        shown.keyframe(track)
