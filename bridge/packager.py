"""Samples of all renditions become segments that begin at the same moments. No I/O, no clock.

    packager = Packager(presentation)
    packager.configure("source", config); packager.add("source", sample); packager.tick(now_ms)

The leader is the first video rendition that is made, or the sound where there is none. Its
keyframes make the cuts; the others follow. How far it has come is the frontier: samples of
followers before it have a place, those behind it are held.
"""

from __future__ import annotations

from typing import Final

from bridge import fmp4
from bridge.conductor import JUMP, Conductor
from bridge.cuts import MOMENTS
from bridge.intake import Intake
from bridge.lane import Lane
from bridge.presentation import Presentation
from bridge.rendition import Rendition
from bridge.track import Sample, TrackConfig, VideoConfig
from bridge.window import trim

HOLD: Final = 2 * MOMENTS
"""So much media of a follower is held; the leader is silent if it is behind by more."""
HOLD_SAMPLES: Final = 2_048
PATIENCE: Final = MOMENTS
"""Before the first segment, sound that is alone waits for so much of itself: pictures may come."""


class Packager:
    """Writes the renditions of one presentation. All calls come from one thread."""

    def __init__(self, presentation: Presentation) -> None:
        self.presentation = presentation
        self._part = presentation.settings.part_ms * MOMENTS // 1_000
        self._intake = Intake(presentation)
        self._lanes: dict[str, Lane] = {}
        self._conductor = Conductor(presentation, self._lanes, self._intake.dropped)
        self._cuts = self._conductor.cuts

    @property
    def constant(self) -> bool:
        """Segments end exactly each `segment_ms` since the origin, where keyframes are, too."""
        return self._conductor.constant

    @constant.setter
    def constant(self, value: bool) -> None:
        self._conductor.constant = value

    @property
    def late_keyframe(self) -> bool:
        """A keyframe came too late, or not where the leader's was. The owner sets it back."""
        return self._conductor.late_keyframe

    @late_keyframe.setter
    def late_keyframe(self, value: bool) -> None:
        self._conductor.late_keyframe = value

    @property
    def dropped(self) -> dict[str, int]:
        """Samples that could not be used, or not as they were, by the reason."""
        return self._intake.dropped

    @property
    def waiting(self) -> list[str]:
        """The renditions that can only go on with a keyframe."""
        return [
            name
            for name, lane in self._lanes.items()
            if lane.is_video
            and not lane.rendition.shed
            and (lane.waiting or lane.blocked or not lane.joined)
        ]

    def configure(self, name: str, config: TrackConfig) -> None:
        """What the samples of a rendition are from now on; the first time adds the rendition.

        Another configuration than before takes effect with the next segment, behind a
        discontinuity. Raises ValueError where the configuration is malformed or no segment could
        follow those before: another timescale, or sound instead of pictures.
        """
        if self.presentation.finished:
            return
        fmp4.init(config)
        if MOMENTS % config.timescale:
            raise ValueError(f"{config.timescale} ticks a second cannot be kept in step")
        lane = self._lanes.get(name)
        if lane is None:
            self._add_lane(Rendition(name, config))
        elif config == lane.newest_config:
            return
        elif isinstance(config, VideoConfig) != lane.is_video:
            raise ValueError(f"{name} cannot turn from sound to pictures or back")
        elif config.timescale != lane.rendition.timescale:
            raise ValueError(f"the timescale of {name} cannot change")
        elif lane.joined:
            lane.queue.append(config)
            if lane is self._conductor.leader:
                lane.advance(self._conductor.frontier)
        else:
            lane.clear("unconfigured")
            lane.rendition.config = config
            lane.assembly.changed = True
        self._go_on()

    def add(self, name: str, sample: Sample) -> None:
        """The next sample of a rendition, in decoding order. What cannot be used is counted."""
        lane = self._lanes.get(name)
        taken = self._intake.take(lane, sample)
        if lane is None or taken is None:
            return
        if lane is not self._conductor.leader:
            self._hold(lane, taken)
        elif self._cuts.started or lane.is_video:
            self._conductor.lead(lane, taken)
        else:
            lane.queue.append(taken)
            if lane.moment(taken) - (lane.oldest or 0) >= PATIENCE:
                self._conductor.lead_again(lane)
        self._go_on()

    def interrupt(self) -> None:
        """The source broke. All open segments are complete; the next ones begin anew."""
        if self.presentation.finished:
            return
        self._conductor.close("interrupted")
        self._cuts.discontinuity = self._cuts.started
        self._go_on()

    def tick(self, now_ms: int) -> None:
        """Time passes (server time, Unix milliseconds). Where nothing comes, gaps are made."""
        leader = self._conductor.leader
        if self.presentation.finished or leader is None:
            return
        self._intake.tick(now_ms)
        silence_ms = self.presentation.settings.silence_ms
        silent: list[Lane] = []
        for lane in self._lanes.values():
            if lane.heard:
                lane.heard, lane.heard_ms = False, now_ms
            elif now_ms - lane.heard_ms >= silence_ms:
                silent.append(lane)
        if leader in silent:
            if self._cuts.started:
                self._conductor.lead_on(now_ms - silence_ms - self.presentation.origin_ms)
            elif leader.queue:
                self._conductor.lead_again(leader)
        for lane in silent:
            if lane is not leader and not lane.queue:
                lane.fill(self._conductor.frontier - (0 if leader.waiting else self._part))
        self._go_on()

    def shed(self, name: str) -> None:
        """The rendition is not made for now: gaps stand in its place."""
        lane = self._lanes.get(name)
        if lane is None or lane.rendition.shed or self.presentation.finished:
            return
        lane.rendition.shed = lane.waiting = lane.assembly.changed = True
        lane.clear("shed")
        if lane is self._conductor.leader:
            self._choose_leader()
        self._go_on()

    def restore(self, name: str) -> None:
        """The rendition goes on, with its next keyframe."""
        lane = self._lanes.get(name)
        if lane is None or not lane.rendition.shed or self.presentation.finished:
            return
        lane.rendition.shed = False
        lane.heard = lane.assembly.changed = True
        leader = self._conductor.leader
        if leader is not None and (leader.rendition.shed or not leader.is_video):
            self._choose_leader()
        self._go_on()

    def finish(self) -> None:
        """Nothing comes any more: everything is complete. Players are told by `end`."""
        if self.presentation.finished:
            return
        if self._conductor.leader is not None and not self._cuts.started:
            self._conductor.lead_again(self._conductor.leader)
        self._conductor.close("ended")
        self.presentation.finished = True
        for lane in self._lanes.values():
            lane.assembly.changed = True
        self._tell()

    def end(self) -> None:
        """Finish, and tell players that there will be no more."""
        self.finish()
        if self.presentation.ended:
            return
        self.presentation.ended = True
        for lane in self._lanes.values():
            lane.rendition.ended = lane.assembly.changed = True
        self._tell()

    # --- who leads

    def _add_lane(self, rendition: Rendition) -> None:
        lane = Lane(self.presentation, rendition, self._cuts, self._intake.dropped)
        self._lanes[rendition.name] = lane
        lane.assembly.changed = True
        renditions = self.presentation.renditions
        ordered = sorted([*renditions.values(), rendition], key=_rank)
        renditions.clear()
        renditions.update((one.name, one) for one in ordered)
        leader = self._conductor.leader
        if not self._cuts.started:
            best = next((one for one in ordered if not one.shed), rendition)
            self._conductor.leader = self._lanes[best.name]
        elif leader is not None and not leader.is_video and lane.is_video:
            lane.waiting = True
            self._conductor.leader = lane

    def _choose_leader(self) -> None:
        """The first that is made and has begun; the sound before pictures that have not."""
        made = [
            self._lanes[one.name] for one in self.presentation.renditions.values() if not one.shed
        ]
        leader = next((lane for lane in made if lane.joined), made[0] if made else None)
        if leader is not None:
            self._conductor.leader = leader
            self._conductor.lead_again(leader)

    # --- followers

    def _hold(self, lane: Lane, sample: Sample) -> None:
        """A follower's sample waits for the leader, within bounds."""
        cuts = self._cuts
        moment = lane.moment(sample)
        oldest = moment if lane.oldest is None else lane.oldest
        if not cuts.started:
            if moment - oldest > JUMP:
                lane.clear("late")
                oldest = moment
        elif moment - self._conductor.frontier > JUMP:
            if not cuts.broken:
                self._intake.dropped["future"] += 1
                return
            self._conductor.frontier = moment
        if len(lane.queue) >= HOLD_SAMPLES:
            self._intake.dropped["held"] += 1
            return
        lane.queue.append(sample)
        begun = self._conductor.frontier if cuts.started else oldest
        if moment - begun > HOLD:
            self._conductor.frontier = begun
            self._conductor.gap_to(moment - HOLD)

    def _go_on(self) -> None:
        """After any change: followers follow, what is full is complete, and the world is told."""
        leader = self._conductor.leader
        for lane in self._lanes.values():
            if lane is not leader:
                if lane.rendition.shed:
                    lane.fill(self._conductor.frontier)
                elif lane.queue:
                    lane.advance(self._conductor.frontier)
                if lane.joined and self._conductor.frontier - lane.end > HOLD:
                    lane.fill(self._conductor.frontier - self._part)
                if lane.drifted:
                    lane.drifted, self.late_keyframe = False, True
            if not lane.is_video or self.constant or lane.waiting:
                lane.complete_early(at_once=lane is leader)
        self._tell()

    # --- the world

    def _tell(self) -> None:
        """Versions grow, and whoever asked to hear of changes does."""
        for lane in self._lanes.values():
            if lane.assembly.changed:
                break
        else:
            return
        lost: set[str] = set()
        if any(lane.assembly.completed for lane in self._lanes.values()):
            lost = trim(self.presentation, self._conductor.frontier * 1_000 // MOMENTS)
            self._cuts.forget(min(one.next_msn for one in self._lanes.values() if one.joined))
            for lane in self._lanes.values():
                lane.next_msn = self._cuts.first_from(lane.next_msn)
        for name, lane in self._lanes.items():
            assembly = lane.assembly
            if assembly.changed or name in lost:
                assembly.changed = assembly.completed = False
                lane.rendition.version += 1
                self.presentation.changed(lane.rendition)


def _rank(rendition: Rendition) -> tuple[int, int]:
    """Pictures before sound, large ones first."""
    if isinstance(rendition.config, VideoConfig):
        return (0, -rendition.config.width * rendition.config.height)
    return (1, 0)
