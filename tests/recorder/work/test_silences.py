"""Where nobody speaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recorder.chapters import Silence
from recorder.media import MediaMissing
from recorder.work.silences import WINDOW_MS, Levels, levels, silences, threshold
from tests.recorder.work.roll import HERTZ, Roll, film, sound, tone


def windows(*stretches: tuple[int, float]) -> Levels:
    """(length in ms, level in dB)"""
    values = [np.full(ms // WINDOW_MS, 10 ** (level / 10)) for ms, level in stretches]
    return np.concatenate(values).astype(np.float32)


def test_silence_is_what_is_far_under_the_programme() -> None:
    heard = windows((5_000, -20), (600, -50), (5_000, -22), (500, -90))
    assert silences(heard) == [Silence(5_000, 5_600), Silence(10_600, 11_100)]


def test_short_pauses_are_none() -> None:
    assert silences(windows((5_000, -20), (380, -90), (5_000, -20))) == []
    assert silences(windows((5_000, -20), (400, -90), (5_000, -20))) == [Silence(5_000, 5_400)]


def test_it_depends_on_how_loud_the_programme_is() -> None:
    """A quiet speaker's words are no silence; under loud music the same level is one."""
    quiet = windows((5_000, -42), (1_000, -60), (5_000, -42))
    assert silences(quiet) == []
    assert silences(windows((5_000, -12), (1_000, -42), (5_000, -12))) == [Silence(5_000, 6_000)]


def test_long_silences_do_not_lower_the_level() -> None:
    assert threshold(windows((1_000, -20), (60_000, -100))) == pytest.approx(
        threshold(windows((1_000, -20)))
    )


def test_all_silent() -> None:
    assert silences(windows((3_000, -100))) == [Silence(0, 3_000)]


def test_the_sound_of_a_recording_is_measured(tmp_path: Path) -> None:
    """Loud for 2 s, then silent for 1 s, and so on; with a gap of 10 s that is left out."""
    wave = tone(6)
    wave[2 * HERTZ : 3 * HERTZ] = wave[5 * HERTZ :] = 0
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 180)}, sound(wave))
    roll.take({"source": film(180, 180)}, sound(wave), at_s=16, breaks=True)
    done: list[float] = []
    heard = levels(roll.replay(), roll.media, done.append)
    assert heard is not None
    assert len(heard) == 600
    found = silences(heard)
    assert len(found) == 4
    for one, (begin, end) in zip(
        found, [(2_000, 3_000), (5_000, 6_000), (8_000, 9_000), (11_000, 12_000)], strict=True
    ):
        assert abs(one.from_ms - begin) <= 60
        assert abs(one.to_ms - end) <= 60
    assert done == sorted(done)


def test_without_sound_there_is_nothing_to_measure(tmp_path: Path) -> None:
    roll = Roll(tmp_path)
    roll.take({"source": film(0, 60)})
    assert levels(roll.replay(), roll.media, lambda done: None) is None


def test_broken_sound_is_silence_and_missing_sound_is_told(tmp_path: Path) -> None:
    roll = Roll(tmp_path, segments_a_chunk=2)
    roll.take({"source": film(0, 180)}, sound(tone(6)))
    replay = roll.replay()
    path = roll.folder / "audio-000002.mp4"
    path.write_bytes(bytes(path.stat().st_size))
    heard = levels(replay, roll.media, lambda done: None)
    assert heard is not None
    (silence,) = silences(heard)
    assert (round(silence.from_ms, -2), round(silence.to_ms, -2)) == (2_000, 4_000)
    path.unlink()
    with pytest.raises(MediaMissing):
        levels(replay, roll.media, lambda done: None)


def test_what_follows_broken_sound_stays_in_its_place(tmp_path: Path) -> None:
    wave = tone(6)
    wave[5 * HERTZ :] = 0
    roll = Roll(tmp_path, segments_a_chunk=6)
    roll.take({"source": film(0, 180)}, sound(wave))
    replay = roll.replay()
    path = roll.folder / "audio-000001.mp4"
    data = bytearray(path.read_bytes())
    broken = replay.slots[2].pieces["audio"]
    data[broken.offset : broken.offset + 200] = bytes(200)
    path.write_bytes(data)
    heard = levels(replay, roll.media, lambda done: None)
    assert heard is not None
    found = [(round(one.from_ms, -2), round(one.to_ms, -2)) for one in silences(heard)]
    assert found == [(2_000, 3_000), (5_000, 6_000)]
