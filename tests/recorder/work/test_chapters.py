"""Scenes near silence, found in real pictures and sound."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from recorder.chapters import Candidate, Found, Scene, Silence
from recorder.work import chapters
from recorder.work.chapters import candidates
from recorder.work.task import WorkError
from tests.recorder.work.roll import HERTZ, Luma, Roll, film, sound, tone

HOUR_MS = 3_600_000
KEYFRAMES_MS = range(0, HOUR_MS, 2_000)


def near(*silences: tuple[int, int], cuts: tuple[int, ...] = (600_000,)) -> list[int]:
    quiet = [Silence(*one) for one in silences]
    found = candidates([Scene(at, 0.5) for at in cuts], quiet, KEYFRAMES_MS, HOUR_MS)
    return [one.at_ms for one in found]


def test_a_cut_in_a_silence_is_a_candidate_where_the_new_picture_is() -> None:
    assert near((598_900, 600_500)) == [600_000]


def test_a_silence_near_a_cut_is_a_candidate_where_it_is_nearest() -> None:
    """The cut is somewhere in the two seconds before its keyframe."""
    assert near((601_000, 602_000)) == [601_000]
    assert near((596_000, 596_700)) == [596_700]
    assert near((601_600, 602_500)) == []
    assert near((595_000, 596_400)) == []


def test_a_cut_in_the_midst_of_talk_is_none() -> None:
    assert near((100_000, 101_000), (900_000, 901_000)) == []


def test_a_longer_silence_says_more() -> None:
    assert near((598_500, 599_000), (600_500, 602_500)) == [600_500]


def test_the_better_of_two_that_are_too_near_stays() -> None:
    cuts = [Scene(600_000, 0.4), Scene(640_000, 0.9), Scene(700_000, 0.5)]
    quiet = [Silence(at - 500, at + 500) for at in (600_000, 640_000, 700_000)]
    found = candidates(cuts, quiet, KEYFRAMES_MS, HOUR_MS)
    assert [one.at_ms for one in found] == [640_000, 700_000]


def test_without_sound_a_cut_is_enough() -> None:
    found = candidates([Scene(600_000, 0.5)], None, KEYFRAMES_MS, HOUR_MS)
    assert found == [Candidate(600_000, 0.5)]


def test_not_at_the_very_beginning_or_end() -> None:
    assert near((29_000, 31_000), (3_590_000, 3_592_000), cuts=(30_000, 3_590_000)) == []


def day_and_night(luma: Luma, number: int) -> None:
    """Night from second 20 to second 40."""
    luma[:] = 40 if 600 <= number < 1_200 else 200


def test_a_recording_is_looked_at_and_listened_to(tmp_path: Path) -> None:
    """Both cuts are seen; it is silent around the first one only, and once without a cut."""
    wave = tone(60)
    wave[int(19.5 * HERTZ) : int(20.5 * HERTZ)] = 0
    wave[50 * HERTZ : 51 * HERTZ] = 0
    roll = Roll(tmp_path)
    pictures = film(0, 1_800, width=192, height=108, gop=60, paint=day_and_night)
    roll.take({"source": pictures}, sound(wave))
    done: list[float] = []
    facts = chapters.run(roll.task(tmp_path / "out", "chapters"), done.append)
    assert facts == {"scenes": 2, "silences": 2, "candidates": 1}
    data = (tmp_path / "out" / "candidates.json").read_bytes()
    found = msgspec.json.decode(data, type=Found)
    assert [one.at_ms for one in found.scenes] == [20_000, 40_000]
    assert [round(one.from_ms, -2) for one in found.silences] == [19_500, 50_000]
    assert [one.at_ms for one in found.candidates] == [20_000]
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_sound_alone_has_silences(tmp_path: Path) -> None:
    wave = tone(10)
    wave[5 * HERTZ : 6 * HERTZ] = 0
    roll = Roll(tmp_path)
    roll.take({}, sound(wave))
    facts = chapters.run(roll.task(tmp_path / "out", "chapters"), lambda done: None)
    assert facts == {"scenes": 0, "silences": 1, "candidates": 0}


def test_an_empty_recording_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(WorkError, match="empty"):
        chapters.run(Roll(tmp_path).task(tmp_path / "out", "chapters"), lambda done: None)
