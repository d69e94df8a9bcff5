"""The sound of a clip: copied, cut, and silence where there is none."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from recorder.mp4.entry import read_entry
from recorder.work.clip_sound import AAC_FRAME, ClipSound, Frame
from recorder.work.footage import Footage
from tests.recorder.work.roll import HERTZ, Roll, film, sound, tone


def clipped(roll: Roll, from_s: float, to_s: float) -> tuple[ClipSound, list[Frame]]:
    heard = ClipSound(
        Footage(roll.replay(), roll.media),
        round(from_s * 1_000_000),
        round(to_s * 1_000_000),
        Fraction(from_s),
    )
    frames = list(heard.frames())
    assert all(after.time == before.time + AAC_FRAME for before, after in pairwise(frames))
    return heard, frames


def silent(heard: ClipSound, frames: list[Frame]) -> list[int]:
    """Which frames are silence that was put in."""
    silence = read_entry(heard.init).silence
    return [number for number, one in enumerate(frames) if one.data == silence]


def test_frames_lead_from_one_before_the_start_to_the_end(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 120)}, sound(tone(4)))
    heard, frames = clipped(roll, 1.5, 3.0)
    # 1.5 s are 70.3 frames: frame 70 is cut, and a decoder wants 69 before it.
    assert frames[0].time == 69 * AAC_FRAME - HERTZ * 3 // 2
    assert -2 * AAC_FRAME < frames[0].time <= -AAC_FRAME
    assert frames[-1].time < heard.length == HERTZ * 3 // 2 <= frames[-1].time + AAC_FRAME
    assert silent(heard, frames) == []


def test_a_seam_moves_sound_by_half_a_frame_at_most(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    for take in range(4):
        heard = sound(tone(2.05), start=300 * take)
        roll.take({"source": film(0, 60)}, heard, at_s=9 * take, breaks=True)
    heard_again, frames = clipped(roll, 0.5, 7.5)
    ends = [one.time + AAC_FRAME for one in frames]
    assert abs(ends[-1] - 7 * HERTZ) <= AAC_FRAME
    assert len(silent(heard_again, frames)) <= 3


def test_where_sound_is_missing_there_is_silence(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 60)}, sound(tone(2)))
    roll.take({"source": film(60, 60)}, at_s=2)
    roll.take({"source": film(120, 60)}, sound(tone(2)), at_s=4)
    heard, frames = clipped(roll, 1, 5)
    filled = silent(heard, frames)
    assert filled == list(range(filled[0], filled[-1] + 1))
    assert abs(len(filled) * AAC_FRAME - 2 * HERTZ) <= 3 * AAC_FRAME


def test_sound_that_begins_late_has_silence_before(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 60)})
    roll.take({"source": film(60, 60)}, sound(tone(2)), at_s=2)
    heard, frames = clipped(roll, 1, 4)
    assert -AAC_FRAME < frames[0].time <= 0
    assert 45 <= len(silent(heard, frames)) <= 48


def test_without_sound_there_is_no_track(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 60)})
    heard, frames = clipped(roll, 0, 2)
    assert heard.init == b""
    assert frames == []
