"""What a streamer is told of their device: signals and the time in, advice out.

Feed every report of one publisher to its `Adviser`. Advice is made to be followed: it names one
goal and keeps to it until things are worse, or until the goal was met for a while and did not
help. It ends only after everything was well for some time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from signaling.device_alarm import Alarm
from signaling.device_message import (
    DeviceAdvice,
    DeviceBattery,
    DeviceEncoder,
    DeviceNetwork,
    DeviceSignals,
    DeviceSuggestion,
    Level,
    Reason,
)

LADDER: Final = ((1080, 4_500_000), (720, 2_500_000), (540, 1_500_000), (360, 800_000),
                 (270, 500_000), (180, 250_000))  # fmt: skip
"""Shorter side, and a fair bitrate of H.264 for 30 frames a second."""
LEAST_BPS: Final = 150_000
FPS: Final = 30
"""What a device that saves should not exceed."""
LEAST_FPS: Final = 15
USABLE: Final = 0.8
"""Share of what the network carries that a picture should take."""
MOST_STEPS: Final = 4
"""So often at most the goal is set lower before all is well again."""
PATIENCE_MS: Final[dict[Reason, int | None]] = {
    "heat": 60_000, "battery": None, "network": 20_000, "cpu": 20_000,
}  # fmt: skip
"""So long a goal that was met may take to help. A battery does not fill by waiting."""
_ORDER: Final[tuple[Reason, ...]] = ("heat", "battery", "network", "cpu")
_LEVELS: Final[tuple[Level, ...]] = ("ok", "warn", "urgent")
_WORDS: Final[dict[Reason, tuple[str, str]]] = {
    "heat": ("The device is hot.", "The device is so hot that it may stop."),
    "battery": ("The battery is low.", "The battery is almost empty."),
    "network": ("The network carries less than is sent.", "The network carries hardly anything."),
    "cpu": ("The device cannot encode so much.", "The device cannot encode so much."),
}
_CARE: Final[dict[Reason, str]] = {"heat": "Find it some shade.", "battery": "Plug it in."}
FINE: Final = DeviceAdvice("ok", [], None, "All is well.")


@dataclass(slots=True)
class _Goal:
    suggest: DeviceSuggestion
    severities: dict[Reason, int]
    """How bad it was when the goal was set."""
    met_ms: int | None = None
    """Since when the device keeps to it."""
    steps: int = 1


class Adviser:
    """The advice for one publisher. Times are monotonic milliseconds."""

    def __init__(self) -> None:
        self._alarms: dict[Reason, Alarm] = {
            "heat": Alarm(raise_ms=0, calm_ms=30_000),
            "battery": Alarm(raise_ms=0, calm_ms=10_000),
            "network": Alarm(raise_ms=3_000, calm_ms=10_000),
            "cpu": Alarm(raise_ms=5_000, calm_ms=15_000),
        }
        self._goal: _Goal | None = None
        self._dropped: tuple[int, int] | None = None
        """Frames that the encoder had left out at the last report, and when that was."""

    def advise(self, signals: DeviceSignals, now_ms: int) -> DeviceAdvice:
        """Take in a report; the advice from now on."""
        readings: dict[Reason, tuple[int, int]] = {
            "heat": _heat(signals),
            "battery": _battery(signals.battery or DeviceBattery()),
            "network": _network(signals),
            "cpu": self._cpu(signals.encoder or DeviceEncoder(), now_ms),
        }
        found = {name: self._alarms[name].read(*reading, now_ms)
                 for name, reading in readings.items()}  # fmt: skip
        worst = max(found.values())
        if worst == 0:
            self._goal = None
            return FINE
        reasons = sorted((name for name in _ORDER if found[name]), key=lambda name: -found[name])
        goal = self._aim(signals, {name: found[name] for name in reasons}, now_ms)
        suggest = None if goal is None else goal.suggest
        words = [_WORDS[name][found[name] - 1] for name in reasons]
        if goal is None:
            words.append("Lower your settings.")
        elif goal.met_ms is None:
            words.append(
                f"Lower your settings: {goal.suggest.height}p, {goal.suggest.fps} frames a "
                f"second, {goal.suggest.bitrate / 1e6:.1f} Mbit/s."
            )
        else:
            words.append("Your settings are low already.")
        words += [_CARE[name] for name in reasons if name in _CARE]
        return DeviceAdvice(_LEVELS[worst], reasons, suggest, " ".join(words))

    def _aim(
        self, signals: DeviceSignals, severities: dict[Reason, int], now_ms: int
    ) -> _Goal | None:
        """The goal from now on; None where nobody knows what the encoder does."""
        encoder, goal = signals.encoder or DeviceEncoder(), self._goal
        if goal is not None:
            if not _meets(encoder, goal.suggest, over=1.5):
                goal.met_ms = None  # it went up again
            elif goal.met_ms is None and _meets(encoder, goal.suggest):
                goal.met_ms = now_ms
        worse = goal is None or any(
            severity > goal.severities.get(name, 0) for name, severity in severities.items()
        )
        if goal is not None and not worse:
            worse = goal.steps < MOST_STEPS and _in_vain(goal, severities, now_ms)
        if worse:
            suggest = _lower(signals, severities, None if goal is None else goal.suggest)
            if suggest is None:
                return goal
            steps = 1 if goal is None else goal.steps + 1
            self._goal = _Goal(suggest, severities, steps=steps)
            if _meets(encoder, suggest):
                self._goal.met_ms = now_ms  # there is nothing lower
        return self._goal

    def _cpu(self, encoder: DeviceEncoder, now_ms: int) -> tuple[int, int]:
        """By the share of frames that the encoder left out since the last report."""
        before = self._dropped
        if encoder.dropped is None:
            self._dropped = None
        else:
            self._dropped = (encoder.dropped, now_ms)
        if encoder.reason == "cpu":
            return 1, 1
        if before is None or encoder.dropped is None or now_ms <= before[1]:
            return 0, 0
        frames = (encoder.fps or FPS) * (now_ms - before[1]) / 1_000
        # A counter that fell is that of another encoder.
        share = max(0, encoder.dropped - before[0]) / max(frames, 1)
        return int(share > 0.05), int(share > 0.02)


def _heat(signals: DeviceSignals) -> tuple[int, int]:
    if signals.thermal is None:
        limited = signals.encoder is not None and signals.encoder.reason == "heat"
        return int(limited), int(limited)
    severity = {"nominal": 0, "fair": 0, "serious": 1, "critical": 2}[signals.thermal]
    return severity, severity


def _battery(battery: DeviceBattery) -> tuple[int, int]:
    if battery.level is None or battery.charging:
        return 0, 0
    return _over(-battery.level, -0.15, -0.05), _over(-battery.level, -0.18, -0.07)


def _network(signals: DeviceSignals) -> tuple[int, int]:
    network = signals.network or DeviceNetwork()
    up = stay = 0
    if network.loss is not None:
        up, stay = _over(network.loss, 0.05, 0.2), _over(network.loss, 0.03, 0.12)
    sent = None if signals.encoder is None else signals.encoder.bitrate
    if network.available_bps is not None and sent:
        lacks = 1 - network.available_bps / sent
        up, stay = max(up, _over(lacks, 0.3, 0.65)), max(stay, _over(lacks, 0.1, 0.5))
    return up, stay


def _over(value: float, warn: float, urgent: float) -> int:
    return int(value > warn) + int(value > urgent)


def _meets(encoder: DeviceEncoder, suggest: DeviceSuggestion, over: float = 1.15) -> bool:
    """Whether the encoder does no more, as far as it is known. Rates are measured: so many times
    too much is right."""
    height = _shorter(encoder)
    return (
        (height is not None or encoder.bitrate is not None)
        and (height is None or height <= suggest.height)
        and (encoder.fps is None or encoder.fps <= suggest.fps * over)
        and (encoder.bitrate is None or encoder.bitrate <= suggest.bitrate * over)
    )


def _in_vain(goal: _Goal, severities: dict[Reason, int], now_ms: int) -> bool:
    """Whether the goal was met for so long that it should have helped."""
    if goal.met_ms is None:
        return False
    patience = PATIENCE_MS[max(severities, key=lambda name: severities[name])]
    return patience is not None and now_ms - goal.met_ms >= patience


def _lower(
    signals: DeviceSignals, severities: dict[Reason, int], before: DeviceSuggestion | None
) -> DeviceSuggestion | None:
    """A step down from what the encoder does, and never up from the goal before."""
    encoder, network = signals.encoder or DeviceEncoder(), signals.network or DeviceNetwork()
    height = _shorter(encoder)
    if not height and not encoder.bitrate:
        return None  # nothing is known of it, or it makes no picture
    height = height or next(lines for lines, fair in LADDER if fair <= (encoder.bitrate or 0) or
                            lines == LADDER[-1][0])  # fmt: skip
    fps, bitrate = round(encoder.fps or FPS), encoder.bitrate or _fair(height)
    rungs = max(severities.get("heat", 0), severities.get("battery", 0))
    if "cpu" in severities and fps <= FPS:
        rungs = max(rungs, 1)
    if "network" in severities:
        carried = network.available_bps
        bitrate = min(bitrate * 7 // 10, bitrate if carried is None else int(carried * USABLE))
        # The best picture that the bitrate still looks well in.
        fitting = [lines for lines, fair in LADDER if fair * 6 // 10 <= bitrate]
        height = min(height, fitting[0] if fitting else LADDER[-1][0])
    for _ in range(rungs):
        lower = [lines for lines, _ in LADDER if lines < height]
        if lower:
            height = lower[0]
        else:
            fps = min(fps, LEAST_FPS)  # the size cannot be lowered any more
    if rungs or "cpu" in severities:
        fps = min(fps, FPS)
        bitrate = min(bitrate, _fair(height))
    if before is not None:
        height, fps = min(height, before.height), min(fps, before.fps)
        bitrate = min(bitrate, before.bitrate)
    return DeviceSuggestion(height, max(1, fps), max(LEAST_BPS, bitrate))


def _shorter(encoder: DeviceEncoder) -> int | None:
    """Lines, as in 720p, also of a picture that stands upright."""
    if encoder.height is None:
        return None
    return min(encoder.height, encoder.width or encoder.height)


def _fair(height: int) -> int:
    return next((fair for lines, fair in LADDER if lines <= height), LADDER[-1][1])
