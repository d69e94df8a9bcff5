"""Opus in, AAC out, in step with the broadcast's time."""

from __future__ import annotations

import contextlib
from typing import Any

import av
import numpy as np
import pytest

from bridge.track import AAC_FRAME
from bridge.transcode.sound import Sound, SoundBroken, stretched
from bridge.transcode.wire import Configured, Encoded, FromChild
from tests.bridge.transcode.sources import encoded, sound

Samples = np.ndarray[Any, np.dtype[np.float32]]
LISTENER_MS = 10
"""Opus itself delays by a few milliseconds, which nobody tells."""


class Ear:
    """The sound, and what a player hears of it."""

    def __init__(self) -> None:
        self.said: list[FromChild] = []
        self.sound = Sound(128_000, self.said.append)

    def hear(self, count: int, start_us: int = 0, frequency: int = 440) -> None:
        for unit in sound(count, start_us, frequency):
            self.sound.hear(unit.time_us, unit.payload)

    @property
    def frames(self) -> list[Encoded]:
        return encoded(self.said, "audio")

    @property
    def times(self) -> list[int]:
        return [frame.time for frame in self.frames]

    def played(self) -> tuple[int, Samples]:
        """The time of the first sample, and all of them (left) as they are decoded."""
        config = next(one for one in self.said if isinstance(one, Configured))
        context = av.CodecContext.create("aac", "r")
        context.extradata = config.extra
        pieces = [
            frame.to_ndarray()[0]
            for one in self.frames
            for frame in context.decode(av.Packet(one.data))
        ]
        return self.frames[0].time, np.concatenate(pieces)


def test_frames_lie_on_the_grid_since_the_origin_without_holes() -> None:
    ear = Ear()
    ear.hear(100, start_us=1_234_000)
    assert all(time % AAC_FRAME == 0 for time in ear.times)
    assert set(np.diff(ear.times)) == {AAC_FRAME}
    assert all(frame.duration == AAC_FRAME and frame.keyframe for frame in ear.frames)


def test_the_config_comes_first_and_once_and_is_aac_lc_stereo_at_48_khz() -> None:
    ear = Ear()
    ear.hear(50)
    configs = [number for number, one in enumerate(ear.said) if isinstance(one, Configured)]
    assert configs == [0]
    first = ear.said[0]
    assert isinstance(first, Configured)
    assert first.extra[:2] == bytes([2 << 3 | 3 >> 1, (3 & 1) << 7 | 2 << 3])


@pytest.mark.parametrize("start_us", [0, 500_000, 777_000])
def test_a_click_is_played_at_the_time_it_was_captured(start_us: int) -> None:
    ear = Ear()
    ear.hear(50, start_us=start_us, frequency=0)
    begins, wave = ear.played()
    heard_ms = (begins + int(np.argmax(np.abs(wave)))) / 48
    assert abs(heard_ms - (start_us / 1_000 + 200)) < LISTENER_MS


def test_a_lost_unit_is_silence_and_moves_nothing() -> None:
    ear = Ear()
    for number, unit in enumerate(sound(100)):
        if number not in (50, 51):
            ear.sound.hear(unit.time_us, unit.payload)
    assert set(np.diff(ear.times)) == {AAC_FRAME}
    begins, wave = ear.played()
    middle = 48 * 1_020 - begins
    assert np.abs(wave[middle - 200 : middle + 200]).max() < 0.05
    assert np.abs(wave[middle + 4_000 : middle + 5_000]).max() > 0.2


def test_without_any_sound_there_is_silence_behind_the_picture() -> None:
    ear = Ear()
    for picture_us in range(0, 4_000_000, 33_333):
        ear.sound.follow(picture_us)
    assert set(np.diff(ear.times)) == {AAC_FRAME}
    assert 3_300 < ear.times[-1] / 48 < 3_500
    assert not ear.played()[1].any()


def test_sound_goes_on_after_a_mute() -> None:
    ear = Ear()
    ear.hear(50)
    for picture_us in range(1_000_000, 5_000_000, 33_333):
        ear.sound.follow(picture_us)
    ear.hear(50, start_us=5_000_000)
    assert set(np.diff(ear.times)) == {AAC_FRAME}
    begins, wave = ear.played()
    assert np.abs(wave[48 * 3_000 - begins :][:4_800]).max() < 0.001
    assert np.abs(wave[48 * 5_500 - begins :][:4_800]).max() > 0.2


def test_after_a_long_nothing_it_goes_on_where_it_belongs() -> None:
    ear = Ear()
    ear.hear(50)
    ear.hear(50, start_us=61_000_000)
    gaps = [step for step in np.diff(ear.times) if step != AAC_FRAME]
    assert len(gaps) == 1
    assert all(time % AAC_FRAME == 0 for time in ear.times)
    assert ear.times[-1] / 48 == pytest.approx(62_000, abs=90)


def test_nothing_is_made_before_the_origin() -> None:
    ear = Ear()
    ear.hear(50, start_us=-500_000)
    assert ear.times[0] == 0


@pytest.mark.parametrize("payload", [b"", b"\xff", bytes(3), bytes(range(255))])
def test_garbage_is_an_error_and_the_next_unit_is_heard(payload: bytes) -> None:
    ear = Ear()
    ear.hear(20)
    with contextlib.suppress(SoundBroken):
        ear.sound.hear(400_000, payload)
    before = len(ear.frames)
    ear.hear(20, start_us=420_000)
    assert len(ear.frames) > before + 15


def test_stretching_keeps_the_sound() -> None:
    row = np.sin(np.arange(960) / 10)
    longer = stretched(np.stack([row, -row]).astype(np.float32), 963)
    assert longer.shape == (2, 963)
    assert longer[0, -1] == pytest.approx(row[-1], abs=1e-3)
    assert longer[1, 0] == pytest.approx(-row[0])


def test_at_the_end_the_encoder_gives_out_what_it_held() -> None:
    ear = Ear()
    ear.hear(50)
    held = ear.times[-1] + AAC_FRAME
    assert held < 48_000 - AAC_FRAME
    ear.sound.end(1_000_000)
    assert set(np.diff(ear.times)) == {AAC_FRAME}
    assert abs(ear.times[-1] + AAC_FRAME - 48_000) <= AAC_FRAME // 2


def test_sound_that_stopped_early_ends_with_silence() -> None:
    ear = Ear()
    ear.hear(40)
    ear.sound.end(1_000_000)
    _, wave = ear.played()
    assert abs(ear.times[-1] + AAC_FRAME - 48_000) <= AAC_FRAME // 2
    assert np.abs(wave[42_000:46_000]).max() < 0.01 < np.abs(wave[30_000:38_000]).max()


def test_where_no_sound_ever_was_the_end_makes_none() -> None:
    ear = Ear()
    ear.sound.end(1_000_000)
    assert ear.said == []
