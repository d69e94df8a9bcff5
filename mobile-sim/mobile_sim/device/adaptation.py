"""What to encode: it follows the network's estimate, the heat and the battery.

The order in which it gives in, and why:

1. The bitrate first. It follows the estimate at once and costs only sharpness.
2. Then the size, down to 360p, at full frame rate; only then the frame rate, and then the size
   again. That is WebRTC's "balanced" order: its encoder keeps the frame rate of pictures above
   640x480 and lets it fall below (libwebrtc, balanced_degradation_settings.cc). The ladder is
   this order, so one step is always one rung.
3. Heat and battery make the ladder shorter from above. Down to 360p15 that saves encoder and
   radio; below, hardly anything is left to save (coefficients.yaml), so heat alone stops there.
4. The picture goes last, when not even the smallest rung fits: sound alone.

Down is fast, up is slow: an estimate that is too low for 1.5 s is believed, one that is high
enough only after 8 s, and coolness after two minutes. A step up that had to be taken back makes
the next one wait twice as long. All delays are assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mobile_sim.device.ladder import LADDER, Ladder, Rung
from mobile_sim.device.model import DeviceState
from mobile_sim.device.thermal import Thermal

SOUND_BPS = 80_000
"""What the sound takes on the wire: Opus at 64 kbit/s with its headers."""
USED = 0.9
"""The share of the estimate that is used: headers, repeats and keyframes need the rest."""
DOWN_S = 1.5
UP_S = 8.0
UP_MOST_S = 128.0
UP_PUNISHED_S = 6.0
"""A step up that overloads the network shows within so long."""
SOUND_ALONE_S = 3.0
"""A picture comes back when it has fitted for so long."""
UP_ROOM = 1.2
"""A rung must fit so much better than barely before it is stepped up to."""
HEAT_DOWN_S = 20.0
HEAT_UP_S = 120.0
HEAT_UP_MOST_S = 960.0
HEAT_PUNISHED_S = 400.0
"""A step up that makes the phone too hot shows within so long: its case warms slowly."""
WARM_RUNG_HEIGHT = 720
"""The largest picture in the state "fair"."""
HEAT_FLOOR_HEIGHT = 360
"""Heat alone asks for no smaller picture than this, at the lowest frame rate there is of it."""
DIM, DARK = 0.3, 0.1
"""Brightness of the screen that the app asks for while it is hot; and when nothing else is left."""
BATTERY_STEPS = ((0.2, 720), (0.1, 540), (0.05, 360))
"""At most so high a picture below such a battery, without a charger."""
CPU_SHARE = 0.8
"""The share of an encoder's capacity that may be planned for."""


class Reason(StrEnum):
    """Why less is encoded than could be: the names of a device signal's `encoder.reason`."""

    NONE = "none"
    HEAT = "heat"
    BATTERY = "battery"
    NETWORK = "network"
    CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the encoder is to do from now on."""

    rung: Rung | None
    """None: no picture, sound alone."""
    bitrate: int
    """Bits per second of video; 0 without a picture."""
    reason: Reason
    hardware: bool
    brightness: float = 1.0
    """At most so much of the screen's brightness is wanted, 0 to 1."""


class Adaptation:
    """Steps down fast and up slowly. One for each broadcast; call `decide` some times a second."""

    def __init__(
        self, ladder: Ladder = LADDER, *, start: str | None = None, enabled: bool = True
    ) -> None:
        """`start` names the first and largest rung, the ladder's top when None.

        With `enabled` False only the bitrate follows the estimate; size, heat and battery are
        left alone, as in an app that does not adapt. Raises KeyError for an unknown rung.
        """
        self._ladder = ladder
        self._start = 0 if start is None else ladder.index(start)
        self._enabled = enabled
        self._network = _NetworkLimit(ladder, self._start)
        self._heat = _HeatLimit(ladder)

    def decide(
        self, now_s: float, state: DeviceState, estimate_bps: float | None, camera: bool = True
    ) -> Choice:
        """Choose for now. `estimate_bps` is of the whole connection; None when nothing is known.

        `camera` is False while something else has it: a call, or another app. Times never fall
        from call to call.
        """
        # The chip's own encoder whenever it may be used: it takes a fraction of the power.
        hardware = state.hardware_allowed
        usable = None if estimate_bps is None else max(0.0, USED * estimate_bps - SOUND_BPS)
        if not self._enabled:
            return self._fixed(state, usable, hardware, camera)
        heat = self._heat.feed(now_s, state.thermal)
        network = self._network.feed(now_s, usable)
        limits = {
            Reason.HEAT: heat,
            Reason.BATTERY: self._battery(state),
            Reason.CPU: self._cpu(state, hardware),
            Reason.NETWORK: network,
        }
        brightness = self._heat.brightness
        if not state.camera_allowed or not camera:
            return Choice(None, 0, _without_camera(state), hardware, brightness)
        if self._network.silent:
            return Choice(None, 0, Reason.NETWORK, hardware, brightness)
        index = max(self._start, *limits.values())
        rung = self._ladder[index]
        reason = Reason.NONE
        if index > self._start:
            reason = next(why for why, limit in limits.items() if limit == index)
        bitrate = _bitrate(rung, usable)
        if reason is Reason.NONE and bitrate < rung.bitrate:
            reason = Reason.NETWORK
        return Choice(rung, bitrate, reason, hardware, brightness)

    def _fixed(
        self, state: DeviceState, usable: float | None, hardware: bool, camera: bool
    ) -> Choice:
        if not state.camera_allowed or not camera:
            return Choice(None, 0, _without_camera(state), hardware)
        rung = self._ladder[self._start]
        bitrate = _bitrate(rung, usable)
        reason = Reason.NETWORK if bitrate < rung.bitrate else Reason.NONE
        return Choice(rung, bitrate, reason, hardware)

    def _battery(self, state: DeviceState) -> int:
        limit = 0
        if not state.charging:
            for level, height in BATTERY_STEPS:
                if state.battery < level:
                    limit = _no_higher(self._ladder, height)
        return limit

    def _cpu(self, state: DeviceState, hardware: bool) -> int:
        capacity = state.hardware_capacity if hardware else state.software_capacity
        return self._ladder.within(CPU_SHARE * capacity)


