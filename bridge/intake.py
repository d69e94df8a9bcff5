"""What of the samples that come can be used at all, and counters for the rest."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

from bridge.lane import Lane
from bridge.presentation import Presentation
from bridge.track import Sample

BACK_S: Final = 1
"""A picture's time that jumps back by at most so much is set right: others depend on it."""
FUTURE_MS: Final = 10_000
"""No sample can be so much newer than now."""
LATEST_S: Final = 366 * 86_400
"""Since the origin; no broadcast is so long."""


class Intake:
    """The door of the packager. Encoders are fed by strangers, so nothing is believed."""

    def __init__(self, presentation: Presentation) -> None:
        self.dropped: Counter[str] = Counter()
        self.latest_ms: int | None = None
        """Media time that no sample can have yet; None before the first tick."""
        self._presentation = presentation

    def tick(self, now_ms: int) -> None:
        """Server time, Unix milliseconds."""
        self.latest_ms = now_ms - self._presentation.origin_ms + FUTURE_MS

    def take(self, lane: Lane | None, sample: Sample) -> Sample | None:
        """The sample, with time and length set right; None if it cannot be used."""
        reason = self._refusal(lane, sample)
        if lane is None or reason is not None:
            self.dropped[reason or "unknown"] += 1
            return None
        time, duration = sample.time, sample.duration
        if duration < 1:
            self.dropped["duration_set_right"] += 1
            duration = lane.last_duration
        duration = min(duration, lane.longest_sample)
        last = lane.last_time
        if last is not None and time <= last:
            if not lane.is_video or last - time > BACK_S * lane.scale:
                # Pictures that follow may be made from this one.
                lane.waiting = lane.waiting or lane.is_video
                self.dropped["back"] += 1
                return None
            self.dropped["time_set_right"] += 1
            time = last + 1
        lane.last_time, lane.last_duration = time, duration
        lane.heard = True
        if (time, duration) == (sample.time, sample.duration):
            return sample
        return replace(sample, time=time, duration=duration)

    def _refusal(self, lane: Lane | None, sample: Sample) -> str | None:
        if lane is None:
            return "unknown"
        if self._presentation.finished:
            return "ended"
        if lane.rendition.shed:
            return "shed"
        if not sample.data:
            return "empty"
        if not 0 <= sample.time < LATEST_S * lane.scale:
            return "time"
        if self.latest_ms is not None and sample.time * 1_000 > self.latest_ms * lane.scale:
            return "future"
        return None
