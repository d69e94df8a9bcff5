"""Where a VOD is silent, compared with how loud it is for the most part."""

from __future__ import annotations

from typing import Final

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from recorder.chapters import Silence
from recorder.media import Media, MediaMissing
from recorder.replay import Replay
from recorder.work.decoder import SoundDecoder, Undecodable
from recorder.work.footage import Footage, Track
from recorder.work.task import Report

WINDOW_MS: Final = 20
SHORTEST_MS: Final = 400
BELOW_DB: Final = 26.0
"""What is so far under the programme's level is silent."""
QUIET_DB: Final = -60.0
"""What is under it, from full scale, is no programme."""
GATE_DB: Final = 20.0
"""What is so far under the mean does not count for the programme's level."""
MOST_MISSING: Final = 0.1
"""Of the sound. A store that answers again later has it."""

BLOCK: Final = 200
"""AAC frames whose samples are in memory at once."""

Wave = NDArray[np.float32]
Levels = NDArray[np.float32]
"""Mean square of each window, 1 is full scale. 0 where there is no sound."""


def levels(replay: Replay, media: Media, report: Report) -> Levels | None:
    """Of the VOD's windows of 20 ms; None where it never has any sound.

    Sound that is broken counts as silence. Raises MediaMissing where much of it is not there.
    """
    footage = Footage(replay, media)
    windows = np.zeros(-(-replay.duration_us // (WINDOW_MS * 1_000)), np.float32)
    decoder: tuple[tuple[str, int, int], SoundDecoder] | None = None
    missing: list[MediaMissing] = []
    heard = asked = 0
    for at, (period, tracks) in enumerate(footage.sound_runs(range(len(replay.slots)))):
        asked += 1
        setup = *tracks[0].setup, period
        try:
            if decoder is None or decoder[0] != setup:
                decoder = setup, SoundDecoder(footage.init(tracks[0]))
            heard += _hear(footage, tracks, decoder[1], footage.base_us(period), windows)
        except MediaMissing as error:
            missing.append(error)
        except Undecodable:
            decoder = None
        report(min(1.0, (at + 1) * 30_000_000 / replay.duration_us))
    if missing and len(missing) > MOST_MISSING * asked:
        raise missing[0]
    return windows if heard else None


def silences(windows: Levels) -> list[Silence]:
    """Stretches of at least 0.4 s, by time."""
    quiet = np.concatenate([[False], windows < threshold(windows), [False]])
    edges = np.flatnonzero(quiet[1:] != quiet[:-1])
    return [
        Silence(int(begin) * WINDOW_MS, int(end) * WINDOW_MS)
        for begin, end in edges.reshape(-1, 2)
        if (end - begin) * WINDOW_MS >= SHORTEST_MS
    ]


def threshold(windows: Levels) -> float:
    """The mean square under which a window is silent."""
    quiet = _power(QUIET_DB)
    loud = windows[windows > quiet].astype(np.float64)
    if not len(loud):
        return quiet
    programme = loud[loud > loud.mean() * _power(-GATE_DB)].mean()
    return float(max(programme * _power(-BELOW_DB), quiet / 10))


def _power(decibels: float) -> float:
    return float(10 ** (decibels / 10))


def _hear(
    footage: Footage, tracks: list[Track], decoder: SoundDecoder, base_us: int, windows: Levels
) -> int:
    """Fill in the windows of a run. Returns how many AAC frames that were."""
    heard = 0
    block = _Block(windows, base_us, tracks[0].timescale)
    for sample in footage.run(tracks):
        if sample.time != block.following or len(block.pieces) >= BLOCK:
            block.end()
        try:
            frames = decoder.decode(sample.data)
        except Undecodable:
            continue
        for frame in frames:
            block.add(sample.time, sample.duration, frame)
        heard += len(frames)
    block.end()
    return heard


class _Block:
    """Some AAC frames that follow each other, on their way into windows."""

    def __init__(self, windows: Levels, base_us: int, timescale: int) -> None:
        self._windows = windows
        self._base_us = base_us
        self._timescale = timescale
        self._rate = timescale
        self._first = 0
        self.following = -1
        """Time of the frame that continues it, in ticks."""
        self.pieces: list[list[Wave]] = []

    def add(self, time: int, duration: int, frame: AudioFrame) -> None:
        if not self.pieces:
            self._first, self._rate = time, frame.sample_rate
        self.pieces.append(_planes(frame))
        self.following = time + duration

    def end(self) -> None:
        """Measure what is in it, and begin anew."""
        if not self.pieces:
            return
        squares, self.pieces = _squares(self.pieces), []
        length = self._rate * WINDOW_MS // 1_000
        whole = np.pad(squares, (0, -len(squares) % length), mode="edge").reshape(-1, length)
        means = whole.mean(axis=1)
        at_us = self._base_us + self._first * 1_000_000 // self._timescale
        at = at_us // (WINDOW_MS * 1_000)
        begin, end = max(0, at), min(len(self._windows), at + len(means))
        if begin < end:
            there = self._windows[begin:end]
            np.maximum(there, means[begin - at : end - at], out=there)


def _planes(frame: AudioFrame) -> list[Wave]:
    """The channels of a frame. Nothing is copied of what FFmpeg's AAC decoder gives."""
    if frame.format.name == "fltp":
        count = frame.samples
        return [np.frombuffer(memoryview(plane), np.float32, count) for plane in frame.planes]
    samples = frame.to_ndarray()
    scale = 1.0 if samples.dtype.kind == "f" else 2.0 ** (8 * samples.dtype.itemsize - 1)
    values = samples.astype(np.float32) / np.float32(scale)
    return list(values.reshape(-1, frame.layout.nb_channels).T if len(values) == 1 else values)


def _squares(pieces: list[list[Wave]]) -> Wave:
    """The mean over the channels that all pieces have, with 1 as full scale."""
    channels = min(map(len, pieces))
    squares = np.zeros(sum(len(piece[0]) for piece in pieces), np.float32)
    for channel in range(channels):
        wave = np.concatenate([piece[channel] for piece in pieces])
        squares += wave * wave
    return squares / np.float32(channels)
