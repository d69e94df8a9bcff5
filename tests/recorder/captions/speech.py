"""Speech for the tests of this folder: spoken by espeak-ng, and as fragments of AAC."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import av
import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from bridge import fmp4
from bridge.track import AAC_FRAME, AudioConfig, Sample
from recorder.captions.utterances import RATE, Pcm
from recorder.captions.words import Word

VOICE = ("-v", "en-us+f5", "-s", "110", "-p", "35")
HELLO = "welcome to the live stream"
MUSIC = "live stream and music today"
AAC_RATE = 48_000


@cache
def spoken(text: str, rate: int = RATE) -> Pcm:
    """A sentence, with the silence that espeak-ng leaves behind it."""
    command = ["espeak-ng", "--stdout", *VOICE, text]
    wave = subprocess.run(command, capture_output=True, check=True, timeout=30).stdout
    resampler = av.AudioResampler(format="s16", layout="mono", rate=rate)
    with av.open(io.BytesIO(wave), "r", format="wav") as container:
        frames: list[AudioFrame | None] = [*container.decode(audio=0), None]
        pieces = [one.to_ndarray()[0] for frame in frames for one in resampler.resample(frame)]
    return np.concatenate(pieces).astype(np.int16)


def silence(seconds: float, rate: int = RATE) -> Pcm:
    return np.zeros(round(seconds * rate), np.int16)


def both(rate: int = RATE) -> Pcm:
    """Two sentences with a second between them; begins with half a second of silence."""
    parts = silence(0.5, rate), spoken(HELLO, rate), silence(1, rate), spoken(MUSIC, rate)
    return np.concatenate([*parts, silence(0.6, rate)])


def texts(words: Sequence[Word]) -> list[str]:
    return [word.text.lower() for word in words]


def assert_rising(words: Sequence[Word]) -> None:
    end_ms = 0
    for word in words:
        assert end_ms <= word.from_ms < word.to_ms
        end_ms = word.to_ms


@dataclass(frozen=True)
class Fragment:
    """A CMAF part of sound."""

    ticks: int
    """When it begins, in samples of 48 kHz."""
    length: int
    data: bytes

    @property
    def ms(self) -> int:
        return self.ticks * 1_000 // AAC_RATE

    @property
    def length_ms(self) -> int:
        return self.length * 1_000 // AAC_RATE


@dataclass(frozen=True)
class Coded:
    """Sound as the bridge makes it."""

    init: bytes
    fragments: tuple[Fragment, ...]


def coded(pcm: NDArray[np.int16], part_frames: int = 24, first: int = 0) -> Coded:
    """AAC of sound at 48 kHz, in parts of about half a second, from sample `first` on."""
    codec = av.CodecContext.create("aac", "w")
    codec.sample_rate, codec.layout, codec.format = AAC_RATE, "stereo", "fltp"
    codec.bit_rate, codec.time_base = 128_000, Fraction(1, AAC_RATE)
    codec.open()
    samples = [
        Sample(packet.pts + first, AAC_FRAME, True, bytes(packet))
        for frame in [*_frames(pcm), None]
        for packet in codec.encode(frame)
        if packet.pts is not None and packet.pts >= 0
    ]
    fragments = []
    for number, at in enumerate(range(0, len(samples), part_frames)):
        run = samples[at : at + part_frames]
        data = fmp4.part(run, sequence=number, last_duration=AAC_FRAME, wall_ms=0, first=True)
        fragments.append(Fragment(run[0].time, AAC_FRAME * len(run), data))
    return Coded(fmp4.init(AudioConfig(codec.extradata or b"")), tuple(fragments))


def _frames(pcm: NDArray[np.int16]) -> Iterator[AudioFrame]:
    stereo = np.stack([pcm, pcm]).astype(np.float32) / 32_768
    for at in range(0, pcm.size - AAC_FRAME + 1, AAC_FRAME):
        piece = np.ascontiguousarray(stereo[:, at : at + AAC_FRAME])
        frame = AudioFrame.from_ndarray(piece, "fltp", "stereo")
        frame.sample_rate, frame.time_base, frame.pts = AAC_RATE, Fraction(1, AAC_RATE), at
        yield frame
