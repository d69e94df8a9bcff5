"""Cuts of the scene, found by comparing keyframes: how their colours are spread, and where."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from recorder.chapters import Scene
from recorder.replay import Replay
from recorder.work.keyframes import Keyframes
from recorder.work.pixels import Canvas, Scaler
from recorder.work.task import Report

Look = NDArray[np.float32]
"""What is compared of a picture."""

SIDE: Final = 64
"""Pictures are compared at this width."""
STRIDE_US: Final = 10_000_000
"""First one keyframe in so much time is looked at; those between only where it changed."""
MOST_BETWEEN: Final = 240
"""Keyframes that are looked at afterwards, in an hour."""
LEAST: Final = 0.3
"""Change that is a cut, from 0 (none) to 1 (nothing is alike)."""
UNUSUAL: Final = 6.0
"""In a restless picture a cut must stand out so many times above the usual change."""
_AROUND: Final = 15
"""Keyframes on each side whose changes are the usual."""
_BINS: Final = 16


class _Looks:
    """What slots look like, each decoded once; None where it cannot be."""

    def __init__(self, replay: Replay, keyframes: Keyframes) -> None:
        self._replay = replay
        self._keyframes = keyframes
        self._scaler = Scaler(SIDE, SIDE * 9 // 16)
        self._looks: dict[int, Look | None] = {}

    def __len__(self) -> int:
        return len(self._looks)

    def see(self, slot: int) -> None:
        if slot not in self._looks:
            picture = self._keyframes.picture(slot)
            self._looks[slot] = None if picture is None else self._look(picture)

    def changes(self) -> list[tuple[int, int, float]]:
        """(slot before, slot, change) of those that were seen, in the order of time."""
        seen = [(slot, look) for slot, look in sorted(self._looks.items()) if look is not None]
        return [(before, slot, change(old, new)) for (before, old), (slot, new) in pairwise(seen)]

    def _look(self, picture: VideoFrame) -> Look:
        return look(self._scaler.fit(picture))


def scenes(replay: Replay, keyframes: Keyframes, report: Report) -> list[Scene]:
    """Cuts, by time. Each is somewhere between its time and the keyframe before.

    A cut that lasts for less than the stride is seldom seen, and no loss: no chapter begins there.
    """
    looks = _Looks(replay, keyframes)
    coarse = _strided([slot.at_us for slot in replay.slots])
    for number, slot in enumerate(coarse, 1):
        looks.see(slot)
        report(0.6 * number / len(coarse))
    between = _between(looks.changes(), replay)
    for number, slot in enumerate(between, 1):
        looks.see(slot)
        report(0.6 + 0.4 * number / len(between))
    return cuts(looks.changes(), replay)


def look(canvas: Canvas) -> Look:
    """Histograms of luma and chroma, and the luma of a coarse grid; each sums to one."""
    parts = [
        _histogram(canvas.luma, _BINS),
        _histogram(canvas.blue, _BINS),
        _histogram(canvas.red, _BINS),
        _grid(canvas),
    ]
    return np.concatenate(parts).astype(np.float32)


def change(old: Look, new: Look) -> float:
    """How different two looks are, 0 to 1."""
    difference = np.abs(old - new)
    histograms = difference[: 3 * _BINS].reshape(3, _BINS).sum(axis=1) / 2
    grid = min(1.0, float(difference[3 * _BINS :].mean()) * 4)
    colours = float(max(histograms[1], histograms[2]))
    # Colours that were there before may only have moved: then it is the same scene.
    return 0.45 * float(histograms[0]) + 0.3 * colours + 0.25 * grid


def cuts(changes: Sequence[tuple[int, int, float]], replay: Replay) -> list[Scene]:
    """The changes that are no usual ones."""
    values = np.array([value for _, _, value in changes], np.float64)
    found = []
    for at, (_, slot, value) in enumerate(changes):
        if value < LEAST:
            continue
        near = np.delete(values[max(0, at - _AROUND) : at + _AROUND + 1], min(at, _AROUND))
        if len(near) and value < UNUSUAL * float(np.median(near)):
            continue
        found.append(Scene(replay.slots[slot].at_us // 1_000, round(value, 3)))
    return found


def _strided(times_us: Sequence[int]) -> list[int]:
    taken: list[int] = []
    for slot, at_us in enumerate(times_us):
        if not taken or at_us - times_us[taken[-1]] >= STRIDE_US:
            taken.append(slot)
    return taken


def _between(changes: Sequence[tuple[int, int, float]], replay: Replay) -> list[int]:
    """Slots to look at besides, because it changed much around them; as many as time allows."""
    most = max(50, MOST_BETWEEN * replay.duration_us // 3_600_000_000)
    slots: list[int] = []
    for before, after, value in sorted(changes, key=lambda one: -one[2]):
        if value < LEAST / 2 or len(slots) >= most:
            break
        slots += range(before + 1, after)
    return sorted(slots[:most])


def _histogram(plane: NDArray[np.uint8], bins: int) -> NDArray[np.float64]:
    counts = np.bincount((plane.ravel() >> 4), minlength=bins)[:bins]
    # A little of each bin belongs to its neighbours, so that a shade more light is no change.
    soft = np.convolve(counts, (0.25, 0.5, 0.25), mode="same")
    return np.asarray(soft / max(1.0, soft.sum()), np.float64)


def _grid(canvas: Canvas) -> NDArray[np.float64]:
    rows, columns = canvas.height // 4, canvas.width // 8
    blocks = canvas.luma[: rows * 4, : columns * 8].reshape(4, rows, 8, columns)
    return np.asarray(blocks.mean(axis=(1, 3)).ravel() / 255, np.float64)
