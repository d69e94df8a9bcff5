"""One rendition on its way into segments: samples that wait, and cuts that it comes to."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

from bridge.assembly import Assembly, Beginning
from bridge.cuts import MOMENTS, Cut, Cuts
from bridge.presentation import Presentation
from bridge.rendition import Rendition
from bridge.track import AAC_FRAME, Sample, TrackConfig

USUAL_FRAME_RATE: Final = 30
MOST_SEGMENT_SHARE: Final = 4
"""A segment may hold a quarter of all bytes of the window."""


class Lane:
    """Gives each sample its place, as far as the leader has come (the frontier)."""

    def __init__(
        self, presentation: Presentation, rendition: Rendition, cuts: Cuts, dropped: Counter[str]
    ) -> None:
        self.rendition = rendition
        self.assembly = Assembly(presentation, rendition)
        self.is_video = rendition.is_video
        self.scale = scale = rendition.timescale
        """Ticks a second."""
        self.longest_sample = max(1, presentation.settings.part_ms * scale // 1_000)
        """Ticks: what is longer could not be part of any part."""
        self.unit = MOMENTS // scale
        """Moments a tick."""
        self.next_msn = cuts.next_msn
        """Of the cut that it comes to next."""
        self.joined = False
        """It has a segment."""
        self.waiting = False
        """It can only go on with a keyframe."""
        self.blocked = False
        """It can only go on behind a discontinuity."""
        self.drifted = False
        """Its keyframe came too late for a cut. The owner sets it back."""
        self.heard = True
        """A sample came since the last tick. A new lane gets its time, too."""
        self.heard_ms = 0
        self.gop = 0
        """Moments between its last two keyframes, as the leader; 0 before there are two."""
        self._last_keyframe: int | None = None
        self.last_time: int | None = None
        self.last_duration = scale // USUAL_FRAME_RATE if self.is_video else AAC_FRAME
        self.queue: deque[Sample | TrackConfig] = deque()
        """In order. A configuration is that of the samples behind it."""
        self._config: TrackConfig | None = None
        self._cuts = cuts
        self._dropped = dropped
        self._part = presentation.settings.part_ms * MOMENTS // 1_000
        self._longest = presentation.settings.longest_ms * MOMENTS // 1_000
        self._most_bytes = presentation.settings.window_bytes // MOST_SEGMENT_SHARE

    @property
    def newest_config(self) -> TrackConfig:
        """That of the sample that comes next."""
        queued = [item for item in self.queue if not isinstance(item, Sample)]
        return queued[-1] if queued else self._config or self.rendition.config

    @property
    def end(self) -> int:
        """The moment up to which it has parts."""
        return self.assembly.end * self.unit

    @property
    def oldest(self) -> int | None:
        """The moment of the oldest sample that waits."""
        return next((self.moment(one) for one in self.queue if isinstance(one, Sample)), None)

    def moment(self, sample: Sample) -> int:
        return sample.time * self.unit

    def count_keyframe(self, moment: int) -> None:
        if self._last_keyframe is not None:
            self.gop = moment - self._last_keyframe
        self._last_keyframe = moment

    def samples(self) -> list[Sample]:
        """Take all that wait. Configurations are heard on the way."""
        taken = [item for item in self.queue if isinstance(item, Sample)]
        for item in self.queue:
            if not isinstance(item, Sample):
                self._hear(item)
        self.queue.clear()
        return taken

    def clear(self, reason: str) -> None:
        """Forget all that wait."""
        count = len(self.samples())
        if count:
            self._dropped[reason] += count

    def advance(self, frontier: int) -> None:
        """Give each sample that waits its place. Those at the frontier or behind it wait on."""
        while self.queue:
            head = self.queue[0]
            if not isinstance(head, Sample):
                self.queue.popleft()
                self._hear(head)
                continue
            moment = head.time * self.unit
            if head.keyframe and self.is_video:
                # Layers of one camera agree on their keyframes, but not to the tick.
                moment += head.duration * self.unit // 2
            if moment >= frontier:
                return
            cut = self._cuts.numbered(self.next_msn)
            if cut is not None and moment >= cut.moment:
                after = self._cuts.numbered(self.next_msn + 1)
                if after is not None and moment >= after.moment:
                    self.come_to(cut)
                    continue
                if self._crosses(head, cut):
                    continue
            self.queue.popleft()
            self._place(head)

    def fill(self, until: int) -> None:
        """It has nothing up to a moment: gaps, in whole parts."""
        if not self.joined:
            return
        while (cut := self._cuts.numbered(self.next_msn)) is not None:
            after = self._cuts.numbered(self.next_msn + 1)
            if cut.moment + self._part > until and (after is None or after.moment > until):
                until = min(until, cut.moment)
                break
            self.come_to(cut)
        if self.assembly.open and until - self.end >= self._part:
            self.waiting = True
            self.assembly.fill(until // self.unit)

    def come_to(self, cut: Cut) -> None:
        """Come to a cut without a sample."""
        if not self.joined:
            self.next_msn = cut.msn + 1
            return
        self.waiting = True
        self._cross(cut, max(self.assembly.reach, -(-cut.moment // self.unit)))

    def complete_early(self, at_once: bool) -> None:
        """Complete a segment that is full without waiting for the sample behind it.

        `at_once`: even if it is not full, as nothing comes.
        """
        cut = self._cuts.numbered(self.next_msn)
        if cut is None or not self.joined or not self.assembly.open:
            return
        reach = self.assembly.reach
        if at_once or reach * self.unit >= cut.moment:
            self.assembly.complete(max(reach, -(-cut.moment // self.unit)))

    def close(self, frontier: int, last: bool = False) -> None:
        """Complete the segment as it is, after coming to all cuts."""
        while (cut := self._cuts.numbered(self.next_msn)) is not None:
            self.come_to(cut)
        if self.joined:
            # Where nothing follows, players want to hear of no more than there is.
            until = 0 if last else frontier // self.unit
            self.assembly.complete(max(self.assembly.reach, until))
            # Sound is told by its times, and may go on before the pictures do.
            self.blocked = self.blocked or self.is_video

    # --- inside

    def _hear(self, config: TrackConfig) -> None:
        self._config = config
        self.blocked = True
        self._cuts.discontinuity = True

    def _crosses(self, head: Sample, cut: Cut) -> bool:
        """Whether a sample behind a cut has made its lane come to the cut."""
        late = self.moment(head) - cut.moment >= self._part
        if self.blocked and not cut.discontinuity:
            self.come_to(cut)
            return True
        if head.keyframe and not late:
            self.waiting = False
            self._cross(cut, head.time)
            return True
        if not self.joined:
            return False
        if self.waiting or late or self._is_too_long(head) or not self.assembly.open:
            self.drifted = self.drifted or (self.is_video and not self.waiting)
            self.come_to(cut)
            return True
        return False

    def _is_too_long(self, sample: Sample) -> bool:
        """Whether the open segment would be, with this sample in it."""
        reach = sample.time + sample.duration
        return (reach - self.assembly.begun_at) * self.unit > self._longest

    def _place(self, sample: Sample) -> None:
        if not self.joined:
            self._dropped["joining"] += 1
        elif self.blocked or (self.waiting and not sample.keyframe):
            self._dropped["discontinuity" if self.blocked else "keyframe"] += 1
            self.fill(self.moment(sample))
        elif self.waiting and self._is_on_the_eve(sample):
            self._dropped["discontinuity"] += 1
        elif not self.assembly.open or (self.waiting and sample.time < self.assembly.end):
            self._dropped["late"] += 1
            self.waiting = self.waiting or self.is_video
        elif self.assembly.size + len(sample.data) > self._most_bytes:
            self._dropped["size"] += 1
            self.waiting = self.is_video
        elif self._is_too_long(sample):
            self._dropped["long"] += 1
            self.waiting = self.is_video
        else:
            if self.waiting:
                self.waiting = False
                self.assembly.fill_up(sample.time)
            self.assembly.add(sample)

    def _is_on_the_eve(self, sample: Sample) -> bool:
        """Whether all begins anew so soon after it that the gap may as well last until then."""
        cut = self._cuts.numbered(self.next_msn)
        soon = cut is not None and cut.moment - self.moment(sample) < self._part
        return cut is not None and soon and cut.discontinuity

    def _cross(self, cut: Cut, time: int) -> None:
        config = None
        if cut.discontinuity:
            config, self._config = self._config, None
            self.blocked = False
        if not self.joined:
            self.joined = True
            self.rendition.dropped_discontinuities = cut.discontinuities
        self.assembly.begin(Beginning(cut.msn, time, cut.discontinuity, config))
        self.next_msn = cut.msn + 1
