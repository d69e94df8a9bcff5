"""The tone begins with the second; speech is speech where it can be."""

from __future__ import annotations

import io
import shutil
import wave

import av
import numpy as np
import pytest
from av import AudioFrame

from mobile_sim import sound
from mobile_sim.sound import RATE, SAMPLES, TONE_SAMPLES, Sound, SoundKind


def heard(track: Sound, start: int, frames: int) -> sound.Pcm:
    pieces = [track.frame(start + index * SAMPLES).to_ndarray()[0] for index in range(frames)]
    return np.concatenate(pieces).astype(np.int16)


def test_the_tone_begins_on_the_sample_of_the_second_wherever_the_phone_started() -> None:
    track = sound.make(SoundKind.TONE)
    assert track is not None
    start = 1_790_000_000 * RATE + 12_345
    samples = heard(track, start, 120)
    loud = np.flatnonzero(samples) + start
    # The first sample of a sine is 0, so the first one to be seen is the second.
    onsets = loud[np.flatnonzero(np.diff(loud, prepend=loud[0] - RATE) > RATE // 2)]
    assert len(onsets) == 2
    assert all(onset % RATE == 1 for onset in onsets)


def test_the_tone_is_80_ms_of_1_khz() -> None:
    loop = sound.tone()
    assert len(loop) == RATE
    assert not loop[TONE_SAMPLES:].any()
    spectrum = np.abs(np.fft.rfft(loop[:TONE_SAMPLES]))
    assert np.argmax(spectrum) * RATE / TONE_SAMPLES == 1000


def test_a_frame_is_20_ms_of_48_khz_mono() -> None:
    frame = Sound(sound.tone()).frame(0)
    assert isinstance(frame, AudioFrame)
    assert (frame.samples, frame.sample_rate, frame.format.name) == (960, 48_000, "s16")
    assert frame.layout.name == "mono"


@pytest.mark.parametrize("length", [1, 100, 960, 961, 48_000])
def test_a_loop_of_any_length_goes_round_without_a_seam(length: int) -> None:
    loop = np.arange(length, dtype=np.int16)
    samples = heard(Sound(loop), 7, 3)
    np.testing.assert_array_equal(samples, (np.arange(7, 7 + 3 * SAMPLES) % length))


def test_silence_is_no_track_and_no_samples_are_refused() -> None:
    assert sound.make(SoundKind.NONE) is None
    with pytest.raises(ValueError, match="no samples"):
        Sound(np.zeros(0, np.int16))


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_speech_is_whole_seconds_of_something_that_is_not_the_tone() -> None:
    track = sound.make(SoundKind.SPEECH)
    assert track is not None
    samples = heard(track, 0, 100)
    assert np.abs(samples).max() > 1000
    assert samples[TONE_SAMPLES:].any()


def test_without_espeak_the_tone_is_sent_and_a_warning_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", "")
    track = sound.make(SoundKind.SPEECH)
    assert track is not None
    np.testing.assert_array_equal(heard(track, 0, 50), sound.tone())
    assert "espeak-ng is not installed" in caplog.text


def test_a_wave_file_is_resampled_to_48_khz() -> None:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(np.full(22_050, 1000, "<i2").tobytes())
    samples = sound.decode_wave(data.getvalue())
    assert abs(len(samples) - RATE) < 50
    assert abs(int(np.median(samples)) - 1000) <= 1


def test_what_is_no_wave_file_is_refused() -> None:
    with pytest.raises(av.FFmpegError):
        sound.decode_wave(b"no sound at all")
