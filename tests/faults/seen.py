"""What a viewer saw of a bad moment: how long the picture stood still, and until when."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise

from tests.journeys.watch_page import Frame, WatchPage

FRESH = 30
"""Pictures after which all is well again."""


def now_ms() -> float:
    """Unix ms, as pages count: they and the server are on this machine."""
    return time.time() * 1_000


class Moment:
    """Begins now: the page plays, and something is about to happen to it."""

    def __init__(self, page: WatchPage) -> None:
        self._page = page
        self._last = page.await_frames(1).frames[-1]
        self.sessions = page.joins

    def live_again_s(self, since_ms: float, within_s: float = 60) -> float:
        """From that moment until a picture was shown that was captured after it."""
        frames = self._captured_after(since_ms, within_s)
        return (frames[0].shown_ms - since_ms) / 1_000

    def longest_freeze_s(self, since_ms: float, within_s: float = 60) -> float:
        """Between two pictures on the screen, from before that moment on until all is well."""
        self._captured_after(since_ms, within_s)
        return longest_gap_s(self._page.frames().frames, since_ms)

    def more_sessions(self) -> int:
        """That the page had to open."""
        return self._page.joins - self.sessions

    def _captured_after(self, since_ms: float, within_s: float) -> Sequence[Frame]:
        found: list[Frame] = []

        def enough() -> bool:
            fresh = self._page.frames(self._last).frames
            found[:] = [frame for frame in fresh if frame.capture_ms >= since_ms]
            return len(found) >= FRESH

        self._page.until("fresh pictures", enough, within_s)
        return found


def longest_gap_s(frames: Sequence[Frame], since_ms: float) -> float:
    """The longest time without a new picture that ended after `since_ms`."""
    gaps = [b.shown_ms - a.shown_ms for a, b in pairwise(frames) if b.shown_ms >= since_ms]
    return max(gaps, default=0.0) / 1_000
