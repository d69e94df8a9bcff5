"""What publishers' devices tell of themselves, and the advice that they are given for it.

Only the present publisher of a channel is believed. All that is kept is its newest report, for
`KEEP_MS` or until it leaves. What a battery says is personal: the API shows it to the channel's
owner and the admin only, viewers hear nothing of it, and no log has it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, get_args

from sfu.engine import CloseReason, DataMessage, Engine
from sfu.rooms import Role, Rooms
from signaling.data_channels import DataChannels
from signaling.device_advice import FINE, Adviser
from signaling.device_message import (
    DeviceAdvice,
    DeviceSignals,
    SignalRefused,
    Thermal,
    advice_frame,
    problem_frame,
    read_signals,
)
from sluice.clock import Clock
from sluice.ids import ChannelId, PeerId
from sluice.metrics import Metrics
from sluice.ratelimit import TokenBuckets
from sluice.tasks import Tasks

DEVICE: Final = "device"
RATE: Final = 2.0
BURST: Final = 5
"""Reports of one device: so many a second, and so many at once."""
KEEP_MS: Final = 30_000
"""A device that was silent for so long is not known any more."""
_BUCKETS: Final = 10_000
_ANSWERS: Final = 8
"""Answers that wait for the media plane; more of them are not needed."""


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """A device as it was last heard of."""

    signals: DeviceSignals
    advice: DeviceAdvice
    age_ms: int


@dataclass(slots=True)
class _Device:
    peer: PeerId
    adviser: Adviser = field(default_factory=Adviser)
    signals: DeviceSignals | None = None
    advice: DeviceAdvice = FINE
    told: DeviceAdvice | None = None
    heard_ms: int = 0
    flooding: bool = False
    """It was told that it says too much, and is told nothing more of that until it stops."""
    answers: deque[bytes] = field(default_factory=lambda: deque(maxlen=_ANSWERS))
    answering: bool = False


class DeviceDesk:
    """The devices of all channels. Used from the event loop's thread only."""

    def __init__(
        self, engine: Engine, rooms: Rooms, channels: DataChannels, clock: Clock, metrics: Metrics
    ) -> None:
        self._engine = engine
        self._rooms = rooms
        self._channels = channels
        self._clock = clock
        self._metrics = metrics
        self._devices: dict[ChannelId, _Device] = {}
        self._buckets = TokenBuckets(RATE, BURST, _BUCKETS)
        self._tasks = Tasks()

    def __len__(self) -> int:
        return len(self._devices)

    def start(self) -> None:
        self._channels.listen(DEVICE, self.take)
        self._rooms.listen(self.peer_gone)

    async def stop(self) -> None:
        self._channels.forget(DEVICE)
        await self._tasks.close()
        self._devices.clear()

    def take(self, channel: ChannelId, message: DataMessage) -> None:
        """A message of a peer. What is wrong with it is answered, and changes nothing."""
        broadcast = self._rooms.broadcast(channel)
        if broadcast is None or broadcast.publisher != message.peer:
            self._count("stranger")  # a viewer: it is told nothing, and nothing is kept of it
            return
        device = self._devices.get(channel)
        if device is None or device.peer != message.peer:
            device = self._devices[channel] = _Device(message.peer)
        now_ms = self._clock.now_ms()
        if self._buckets.take(str(message.peer), now_ms) is not None:
            self._count("too_often")
            if not device.flooding:
                detail = f"at most {RATE:g} messages a second; those that are more are dropped"
                refused = SignalRefused("device-signal-too-often", detail)
                self._answer(device, problem_frame(refused))
            device.flooding = True
            return
        device.flooding = False
        try:
            signals = read_signals(message.payload, binary=message.binary)
        except SignalRefused as refused:
            self._count(refused.code.removeprefix("device-signal-").replace("-", "_"))
            self._answer(device, problem_frame(refused))
            return
        self._count("taken")
        if now_ms - device.heard_ms > KEEP_MS:
            device.adviser, device.told = Adviser(), None  # what it was told is long ago
        device.signals, device.heard_ms = signals, now_ms
        device.advice = device.adviser.advise(signals, now_ms)
        if device.advice != device.told:
            device.told = device.advice
            self._metrics.device_advice.labels(device.advice.level).inc()
            self._answer(device, advice_frame(device.advice))

    def report(self, channel: ChannelId) -> DeviceReport | None:
        """What the channel's device said last; None when it is silent."""
        device = self._devices.get(channel)
        if device is None or device.signals is None:
            return None
        age_ms = self._clock.now_ms() - device.heard_ms
        if age_ms > KEEP_MS:
            device.signals = None  # nobody needs to know it any longer
            return None
        return DeviceReport(device.signals, device.advice, age_ms)

    def by_thermal(self) -> dict[str, int]:
        """How many channels' devices are how warm."""
        counts = dict.fromkeys((*get_args(Thermal), "unknown"), 0)
        for channel in self._devices:
            report = self.report(channel)
            if report is not None:
                counts[report.signals.thermal or "unknown"] += 1
        return counts

    def peer_gone(self, peer: PeerId, role: Role, reason: CloseReason) -> None:
        if role != "publisher":
            return
        for channel, device in list(self._devices.items()):
            if device.peer == peer:
                del self._devices[channel]

    async def settle(self) -> None:
        """Wait until the answers that are on their way have gone out."""
        await self._tasks.settle()

    # --- inside

    def _count(self, result: str) -> None:
        self._metrics.device_signals.labels(result).inc()

    def _answer(self, device: _Device, frame: bytes) -> None:
        if len(device.answers) == _ANSWERS:
            device.told = None  # the oldest is left out; if it was advice, it is given again
        device.answers.append(frame)
        if not device.answering:
            device.answering = True
            self._tasks.spawn(self._send(device), "device-answer")

    async def _send(self, device: _Device) -> None:
        """One after the other: the engine's calls may overtake each other."""
        try:
            while device.answers:
                frame = device.answers.popleft()
                if not await self._engine.send_data(device.peer, DEVICE, frame, False):
                    # Its buffer is full, or it is gone. The next report tells it anew.
                    device.told = None
        finally:
            device.answering = False
