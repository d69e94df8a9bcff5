"""A scenario in simulated time: no media, no clock, the same every time.

The encoder's packets go through the link of the network that the phone is in, the estimate comes
from what arrives, and the phone's body follows what is done. Half an hour takes some seconds.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from mobile_sim.device.adaptation import SOUND_BPS, Adaptation, Choice
from mobile_sim.device.model import DeviceState, Load, Radio
from mobile_sim.scenario.conditions import App
from mobile_sim.scenario.file import Scenario
from mobile_sim.scenario.path import Path
from mobile_sim.scenario.timeline import Connected, Row, Timeline
from mobile_sim.uplink.congestion import Estimator
from mobile_sim.uplink.link import Link

TICKS = 10
"""So many turns a second: packets go, feedback comes, the estimate and the choice follow."""
PACKET_BYTES = 1_200
"""RTP as browsers cut it."""
WOBBLE = 0.08
"""An encoder misses its bitrate by so much, either way."""
FRAMES_BEHIND = 2
"""Camera and encoder hold a picture for so many frame times before its packets go."""


def play(
    scenario: Scenario,
    adaptation: bool = True,
    show: Callable[[Row], None] | None = None,
) -> Timeline:
    """Play a scenario to its end and return the timeline; `show` gets each row at once."""
    run = _Run(scenario, adaptation)
    timeline = Timeline(scenario.name, adaptation)
    for second in range(int(scenario.duration_s)):
        row = run.second(second)
        timeline.add(row)
        if show is not None:
            show(row)
    return timeline


@dataclass(slots=True)
class _Tally:
    """What one second came to."""

    bits: int = 0
    sent: int = 0
    lost: int = 0
    arrived: int = 0
    delays_s: float = 0.0


class _Run:
    def __init__(self, scenario: Scenario, adaptation: bool) -> None:
        self._scenario = scenario
        self._rng = random.Random(scenario.seed)
        self._device = scenario.device()
        self._adaptation = Adaptation(start=scenario.start_rung, enabled=adaptation)
        self._path = Path(random.Random(scenario.seed + 1))
        self._conditions = scenario.conditions(0.0)
        self._link = self._make_link()
        self._estimator = Estimator()
        self._feedback: deque[tuple[float, float, float | None, int]] = deque()
        """When the phone hears of a packet, when it was sent, when it arrived, its size."""
        self._credit = 0.0
        self._happenings = deque(scenario.happenings)
        self._state = self._device.state
        self._choice = self._decide(0.0, None)

    def second(self, second: int) -> Row:
        tally = _Tally()
        before = self._path.connected, self._state
        for tick in range(TICKS):
            self._tick(second + tick / TICKS, tally)
        self._state = self._step(float(tally.bits))
        at_s = second + 1.0
        return self._row(at_s, tally, self._notes(at_s, *before))

    def _tick(self, now_s: float, tally: _Tally) -> None:
        self._change(now_s)
        here = self._conditions
        passes = not here.outage and here.network.kind is not Radio.NONE
        delay_s = here.network.settings.delay_s
        was = self._path.connected
        live = self._path.feed(now_s, here.address, passes, 2 * delay_s) is Connected.LIVE
        if live and was is not Connected.LIVE:
            # Another path: what was learnt of the old one says nothing.
            self._estimator = Estimator(now_s)
            self._feedback.clear()
        self._hear(now_s)
        bps = self._choice.bitrate + (SOUND_BPS if here.sound else 0)
        sending = live and bps > 0 and not self._state.off
        estimate = self._estimator.update(now_s, sending)
        self._choice = self._decide(now_s, estimate)
        if live and not self._state.off:
            self._send(now_s, tally)

    def _change(self, now_s: float) -> None:
        """Take over what holds from now on."""
        before, here = self._conditions, self._scenario.conditions(now_s)
        self._conditions = here
        if here.network is not before.network:
            self._link = self._make_link()
        if here.outage:
            self._link.cut()
        else:
            self._link.mend()

    def _make_link(self) -> Link:
        here = self._conditions
        return here.network.link(self._rng.getrandbits(32), here.network_since_s)

    def _decide(self, now_s: float, estimate: float | None) -> Choice:
        camera = self._conditions.app is App.FOREGROUND
        return self._adaptation.decide(now_s, self._state, estimate, camera)

    def _send(self, now_s: float, tally: _Tally) -> None:
        bps = float(SOUND_BPS) if self._conditions.sound else 0.0
        bps += self._choice.bitrate * (1 + self._rng.uniform(-WOBBLE, WOBBLE))
        self._credit += bps / TICKS / 8
        packets = int(self._credit / PACKET_BYTES)
        # Sound alone makes less than a packet of this size: then it goes as it is.
        size = PACKET_BYTES
        if packets == 0 and self._credit >= 100:
            packets, size = 1, int(self._credit)
        self._credit -= packets * size
        back_s = self._conditions.network.settings.delay_s
        for i in range(packets):
            sent_s = now_s + i / packets / TICKS
            arrives = self._link.offer(sent_s, size)
            tally.sent += 1
            tally.bits += size * 8
            if arrives is None:
                tally.lost += 1
                # The next packet that arrives shows the gap.
                self._feedback.append((sent_s + 2 * back_s, sent_s, None, size))
            else:
                tally.arrived += 1
                tally.delays_s += arrives - sent_s
                self._feedback.append((arrives + back_s, sent_s, arrives, size))

    def _hear(self, now_s: float) -> None:
        """Take the far end's reports that are here by now."""
        if self._conditions.outage:
            return
        while self._feedback and self._feedback[0][0] <= now_s:
            _, sent_s, arrived_s, size = self._feedback.popleft()
            if arrived_s is None:
                self._estimator.lost(sent_s)
            else:
                self._estimator.arrived(sent_s, arrived_s, size)

    def _step(self, bps: float) -> DeviceState:
        """Let the phone's body live through the second in which `bps` bits were sent."""
        here, choice = self._conditions, self._choice
        return self._device.step(
            1.0,
            Load(
                rung=choice.rung,
                bitrate_bps=bps,
                codec=self._scenario.codec,
                hardware=choice.hardware and here.app is not App.BACKGROUND,
                camera=here.app is App.FOREGROUND,
                screen=here.screen,
                brightness=min(self._scenario.brightness, choice.brightness),
                radio=here.network.kind,
                signal=here.network.signal,
                place=here.place,
            ),
        )

    def _notes(self, at_s: float, connected: Connected, state: DeviceState) -> str:
        notes = []
        while self._happenings and self._happenings[0].at_s < at_s:
            notes.append(self._happenings.popleft().text)
        if self._path.connected is not connected:
            words = {
                Connected.LIVE: "connected again",
                Connected.RESTARTING: "ICE restart",
                Connected.RECONNECTING: "session lost, a new POST",
            }
            notes.append(words[self._path.connected])
        now = self._state
        if now.off and not state.off:
            notes.append("the phone shuts down")
        elif now.camera_allowed != state.camera_allowed:
            notes.append(
                "the camera may be used again"
                if now.camera_allowed
                else "too hot: the system stops the camera"
            )
        if now.low_power and not state.low_power:
            notes.append("battery low")
        return "; ".join(notes)

    def _row(self, at_s: float, tally: _Tally, note: str) -> Row:
        here, choice, state = self._conditions, self._choice, self._state
        rung, fps = choice.rung, 0
        if rung is not None:
            capacity = state.hardware_capacity if choice.hardware else state.software_capacity
            # Pictures that the encoder has no time for are left out.
            fps = int(rung.fps * min(1.0, capacity / rung.pixels_per_second))
        latency_ms = None
        if tally.arrived:
            held_s = FRAMES_BEHIND / fps if fps else 0.0
            latency_ms = (tally.delays_s / tally.arrived + held_s) * 1000
        since_s = here.network_since_s
        carries = here.network.trace.rate_bps(max(0.0, at_s - 1 - since_s), 1.0)
        return Row(
            at_s=at_s,
            connected=self._path.connected,
            network=here.network.name,
            app=here.app,
            rung=None if rung is None else rung.name,
            height=0 if rung is None else rung.height,
            fps=fps,
            bitrate=float(tally.bits),
            estimate=self._estimator.bps,
            capacity=0.0 if here.outage else carries,
            latency_ms=latency_ms,
            loss=tally.lost / tally.sent if tally.sent else 0.0,
            battery=state.battery,
            power_w=state.power_w,
            chip_c=state.chip_c,
            skin_c=state.skin_c,
            thermal=state.thermal,
            brightness=state.brightness,
            hardware=choice.hardware,
            reason=choice.reason,
            note=note,
            target=float(choice.bitrate),
            rtt_ms=2000 * here.network.settings.delay_s,
            restarts=self._path.restarts,
            posts=self._path.posts,
        )
