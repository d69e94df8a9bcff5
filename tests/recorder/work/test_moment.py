"""The very picture of a moment."""

from __future__ import annotations

from pathlib import Path

from recorder.work.footage import Footage
from recorder.work.moment import picture_at
from tests.recorder.work.roll import ORIGIN_MS, Roll, film, numbers


def shown(footage: Footage, *times_us: int, side: int = 64) -> list[int]:
    pictures = [picture_at(footage, at_us, side) for at_us in times_us]
    return numbers(one for one in pictures if one is not None)


def test_every_picture_can_be_had(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 90, gop=45)})
    footage = Footage(roll.replay(), roll.media)
    times = [number * 1_000_000 // 30 + 1 for number in range(90)]
    assert shown(footage, *times) == list(range(90))
    assert shown(footage, 999_999, 1_000_000) == [29, 30]


def test_times_are_the_vods_over_gaps_and_sessions(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 60)}, at_s=5)
    roll.take({"source": film(60, 60)}, at_s=20, breaks=True)
    roll.session(ORIGIN_MS + 100_000)
    roll.take({"source": film(120, 60)}, at_s=1)
    footage = Footage(roll.replay(), roll.media)
    assert shown(footage, 0, 1_999_999, 2_000_000, 4_500_000, 5_999_999) == [0, 59, 60, 135, 179]


def test_outside_there_is_nothing(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 30)})
    footage = Footage(roll.replay(), roll.media)
    assert picture_at(footage, 1_000_000, 64) is None


def test_a_broken_picture_leaves_the_one_before_on_display(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 30)})
    replay = roll.replay()
    path = roll.folder / "source-000001.mp4"
    data = bytearray(path.read_bytes())
    piece = replay.slots[0].pieces["source"]
    last = piece.offset + piece.size
    data[last - 40 : last] = bytes(40)
    path.write_bytes(data)
    footage = Footage(replay, roll.media)
    assert picture_at(footage, 999_999, 64) is not None
