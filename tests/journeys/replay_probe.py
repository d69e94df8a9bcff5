"""What a recorded file holds, by its own pictures and sounds: stamps, and tones on full seconds."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from mobile_sim import stamp
from mobile_sim.sound import AMPLITUDE, RATE, TONE_HZ

LOUD = AMPLITUDE / 4
"""Of full scale; the tone is four times as loud, and what a codec smears before it is not."""
WINDOW = RATE // 1_000
"""A millisecond: one period of the tone."""
QUIET_MS = 300
"""Between two tones."""
WHOLE_MS = 76
"""A tone lasts 80 ms."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A stamped picture of a file."""

    at_ms: float
    """In the file."""
    counter: int
    captured_ms: int
    """Unix."""
    width: int


@dataclass(frozen=True, slots=True)
class Probe:
    """Decoded whole, and without an error: PyAV raises for what cannot be decoded."""

    pictures: Sequence[Picture]
    tones_ms: Sequence[float]
    """Where tones begin in the file."""

    def offsets_ms(self) -> list[tuple[float, float]]:
        """(place in the file, how much later the sound is than the picture) of each tone.

        A tone belongs to the full second at which it was captured; a picture says when it was.
        """
        found: list[tuple[float, float]] = []
        for tone_ms in self.tones_ms:
            near = min(self.pictures, key=lambda one: abs(one.at_ms - tone_ms))
            if abs(near.at_ms - tone_ms) > 50:
                continue
            captured_ms = near.captured_ms + (tone_ms - near.at_ms)
            second = round(captured_ms / 1_000) * 1_000
            found.append((tone_ms, captured_ms - second))
        return found


def probe(path: Path) -> Probe:
    """Decode all of it."""
    now_ms = time.time_ns() // 1_000_000
    pictures: list[Picture] = []
    samples: list[tuple[float, NDArray[np.float32]]] = []
    with av.open(str(path), "r") as container:
        for frame in container.decode(container.streams.video[0], container.streams.audio[0]):
            assert isinstance(frame, VideoFrame | AudioFrame)
            assert frame.pts is not None
            assert frame.time_base is not None
            at_ms = float(frame.pts * frame.time_base * 1_000)
            if isinstance(frame, VideoFrame):
                luma = frame.reformat(format="gray").to_ndarray().astype(np.uint8)
                said = stamp.read(luma)
                if said is not None:
                    captured_ms = stamp.unwrap_time(said.time_ms, now_ms)
                    pictures.append(Picture(at_ms, said.counter, captured_ms, frame.width))
            else:
                samples.append((at_ms, frame.to_ndarray()[0].astype(np.float32)))
    return Probe(pictures, _tones(samples))


def _tones(samples: Sequence[tuple[float, NDArray[np.float32]]]) -> list[float]:
    """Where 1 kHz becomes loud after a silence, to half a millisecond."""
    found: list[float] = []
    for start_ms, wave in _runs(samples):
        phase = 2j * np.pi * TONE_HZ * np.arange(len(wave)) / RATE
        mixed = np.abs(np.convolve(wave * np.exp(-phase), np.ones(WINDOW) / WINDOW, "valid")) * 2
        loud = np.flatnonzero(mixed > LOUD)
        if not len(loud):
            continue
        ends = np.flatnonzero(np.diff(loud) > QUIET_MS * WINDOW)
        first = loud[np.concatenate([[0], ends + 1])]
        last = loud[np.concatenate([ends, [len(loud) - 1]])]
        # Of a tone in which the recording begins anew only the end is there, which says nothing.
        whole = last - first >= WHOLE_MS * WINDOW
        # A window is a quarter full of tone when it becomes loud.
        found += [start_ms + (onset + 0.75 * WINDOW) / WINDOW for onset in first[whole].tolist()]
    return found


def _runs(
    samples: Sequence[tuple[float, NDArray[np.float32]]],
) -> list[tuple[float, NDArray[np.float32]]]:
    """Stretches of sound without a hole."""
    runs: list[tuple[float, list[NDArray[np.float32]]]] = []
    end_ms = float("-inf")
    for at_ms, wave in samples:
        if abs(at_ms - end_ms) > 5:
            runs.append((at_ms, []))
        runs[-1][1].append(wave)
        end_ms = at_ms + len(wave) / WINDOW
    return [(start_ms, np.concatenate(waves)) for start_ms, waves in runs]
