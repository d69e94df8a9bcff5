"""Moments at which the chat grew loud, from how many messages came in each second."""

from __future__ import annotations

from typing import Final

import numpy as np

from recorder.chapters import Candidate, found_distance_ms
from recorder.heat import Counts, Seconds, by_second
from recorder.replay import Replay

WINDOW_S: Final = 10
"""Messages are counted in windows of this length."""
AROUND_S: Final = 600
"""What is usual is looked up in so much time around a moment."""
DEVIATIONS: Final = 6.0
"""How far above the usual a peak is, in standard deviations of the usual."""
LEAST: Final = 5
"""Messages in a window; fewer are never a peak."""
LEAD_MS: Final = 5_000
"""Viewers write after they have seen something."""
MOST: Final = 100


def peaks(counts: Counts, replay: Replay) -> list[Candidate]:
    """Peaks by time, where they begin to rise. Times are of the VOD.

    The median of the time around and the median of the distances from it say what is usual, so
    that a peak does not hide itself or another one.
    """
    length_ms = replay.duration_us // 1_000
    windows = _windows(by_second(counts, replay))
    scores = _scores(windows)
    apart = max(1, found_distance_ms(length_ms) // (WINDOW_S * 1_000))
    taken: list[int] = []
    for at in np.argsort(-scores, kind="stable"):
        if scores[at] < DEVIATIONS or len(taken) == MOST:
            break
        if all(abs(int(at) - other) >= apart for other in taken):
            taken.append(int(at))
    return [
        Candidate(
            max(0, _onset(windows, at) * WINDOW_S * 1_000 - LEAD_MS),
            round(float(scores[at]), 2),
        )
        for at in sorted(taken)
    ]


def _windows(seconds: Seconds) -> Seconds:
    padded = np.pad(seconds, (0, -len(seconds) % WINDOW_S))
    return np.asarray(padded.reshape(-1, WINDOW_S).sum(axis=1), np.float64)


def _scores(windows: Seconds) -> Seconds:
    """Distance from the usual, in its deviations; 0 where there is too little to say so."""
    scores = np.zeros(len(windows))
    half = AROUND_S // WINDOW_S // 2
    for at in np.flatnonzero(windows >= LEAST):
        near = windows[max(0, at - half) : at + half + 1]
        median = float(np.median(near))
        # 1.4826 makes it a standard deviation. Counts vary by their root even in a calm chat.
        spread = max(1.4826 * float(np.median(np.abs(near - median))), (median + 1) ** 0.5)
        if windows[at] >= 2 * median:
            scores[at] = (windows[at] - median) / spread
    return scores


def _onset(windows: Seconds, at: int) -> int:
    """The first window of a rise that ends at this one."""
    begin = at
    while begin > 0 and windows[begin - 1] >= windows[at] / 2:
        begin -= 1
    return begin
