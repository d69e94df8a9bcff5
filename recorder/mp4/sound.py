"""Sound across breaks: frames are whole, and where they are missing there is silence.

Some players go by the times of frames; others, Chromium among them, play one frame after the other
and only look at the time of the first. So there are always as many frames as the time asks for,
to half a frame (about 11 ms), and their times are exact besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from recorder.mp4.moof import Ints
from recorder.mp4.timeline import INLINE, Placed, Recorded

_TOGETHER: Final = 256
"""Frames of silence that stand in a row in the inline bytes, so that long silences are read in
few pieces."""


@dataclass(slots=True)
class _Run:
    """Frames that follow each other."""

    first: int
    """Index of a recorded frame; INLINE for silence."""
    count: int
    time: int
    entry: int


def joined(sound: Recorded, slot_ticks: Ints, inline: bytearray) -> Placed:
    """The frames of a rendition as a player shall hear them.

    Frames outside of their period and those that begin before others have ended are left out,
    holes are filled with silence, whose bytes are added to `inline`. `slot_ticks`: where each
    slot of the replay begins.
    """
    spans = np.array(sound.spans, np.int64)[sound.samples.entry]
    time = sound.samples.time
    # A period's sound belongs to its pictures: what hangs over its edges would be out of step.
    there = (time > sound.begin - spans) & (time < sound.end)
    frames = sound.samples.take(there)
    if not len(frames):
        return frames
    silent = [bool(entry.silence) for entry in sound.entries]
    runs = _without_overlaps(_contiguous(frames, sound.spans), sound.spans, silent)
    if len(runs) == 1:
        return frames.take(slice(runs[0].first, runs[0].first + runs[0].count))
    parts: list[Placed] = []
    places: dict[int, int] = {}
    for run in runs:
        if run.first != INLINE:
            parts.append(frames.take(slice(run.first, run.first + run.count)))
            continue
        silence = sound.entries[run.entry].silence
        if run.entry not in places:
            places[run.entry] = len(inline)
            inline += silence * _TOGETHER
        number = np.arange(run.count, dtype=np.int64)
        at = run.time + number * sound.spans[run.entry]
        parts.append(
            Placed(
                np.full(run.count, INLINE, np.int64),
                places[run.entry] + number % _TOGETHER * len(silence),
                np.full(run.count, len(silence), np.int64),
                at,
                np.searchsorted(slot_ticks, at, side="right").astype(np.int64) - 1,
                np.ones(run.count, np.bool_),
                np.full(run.count, run.entry, np.int64),
            )
        )
    whole = Placed.join(parts)
    # A frame that hangs over the beginning of a slot still is in the one before.
    np.maximum.accumulate(whole.slot, out=whole.slot)
    return whole


def _contiguous(frames: Placed, spans: Sequence[int]) -> list[_Run]:
    span = np.array(spans, np.int64)[frames.entry]
    follows = (np.diff(frames.time) == span[:-1]) & (np.diff(frames.entry) == 0)
    first = np.concatenate(([0], np.flatnonzero(~follows) + 1))
    count = np.diff(np.append(first, len(frames)))
    times, entries = frames.time[first], frames.entry[first]
    return [
        _Run(*each)
        for each in zip(
            first.tolist(), count.tolist(), times.tolist(), entries.tolist(), strict=True
        )
    ]


def _without_overlaps(
    runs: Sequence[_Run], spans: Sequence[int], silent: Sequence[bool]
) -> list[_Run]:
    out: list[_Run] = []
    counted = 0
    """Where a player has come that counts frames."""
    for run in runs:
        span = spans[run.entry]
        if out:
            before = out[-1]
            span_before = spans[before.entry]
            last = before.time + (before.count - 1) * span_before
            late = max(0, -((run.time - last - 1) // span))
            if late >= run.count:
                continue
            run = _Run(run.first + late, run.count - late, run.time + late * span, run.entry)
            end = last + span_before
            ahead = counted - run.time
            if run.time < end and 2 * ahead >= span_before:
                counted -= span_before
                before.count -= 1
                if not before.count:
                    out.pop()
            elif run.time > end and 2 * -ahead >= span_before and silent[before.entry]:
                fitting = -((end - run.time) // span_before)
                wanted = (span_before - 2 * ahead) // (2 * span_before)
                count = min(fitting, wanted)
                out.append(_Run(INLINE, count, end, before.entry))
                counted += count * span_before
        if not out:
            counted = run.time
        out.append(run)
        counted += run.count * span
    return out
