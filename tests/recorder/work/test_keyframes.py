"""Keyframes at wanted moments, the smallest rendition first."""

from __future__ import annotations

from pathlib import Path

import pytest

from recorder.media import MediaMissing
from recorder.work.keyframes import Keyframes
from recorder.work.task import WorkError
from tests.recorder.work.roll import Roll, film, numbers


@pytest.fixture
def roll(tmp_path: Path) -> Roll:
    """Six seconds, two segments a chunk, a keyframe each second."""
    roll = Roll(tmp_path, segments_a_chunk=2)
    roll.take({"source": film(0, 180), "small": film(0, 180, width=192, height=108)})
    return roll


def test_a_slots_first_picture_is_decoded(roll: Roll) -> None:
    keyframes = Keyframes(roll.replay(), roll.media, 720)
    pictures = [keyframes.picture(slot) for slot in range(6)]
    assert numbers(one for one in pictures if one) == [0, 30, 60, 90, 120, 150]
    keyframes.check()


def test_the_smallest_picture_that_is_large_enough_is_taken(roll: Roll) -> None:
    widths = {}
    for side in (64, 108, 109, 180, 720):
        picture = Keyframes(roll.replay(), roll.media, side).picture(0)
        widths[side] = picture.width if picture else 0
    assert widths == {64: 192, 108: 192, 109: 320, 180: 320, 720: 320}


def test_the_nearest_slot(roll: Roll) -> None:
    keyframes = Keyframes(roll.replay(), roll.media, 64)
    assert [keyframes.nearest(ms * 1_000) for ms in (0, 400, 600, 3_000, 99_000)] == [0, 0, 1, 3, 5]


def test_a_broken_keyframe_is_passed_over(roll: Roll) -> None:
    path = roll.folder / "small-000001.mp4"
    replay = roll.replay()
    data = bytearray(path.read_bytes())
    piece = replay.slots[1].pieces["small"]
    data[piece.offset : piece.offset + piece.size] = bytes(piece.size)
    path.write_bytes(data)
    keyframes = Keyframes(replay, roll.media, 64)
    assert keyframes.picture(1) is None
    near = keyframes.near(1_000_000)
    assert near is not None
    assert numbers([near]) == [0]
    keyframes.check()


def test_what_is_missing_is_told_so_that_it_is_tried_again(roll: Roll) -> None:
    replay = roll.replay()
    (roll.folder / "small-000002.mp4").unlink()
    keyframes = Keyframes(replay, roll.media, 64)
    found = [keyframes.picture(slot) is not None for slot in range(6)]
    assert found == [True, True, False, False, True, True]
    with pytest.raises(MediaMissing, match=r"small-000002\.mp4"):
        keyframes.check()


def test_nothing_that_can_be_decoded_is_a_clear_error(roll: Roll) -> None:
    replay = roll.replay()
    for path in roll.folder.glob("small-*.mp4"):
        path.write_bytes(bytes(path.stat().st_size))
    keyframes = Keyframes(replay, roll.media, 64)
    assert keyframes.near(0) is None
    with pytest.raises(WorkError, match="no picture that can be decoded"):
        keyframes.check()
