"""The leader's part: it makes the cuts, and says how far all others may go."""

from __future__ import annotations

from collections import Counter
from typing import Final

from bridge.cuts import MOMENTS, Cuts
from bridge.lane import Lane
from bridge.presentation import Presentation
from bridge.track import Sample

JUMP: Final = 30 * MOMENTS
"""A hole that is longer is not filled: the timeline breaks there."""
KEYFRAME_SHARE: Final = 0.75
"""Of a segment's length: a keyframe after so much begins the next one."""
LEEWAY_MS: Final = 40
"""Segments of followers may be so much longer than the leader's: they begin with samples, too."""


class Conductor:
    """Where segments begin and how far the leader has come. Moments are those of bridge/cuts.py."""

    def __init__(
        self, presentation: Presentation, lanes: dict[str, Lane], dropped: Counter[str]
    ) -> None:
        self.cuts = Cuts(presentation.first_msn)
        self.leader: Lane | None = None
        self.frontier = 0
        """The moment up to which the leader has said where segments begin."""
        self.constant = False
        self.late_keyframe = False
        self._closed = 0
        """The moment up to which all renditions were complete when the source broke."""
        settings = presentation.settings
        self._part = settings.part_ms * MOMENTS // 1_000
        self._segment = settings.segment_ms * MOMENTS // 1_000
        self._longest = (settings.longest_ms - LEEWAY_MS) * MOMENTS // 1_000
        self._lanes = lanes
        self._dropped = dropped

    def lead(self, lane: Lane, sample: Sample) -> None:
        """The leader's sample moves the frontier, and may begin a segment."""
        cuts = self.cuts
        moment = lane.moment(sample)
        reach = moment + sample.duration * lane.unit
        if cuts.started and moment - self.frontier > JUMP:
            if not cuts.broken:
                self.close("interrupted")
                cuts.discontinuity = True
            self.frontier = moment
        lost = cuts.broken or lane.waiting or lane.blocked
        if not sample.keyframe and (lost or self._has_completed(lane)):
            self._dropped["keyframe"] += 1
            lane.waiting = True
            if not cuts.broken:
                self.gap_to(moment)
            return
        if lost:
            if cuts.started and reach <= self.frontier:
                self._dropped["late"] += 1
                return
            hole = 0 if cuts.broken else moment - self.frontier
            if hole > (0 if lane.waiting else self._part):
                self.gap_to(moment)
            self._cut_here(moment)
            lane.waiting = False
        elif self._too_long(reach) and (not sample.keyframe or self._too_long(moment)):
            # Either no keyframe came, or nothing did. The sample is looked at again, behind a gap.
            self.late_keyframe = self.late_keyframe or moment - self.frontier < self._part
            self.gap_to(moment)
            self.lead(lane, sample)
            return
        elif sample.keyframe and self._may_cut(lane, moment, reach):
            self._cut_here(moment)
        if sample.keyframe:
            lane.count_keyframe(moment)
        self.frontier = max(self.frontier, reach)
        lane.queue.append(sample)
        lane.advance(self.frontier)
        if self.constant and self.frontier >= self._due():
            cuts.make(self._due())

    def lead_again(self, lane: Lane) -> None:
        """What was held becomes the leader's."""
        for sample in lane.samples():
            self.lead(lane, sample)

    def lead_on(self, until_ms: int) -> None:
        """The leader is silent: the frontier goes on without it, in whole parts."""
        until = min(until_ms * MOMENTS // 1_000, self.frontier + JUMP)
        parts = (until - self.frontier) // self._part
        if parts > 0:
            self.gap_to(self.frontier + parts * self._part)

    def gap_to(self, until: int) -> None:
        """The leader has nothing up to a moment. Segments are cut as if it had."""
        leader, cuts = self.leader, self.cuts
        if leader is None:
            return
        if cuts.broken or (not leader.waiting and leader.next_msn > cuts.last.msn):
            self._cut_gap(self.frontier)
        leader.waiting = True
        while (due := self._due()) <= until:
            self.frontier = max(self.frontier, due)
            self._cut_gap(due)
        self.frontier = max(self.frontier, until)
        leader.fill(self.frontier)

    def close(self, reason: str) -> None:
        """Every rendition completes what it has, up to one moment and one number."""
        for lane in self._lanes.values():
            lane.clear(reason)
        if self.cuts.broken:
            return
        frontier, last = self.frontier, self.cuts.last.moment
        if self._is_untouched() and frontier - last < self._part:
            self.cuts.undo()
            frontier = last
        for lane in self._lanes.values():
            lane.close(frontier, last=reason == "ended")
            if lane.joined:
                self.frontier = max(self.frontier, lane.end)
        self._closed = self.frontier
        self.cuts.broken = True

    # --- inside

    def _has_completed(self, lane: Lane) -> bool:
        """Whether its next sample must begin a segment, as the one before is complete."""
        return lane.next_msn <= self.cuts.last.msn and not lane.assembly.open

    def _too_long(self, moment: int) -> bool:
        return moment - self.cuts.last.moment > self._longest

    def _may_cut(self, lane: Lane, moment: int, reach: int) -> bool:
        """Whether a segment may begin with this keyframe: the last is long enough, or would
        get too long until the next one."""
        if lane.next_msn <= self.cuts.last.msn:
            return False  # one does already
        if self.cuts.discontinuity:
            return True
        if self.constant:
            return moment >= self._due()
        begun = self.cuts.last.moment
        if not lane.is_video:
            return reach - begun > self._segment
        if moment - begun >= KEYFRAME_SHARE * self._segment:
            return True
        return lane.gop > 0 and self._too_long(moment + lane.gop)

    def _due(self) -> int:
        """Where the segment ends, if no keyframe says."""
        begun = self.cuts.last.moment
        if self.constant:
            return (begun // self._segment + 1) * self._segment
        return begun + self._segment

    def _cut_here(self, moment: int) -> None:
        """Begin a segment, or move the beginning of one that nobody has come to."""
        cuts = self.cuts
        if not cuts.broken:
            begun = moment if cuts.before is None else cuts.before
            near = moment - cuts.last.moment < self._part and moment - begun <= self._longest
            if near and self._is_untouched():
                cuts.move(moment)
                return
            moment = max(moment, cuts.last.moment + MOMENTS // 1_000)
        cuts.make(moment)

    def _is_untouched(self) -> bool:
        last = self.cuts.last.msn
        return all(lane.next_msn <= last for lane in self._lanes.values() if lane.joined)

    def _cut_gap(self, moment: int) -> None:
        # A discontinuity stands where the pictures go on. hls.js learns from them where the sound
        # behind it belongs; if the source broke again before one came, it would wait for ever.
        # Only where time jumps, sound cannot go on without one.
        jumped = self.cuts.broken and moment != self._closed
        self.cuts.make(moment, jumped and any(lane.queue for lane in self._lanes.values()))