class _Patience:
    """How long to wait before a step up: longer each time that the last one was a mistake."""

    def __init__(self, least_s: float, most_s: float, punished_s: float) -> None:
        """A step up was a mistake when one down follows within `punished_s`."""
        self.wait_s = least_s
        self._least_s = least_s
        self._most_s = most_s
        self._punished_s = punished_s
        self._up_at: float | None = None

    def up(self, now_s: float) -> None:
        self._up_at = now_s

    def down(self, now_s: float) -> None:
        if self._up_at is None:
            return
        if now_s - self._up_at < self._punished_s:
            self.wait_s = min(self._most_s, 2 * self.wait_s)
        else:
            self.wait_s = self._least_s
        self._up_at = None


class _NetworkLimit:
    """The largest rung that the estimate carries, and whether it carries a picture at all."""

    def __init__(self, ladder: Ladder, start: int) -> None:
        self._ladder = ladder
        self._index = start
        self._start = start
        self._low_since: float | None = None
        self._high_since: float | None = None
        self._patience = _Patience(UP_S, UP_MOST_S, UP_PUNISHED_S)
        self.silent = False

    def feed(self, now_s: float, usable: float | None) -> int:
        if usable is None:
            return self._index
        floor = self._ladder[self._index].floor
        if usable < floor and not self.silent:
            self._high_since = None
            if self._low_since is None:
                self._low_since = now_s
            elif now_s - self._low_since >= DOWN_S:
                self._down(now_s, usable)
        elif self._fits_above(usable):
            self._low_since = None
            if self._high_since is None:
                self._high_since = now_s
            elif now_s - self._high_since >= self._wait_s():
                self._up(now_s)
        else:
            self._low_since = self._high_since = None
        return self._index

    def _fits_above(self, usable: float) -> bool:
        if self.silent:
            return usable >= UP_ROOM * self._ladder[-1].floor
        if self._index <= self._start:
            return False
        return usable >= UP_ROOM * self._ladder[self._index - 1].floor

    def _wait_s(self) -> float:
        return SOUND_ALONE_S if self.silent else self._patience.wait_s

    def _down(self, now_s: float, usable: float) -> None:
        self._low_since = None
        self._index = max(self._index, self._ladder.fitting(usable))
        self.silent = usable < self._ladder[-1].floor
        self._patience.down(now_s)

    def _up(self, now_s: float) -> None:
        self._high_since = None
        if self.silent:
            self.silent = False
            return
        self._index -= 1
        self._patience.up(now_s)


class _HeatLimit:
    """The largest rung that the heat allows. It looks only at the state that apps are told."""

    def __init__(self, ladder: Ladder) -> None:
        self._warm = _no_higher(ladder, WARM_RUNG_HEIGHT)
        heights = [rung.height for rung in ladder]
        enough = [i for i, height in enumerate(heights) if height >= HEAT_FLOOR_HEIGHT]
        self._floor = enough[-1] if enough else 0
        self._last = len(ladder) - 1
        self._index = 0
        self._stepped_at: float | None = None
        self._calm_since: float | None = None
        self._patience = _Patience(HEAT_UP_S, HEAT_UP_MOST_S, HEAT_PUNISHED_S)
        self.brightness = 1.0
        """Less from the first heat on until it has been calm for long enough."""

    def feed(self, now_s: float, thermal: Thermal) -> int:
        if thermal in (Thermal.SERIOUS, Thermal.CRITICAL):
            self._calm_since = None
            self._heated(now_s, thermal)
            return self._index
        allowed = self._warm if thermal is Thermal.FAIR else 0
        if self._index < allowed:
            self._index, self._stepped_at = allowed, now_s
        if self._calm_since is None:
            self._calm_since = now_s
        calm = now_s - max(self._calm_since, self._stepped_at or 0.0)
        if (self._index > allowed or self.brightness < 1) and calm >= self._patience.wait_s:
            # The screen gets its light back before the picture gets larger.
            if self.brightness < 1:
                self.brightness = 1.0
            else:
                self._index -= 1
            self._stepped_at = now_s
            self._patience.up(now_s)
        return self._index

    def _heated(self, now_s: float, thermal: Thermal) -> None:
        began = self.brightness == 1
        if began:
            self._patience.down(now_s)
            self.brightness = DIM
        waited_s = now_s - (self._stepped_at or 0.0)
        if thermal is Thermal.CRITICAL:
            self._index, self._stepped_at, self.brightness = self._last, now_s, DARK
        elif began or waited_s >= HEAT_DOWN_S:
            if self._index < self._floor:
                self._index, self._stepped_at = self._index + 1, now_s
            else:
                self.brightness = DARK


def _no_higher(ladder: Ladder, height: int) -> int:
    """The largest rung of at most that height, the smallest rung when there is none."""
    for index, rung in enumerate(ladder):
        if rung.height <= height:
            return index
    return len(ladder) - 1


def _bitrate(rung: Rung, usable: float | None) -> int:
    """What to aim at: all that is of use, as far as it may be had."""
    return rung.floor if usable is None else int(min(rung.bitrate, usable))


def _without_camera(state: DeviceState) -> Reason:
    if state.off and state.battery == 0:
        return Reason.BATTERY
    return Reason.HEAT if not state.camera_allowed else Reason.NONE
