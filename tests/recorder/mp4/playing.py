"""What FFmpeg makes of a file, and what it should."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Literal, NamedTuple

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from numpy.typing import NDArray

from recorder.mp4.layout import VirtualFile
from recorder.replay import Replay
from tests.recorder.barcodes import is_loud, number_of
from tests.recorder.broadcast import AUDIO, Broadcast, Taken

RATE = 48_000

Edge = tuple[float, bool]
"""Where a tone begins or ends: microseconds, and whether it begins."""


class Shown(NamedTuple):
    """A picture or a packet of sound."""

    at_us: float
    number: int


def opened(file: VirtualFile) -> InputContainer:
    return av.open(file.open(), "r")


def us(value: int | None, base: Fraction | None) -> float:
    """A time of FFmpeg in microseconds."""
    assert value is not None
    assert base is not None
    return float(value * base) * 1e6


def chapters(file: VirtualFile) -> list[tuple[float, float, str]]:
    """Begin and end in seconds, and title."""
    with opened(file) as container:
        return [
            (
                us(one["start"], one["time_base"]) / 1e6,
                us(one["end"], one["time_base"]) / 1e6,
                one["metadata"]["title"],
            )
            for one in container.chapters()
        ]


def cues(file: VirtualFile, index: int) -> list[tuple[int | None, int | None, str]]:
    """Begin, length and text of the captions of a track, in milliseconds."""
    with opened(file) as container:
        return [
            (packet.pts, packet.duration, bytes(packet)[2:].decode())
            for packet in container.demux(subtitles=index)
            if packet.size > 2
        ]


def start_us(file: VirtualFile, kind: Literal["video", "audio"]) -> float:
    """When a track begins to be shown."""
    with opened(file) as container:
        stream = next(one for one in container.streams if one.type == kind)
        return us(stream.start_time, stream.time_base)


def pictures(file: VirtualFile) -> list[Shown]:
    """All pictures that a viewer sees."""
    with opened(file) as container:
        return [
            Shown(us(frame.pts, frame.time_base), number_of(frame))
            for frame in container.decode(video=0)
        ]


def packets(file: VirtualFile) -> list[tuple[float, bytes]]:
    """All frames of sound: microseconds and data. Those before 0 are not heard."""
    with opened(file) as container:
        return [
            (us(packet.pts, packet.time_base), bytes(packet))
            for packet in container.demux(audio=0)
            if packet.size
        ]


def wave(file: VirtualFile) -> NDArray[np.float32]:
    """The sound from 0 to the end, each frame where its time says that it is."""
    with opened(file) as container:
        pieces: list[tuple[int, NDArray[np.float32]]] = []
        for frame in container.decode(audio=0):
            assert isinstance(frame, AudioFrame)
            assert frame.pts is not None
            pieces.append((frame.pts, frame.to_ndarray()[0].astype(np.float32)))
    heard = np.zeros(max(at + len(piece) for at, piece in pieces), np.float32)
    for at, piece in pieces:
        heard[at : at + len(piece)] = piece
    return heard[: file.duration_us * RATE // 1_000_000]


def bursts(heard: NDArray[np.float32]) -> list[Edge]:
    """Where the tone begins and ends."""
    window = RATE // 500
    count = len(heard) // window
    loud = np.abs(heard[: count * window]).reshape(count, window).max(axis=1) > 0.2
    edges = np.flatnonzero(np.diff(loud)) + 1
    found = [(float(edge) * window / RATE * 1e6, bool(loud[edge])) for edge in edges]
    # What rings for a moment where frames were joined is no burst.
    clean: list[Edge] = []
    for edge in found:
        if clean and edge[0] - clean[-1][0] < 60_000:
            clean.pop()
        else:
            clean.append(edge)
    return clean


def flips(shown: list[Shown]) -> list[Edge]:
    """Where the tone should begin and end, going by the pictures."""
    return [
        (picture.at_us, is_loud(picture.number))
        for before, picture in pairwise(shown)
        if is_loud(before.number) != is_loud(picture.number)
    ]


def expected_us(replay: Replay, one: Taken, timescale: int) -> float | None:
    """VOD time of something that was recorded; None where it is not in the replay."""
    for period in replay.periods:
        passed = one.time * 1e6 / timescale + period.origin_us - period.stream_us
        if period.session == one.session and -30_000 < passed < period.duration_us:
            return period.at_us + passed
    return None


def expected_pictures(
    broadcast: Broadcast, replay: Replay, from_us: float, to_us: float
) -> list[Shown]:
    """The pictures that are seen in a stretch, by their times in it."""
    found: list[Shown] = []
    for one in broadcast.taken["source"]:
        at_us = expected_us(replay, one, 90_000)
        if at_us is None or at_us > to_us - 6:
            continue
        if found and at_us < from_us + 6:
            found.pop()
        found.append(Shown(max(0.0, at_us - from_us), one.number))
    return found


def expected_sound(broadcast: Broadcast, replay: Replay) -> list[float]:
    found = [expected_us(replay, one, RATE) for one in broadcast.taken[AUDIO]]
    return [at_us for at_us in found if at_us is not None]
