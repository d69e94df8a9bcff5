"""The sound track: a tone on every second of capture time, or speech.

Sound is a loop of samples laid on the Unix time line: sample `n` belongs to the moment
`n / 48000` s after 1970. So the tone begins exactly with the second, whenever the phone started,
and in step with the flash in the picture.
"""

from __future__ import annotations

import io
import logging
import shutil
import subprocess
from enum import StrEnum

import av
import numpy as np
from av import AudioFrame
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

RATE = 48_000
"""Samples per second."""
SAMPLES = 960
"""Samples in a frame: 20 ms."""
TONE_HZ = 1000
TONE_SAMPLES = RATE * 80 // 1000
AMPLITUDE = 0.25
SPEECH = "Welcome to the live stream. You see a ball, and you hear people today."
VOICE = ("-v", "en-us+f5", "-s", "110", "-p", "35")
"""Slow and clear: speech engines understand it, too. pocketsphinx hears most of these words each
time; other sentences it hears anew with each hundredth of a second that they begin later."""
SPEECH_TIMEOUT_S = 20

Pcm = NDArray[np.int16]


class SoundKind(StrEnum):
    """What the phone's microphone hears."""

    TONE = "tone"
    SPEECH = "speech"
    NONE = "none"


class Sound:
    """An endless sound track, mono at 48 kHz."""

    def __init__(self, loop: Pcm) -> None:
        if loop.size == 0:
            raise ValueError("a sound track of no samples")
        self._loop = np.concatenate([loop, np.resize(loop, SAMPLES)])
        self._length = loop.size

    def frame(self, position: int) -> AudioFrame:
        """Return the 20 ms that begin at sample `position` of the Unix time line."""
        start = position % self._length
        frame = AudioFrame(format="s16", layout="mono", samples=SAMPLES)
        frame.planes[0].update(self._loop[start : start + SAMPLES].tobytes())
        frame.sample_rate = RATE
        return frame


def make(kind: SoundKind) -> Sound | None:
    """Return the sound track, or None for silence. Speech falls back to the tone."""
    if kind is SoundKind.NONE:
        return None
    return Sound(_speech() if kind is SoundKind.SPEECH else tone())


def tone() -> Pcm:
    """One second that begins with 80 whole periods of 1 kHz."""
    loop = np.zeros(RATE, np.int16)
    phase = 2 * np.pi * TONE_HZ * np.arange(TONE_SAMPLES) / RATE
    loop[:TONE_SAMPLES] = np.round(AMPLITUDE * 32767 * np.sin(phase))
    return loop


def _speech() -> Pcm:
    """The sentence, spoken once and padded to whole seconds; the tone without espeak-ng."""
    program = shutil.which("espeak-ng")
    if program is None:
        logger.warning("espeak-ng is not installed: the tone is sent instead of speech")
        return tone()
    command = [program, "--stdout", *VOICE, SPEECH]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=SPEECH_TIMEOUT_S)
        spoken = decode_wave(done.stdout)
    except (OSError, subprocess.SubprocessError, av.FFmpegError) as error:
        logger.warning("espeak-ng failed (%s): the tone is sent instead of speech", error)
        return tone()
    seconds = -(-spoken.size // RATE) + 1
    return np.pad(spoken, (0, seconds * RATE - spoken.size))


def decode_wave(data: bytes) -> Pcm:
    """Return a WAVE file as mono samples at 48 kHz. Raises av.FFmpegError when it is none."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    pieces: list[Pcm] = []
    with av.open(io.BytesIO(data), "r", format="wav") as container:
        for frame in container.decode(audio=0):
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
    pieces += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
