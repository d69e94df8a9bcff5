"""Samples of one rendition become its parts and segments. It is told where segments begin.

A part is a stretch of time, and stretches follow each other without holes: a part begins in the
playlist where the one before it ended, though its first sample may come a moment later. A stretch
without a sample is a gap. Inside the file each sample keeps its own exact time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge import fmp4
from bridge.presentation import PackagingSettings, Presentation
from bridge.rendition import Part, Rendition, Segment
from bridge.track import Sample, TrackConfig

SHORTEST: Final = 0.85
"""Of the target: what a part must have, if it holds no keyframe and more parts follow."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a segment begins that has no part yet."""

    msn: int
    time: int
    """Ticks."""
    discontinuity: bool
    config: TrackConfig | None = None
    """Of what follows, if it is another one than before."""


class Assembly:
    """The open end of one rendition. Times are ticks of its track."""

    def __init__(self, presentation: Presentation, rendition: Rendition) -> None:
        self.rendition = rendition
        self.end = 0
        """Where its last part ends, or its open segment begins."""
        self.size = 0
        """Of the open segment's samples so far."""
        self.changed = False
        """Something of the rendition changed. Whoever tells the world sets it back."""
        self.completed = False
        """As `changed`, for segments that were completed."""
        settings: PackagingSettings = presentation.settings
        self._presentation = presentation
        self._target = max(1, settings.part_ms * rendition.timescale // 1_000)
        self._enough = self._target * SHORTEST
        self._least_s = settings.target_duration_s / 2
        self._sequence = 0
        self._pending: list[Sample] = []
        self._beginning: Beginning | None = None
        self._segment: Segment | None = None

    @property
    def open(self) -> bool:
        """Whether samples can be added: a segment has begun and is not complete."""
        return self._beginning is not None or self._segment is not None

    @property
    def msn(self) -> int | None:
        """Of the segment that began last; None before the first."""
        if self._beginning is not None:
            return self._beginning.msn
        segments = self.rendition.segments
        return segments[-1].msn if segments else None

    @property
    def reach(self) -> int:
        """Where the last sample ends."""
        if not self._pending:
            return self.end
        return self._pending[-1].time + self._pending[-1].duration

    @property
    def begun_at(self) -> int:
        """Where the open segment begins."""
        if self._beginning is not None:
            return self._beginning.time
        return self._segment.time if self._segment is not None else self.end

    def begin(self, beginning: Beginning) -> None:
        """The open segment is complete and ends where the next one begins."""
        self.complete(beginning.time)
        self._beginning = beginning
        self.end = beginning.time

    def add(self, sample: Sample) -> None:
        """The next sample of the open segment; its time is later than that of the one before."""
        full = self.end + self._target
        if self._pending and sample.time >= full:
            # The last picture stays until the part is full.
            self._publish(full, min(sample.time, full) - self._pending[-1].time)
        if not self._pending:
            while sample.time >= self.end + self._target:
                self._add_gap(self._target)
        self._pending.append(sample)
        self.size += len(sample.data)
        full = self.end + self._target
        reach = sample.time + sample.duration
        if reach + sample.duration > full and reach - self.end >= self._enough:
            self._publish(min(reach, full), sample.duration)

    def fill(self, until: int) -> None:
        """Nothing comes: gaps as long as parts, as many as fit."""
        while self.end + self._target <= until:
            if self._pending:
                self._close_part(self.end + self._target)
            else:
                self._add_gap(self._target)

    def fill_up(self, until: int) -> None:
        """Nothing came before `until`, where something does: gaps up to there."""
        self.fill(until)
        if self._pending:
            self._close_part(until)
        elif until > self.end:
            self._add_gap(until - self.end)

    def complete(self, at: int) -> None:
        """No more parts for the open segment, which ends at about `at`."""
        if not self.open:
            return
        while self._pending or at - self.end >= self._target // 2:
            if self._pending:
                self._close_part(min(at, self.end + self._target))
            else:
                self._add_gap(min(at - self.end, self._target))
        if self._segment is None:
            # A segment of no length is none, and its number must not be missing.
            self._add_gap(max(at - self.end, self.rendition.timescale // 1_000))
        self._seal(at)

    # --- inside

    def _close_part(self, end: int) -> None:
        """What is pending lasts until `end`, or a little longer if its samples do."""
        last = self._pending[-1]
        if end <= last.time:
            self._publish(last.time + last.duration, last.duration)
        else:
            self._publish(end, end - last.time)

    def _publish(self, end: int, last_duration: int) -> None:
        samples, self._pending = self._pending, []
        begin, self.end = self.end, max(end, self.end + 1)
        self._sequence += 1
        first = samples[0]
        data = fmp4.part(
            samples,
            sequence=self._sequence,
            last_duration=max(1, last_duration),
            wall_ms=self._presentation.wall_ms(self.rendition, first.time),
            first=self._segment is None,
        )
        independent = first.keyframe or any(sample.keyframe for sample in samples)
        self._append(Part(0, self.end - begin, independent, False, data))

    def _add_gap(self, ticks: int) -> None:
        self.end += ticks
        self._append(Part(0, ticks, False, True, b""))

    def _append(self, part: Part) -> None:
        segment = self._segment or self._open()
        part.index = len(segment.parts)
        segment.parts.append(part)
        segment.ticks += part.ticks
        segment.size += len(part.data)
        segment.gap = segment.gap and part.gap
        self.changed = True

    def _open(self) -> Segment:
        beginning, self._beginning = self._beginning, None
        if beginning is None:
            raise RuntimeError("no segment has begun")
        rendition = self.rendition
        if beginning.config is not None:
            rendition.config = beginning.config
            rendition.map += 1
        if rendition.map not in rendition.inits:
            rendition.inits[rendition.map] = fmp4.init(rendition.config)
        self._segment = Segment(
            beginning.msn, beginning.time, rendition.map, beginning.discontinuity, gap=True
        )
        rendition.segments.append(self._segment)
        return self._segment

    def _seal(self, at: int) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            raise RuntimeError("no segment is open")
        self.size = 0
        # A picture more or less: its true length was not known when the last part was made.
        if at - segment.time > 0 and abs(at - self.end) < self._target // 2:
            segment.ticks = at - segment.time
            self.end = at
        segment.complete = True
        self.changed = self.completed = True
        if segment.gap:
            return
        segment.data = b"".join([part.data for part in segment.parts])
        rendition = self.rendition
        if segment.ticks >= self._least_s * rendition.timescale:
            rate = segment.size * 8 * rendition.timescale // segment.ticks
            rendition.peak_bps = max(rendition.peak_bps, rate)
        if not any(part.gap for part in segment.parts):
            rendition.media_bytes += segment.size
            rendition.media_ticks += segment.ticks
