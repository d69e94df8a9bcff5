"""A scenario against a real server: real media in real time, through links as they were that day.

The phone's body, its adaptation and the scenario's clock may run faster than the media (`speed`);
links, media and reconnects are always in real time. HTTP is not shaped: without a network it fails.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from aiortc import RTCIceServer

from mobile_sim import sound
from mobile_sim.camera import Microphone
from mobile_sim.device.adaptation import Adaptation, Choice, Reason
from mobile_sim.device.ladder import LADDER
from mobile_sim.device.model import Load, Radio
from mobile_sim.line import (
    Connecting,
    EndFailed,
    Line,
    LineEvent,
    Live,
    Restarted,
    Restarting,
    Retrying,
)
from mobile_sim.pace import Clock, SystemClock
from mobile_sim.phone import ConnectionStats, Phone
from mobile_sim.scenario.file import App, Conditions, Scenario
from mobile_sim.scenario.meter import Meter
from mobile_sim.scenario.optics import Optics
from mobile_sim.scenario.roaming import Roaming
from mobile_sim.scenario.timeline import Connected, Row, Timeline
from mobile_sim.signals import (
    INTERVAL_S,
    Advice,
    BatterySignal,
    Complaint,
    DeviceSignal,
    EncoderSignal,
    NetworkSignal,
    parse_answer,
)
from mobile_sim.sound import SoundKind
from mobile_sim.viewing import Report as Seen
from mobile_sim.watch import WatchEvent, watch
from mobile_sim.whip import WhipClient, fresh_connections

STEP_S = 0.2
"""The scenario, the phone's body and the adaptation are looked at so often."""
ROW_S = 1.0
PING_S = 0.3
LATE_S = 0.05
"""When a step comes so much too late, round trips of that time are not believed."""
LONGEST_STEP_S = 3600.0
"""Of the phone's body. Only a stopped machine and a great speed could make it longer."""
START_ROOM = 1.3
"""The first estimate is so many times the first bitrate: nothing speaks against it yet."""


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """Where to send to, and how."""

    url: str
    key: str | None
    adaptation: bool = True
    speed: float = 1.0
    """Seconds of the scenario in one second."""
    watch: bool = False
    """Watch beside, over WHEP at the same server, so that latency is known."""
    token: str | None = None
    """A viewer token for that."""
    clip: Path | None = None
    """A media file as the camera; the test card when None."""
    sound: SoundKind = SoundKind.TONE


async def play(
    scenario: Scenario,
    settings: LiveSettings,
    stop: asyncio.Event,
    show: Callable[[Row], None],
    clock: Clock | None = None,
) -> Timeline:
    """Play the scenario to its end or until `stop` is set; `show` gets each second's row.

    Raises Refused when the server says no for good, and ClipError for a bad file.
    """
    clock = clock or SystemClock()
    rung = LADDER[LADDER.index(scenario.start_rung)]
    optics = await asyncio.to_thread(Optics, scenario.codec, rung, settings.clip, clock)
    track = await asyncio.to_thread(sound.make, settings.sound)
    microphone = Microphone(track, clock) if track else None
    over = asyncio.Event()
    async with aiohttp.ClientSession(connector=fresh_connections()) as http:
        day = _Day(scenario, settings, http, optics, microphone, clock, show)
        works = [day.connect(over), day.pass_time(over, stop), day.ping(over)]
        if settings.watch:
            works.append(day.watch(over))
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            over.set()
            if any(task.done() and task.exception() for task in tasks):
                for task in tasks:
                    task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.result()
    return day.timeline


class _Day:
    """One phone through one scenario."""

    def __init__(
        self,
        scenario: Scenario,
        settings: LiveSettings,
        http: aiohttp.ClientSession,
        optics: Optics,
        microphone: Microphone | None,
        clock: Clock,
        show: Callable[[Row], None],
    ) -> None:
        self.timeline = Timeline(scenario.name, settings.adaptation)
        self._scenario = scenario
        self._settings = settings
        self._optics = optics
        self._microphone = microphone
        self._clock = clock
        self._show = show
        now = clock.monotonic()
        self._conditions = scenario.conditions(0.0)
        host = urlsplit(settings.url).hostname or ""
        self._roaming = Roaming(scenario.seed, self._conditions, host, clock.monotonic)
        shaper = self._roaming.shaper
        client = WhipClient(http, settings.url, settings.key, lambda: shaper.online)
        # Waits are drawn from the scenario's seed, too, so that it can be played again.
        rng = random.Random(scenario.seed)
        self._line = Line(client, self._dial, self._on_tick, self._on_line, clock, rng)
        self._phone: Phone | None = None
        self._stats: ConnectionStats | None = None
        self._frames = 0
        self._body = scenario.device()
        self._adaptation = Adaptation(start=scenario.start_rung, enabled=settings.adaptation)
        self._choice = Choice(optics.rung, optics.rung.bitrate, Reason.NONE, hardware=True)
        self._meter = Meter(shaper.up, now, START_ROOM * optics.rung.bitrate)
        self._rtt_s: float | None = None
        self._late_until_s = now
        self._load_bps = 0.0
        self._connected = Connected.RECONNECTING
        self._restarts = self._connections = self._paths = 0
        self._happenings = list(scenario.happenings)
        self._notes: list[str] = []
        self._latency_ms: float | None = None
        self._advice: Advice | None = None

    # --- works that run side by side

    async def connect(self, over: asyncio.Event) -> None:
        """Keep the connection. Raises Refused."""
        try:
            await self._line.run(over)
        finally:
            self._roaming.shaper.close()

    async def watch(self, over: asyncio.Event) -> None:
        """See what arrives, from a place with a good network. Raises Refused."""
        url = self._settings.url.replace("/whip/", "/whep/")

        def seen(event: WatchEvent) -> None:
            if isinstance(event, Seen):
                self._latency_ms = event.latency_ms_p50

        await watch(url, self._settings.token, over, seen, self._clock)

    async def ping(self, over: asyncio.Event) -> None:
        """Measure the round trip while there is a path."""
        while not over.is_set():
            await self._clock.sleep(PING_S)
            phone = self._phone
            if phone is not None and self._connected is Connected.LIVE and self._has_path():
                await self._ping(phone)

    async def _ping(self, phone: Phone) -> None:
        began, paths = self._clock.monotonic(), self._paths
        answer = asyncio.ensure_future(phone.round_trip_s())
        try:
            while not answer.done():
                await asyncio.wait({answer}, timeout=PING_S)
                now = self._clock.monotonic()
                # By now it may be another path, or none; then the answer is not about it.
                same = phone is self._phone and self._connected is Connected.LIVE
                if not same or not self._has_path() or self._paths != paths:
                    return
                # An answer that is not there yet says already how long it takes at least.
                self._rtt_s = answer.result() if answer.done() else now - began
                # A machine that is too slow is no network that is full.
                if now >= self._late_until_s:
                    self._meter.round_trip(now, self._rtt_s)
        finally:
            answer.cancel()

    async def pass_time(self, over: asyncio.Event, stop: asyncio.Event) -> None:
        """Let the scenario happen, and set `over` at its end."""
        began = before = due = self._clock.monotonic()
        signal_at, row_at = 0.0, ROW_S
        try:
            while True:
                # A step that came too late puts off those after it: none is made up for.
                due = max(due + STEP_S, self._clock.monotonic())
                await self._clock.sleep(due - self._clock.monotonic())
                now = self._clock.monotonic()
                if now - due > LATE_S:
                    self._late_until_s = now + PING_S
                real_s, at_s = now - began, (now - began) * self._settings.speed
                await self._step(at_s, (now - before) * self._settings.speed)
                before = now
                if real_s >= signal_at:
                    signal_at += INTERVAL_S
                    self._signal()
                if real_s >= row_at:
                    row_at += ROW_S
                    self._add_row(at_s)
                if self._body.state.off:
                    self._notes.append("the phone is off")
                    self._add_row(max([at_s, *(row.at_s + 0.1 for row in self.timeline.rows[-1:])]))
                    return
                if stop.is_set() or at_s >= self._scenario.duration_s:
                    return
        finally:
            over.set()

    # --- one step

    async def _step(self, at_s: float, dt_s: float) -> None:
        await self._meet(self._scenario.conditions(at_s))
        while self._happenings and self._happenings[0].at_s <= at_s:
            self._notes.append(self._happenings.pop(0).text)
        now = self._clock.monotonic()
        phone = self._phone
        if phone is not None and self._connected is Connected.LIVE:
            self._stats = await phone.stats()
            self._meter.listen(now, self._stats, phone.encoder.estimate)
        state = self._body.step(min(dt_s, LONGEST_STEP_S), self._load())
        camera = self._conditions.app is App.FOREGROUND
        estimate_bps = self._meter.estimate_bps
        self._choice = self._adaptation.decide(at_s, state, estimate_bps, camera)
        path = self._has_path()
        await self._optics.follow(self._choice, phone.encoder if phone else None, path)
        if self._microphone is not None:
            self._microphone.switch(self._conditions.sound and path)

    async def _meet(self, conditions: Conditions) -> None:
        self._conditions = conditions
        change = self._roaming.apply(conditions)
        if change.moved and self._phone is not None:
            self._phone.address_changed()
        self._paths += change.moved or change.back
        if change.moved or change.back:
            self._line.network_is_back()

    def _has_path(self) -> bool:
        """Whether media can go anywhere, as far as the phone's system and the connection know."""
        lost = self._connected is Connected.RESTARTING or self._conditions.outage
        # While it connects, there must be media for the connection to begin with.
        return not lost

    def _load(self) -> Load:
        conditions = self._conditions
        return Load(
            rung=self._choice.rung,
            bitrate_bps=self._load_bps,
            codec=self._scenario.codec,
            hardware=self._choice.hardware,
            camera=self._choice.rung is not None,
            screen=conditions.screen,
            brightness=min(self._scenario.brightness, self._choice.brightness),
            radio=Radio.NONE if conditions.outage else conditions.network.kind,
            signal=conditions.network.signal,
            place=conditions.place,
        )

    # --- the connection

    def _dial(self, ice_servers: Sequence[RTCIceServer]) -> Phone:
        self._stats = None
        self._frames = 0
        self._phone = Phone(
            self._optics.camera,
            self._microphone,
            self._optics.settings,
            ice_servers,
            self._roaming.shaper,
            self._on_message,
        )
        return self._phone

    def _on_tick(self, phone: Phone, stats: ConnectionStats) -> None:
        """Our own steps look more often."""

    def _on_line(self, event: LineEvent) -> None:
        match event:
            case Connecting():
                self._connected = Connected.RECONNECTING
            case Live():
                self._connections += 1
                self._connected = Connected.LIVE
                if self._connections > 1:
                    self._meter.new_path(self._clock.monotonic())
                self._notes.append(f"live after {event.connect_ms} ms")
            case Restarting():
                if event.attempt == 0:
                    self._notes.append(f"{event.reason}: ICE restart")
                self._connected = Connected.RESTARTING
            case Restarted():
                self._connected = Connected.LIVE
                if event.by_itself:
                    self._notes.append("the old path is back")
                    return
                self._restarts += 1
                self._meter.new_path(self._clock.monotonic())
                self._notes.append(f"another path after {event.took_ms} ms")
            case Retrying():
                self._connected = Connected.RECONNECTING
                self._notes.append(event.reason)
            case EndFailed():
                self._notes.append(f"the session's end could not be told: {event.reason}")

    # --- signals

    def _signal(self) -> None:
        """Tell the platform how the phone is; nothing while there is no open channel."""
        if self._phone is not None:
            self._phone.signal(self._device_signal().encode())

    def _device_signal(self) -> DeviceSignal:
        state, choice, conditions = self._body.state, self._choice, self._conditions
        rung, stats = choice.rung, self._stats
        return DeviceSignal(
            battery=BatterySignal(round(state.battery, 3), state.charging, state.low_power),
            thermal=state.thermal.value,
            encoder=EncoderSignal(
                codec=self._scenario.codec.value,
                hardware=choice.hardware,
                width=rung.width if rung else 0,
                height=rung.height if rung else 0,
                fps=rung.fps if rung else 0,
                bitrate=choice.bitrate,
                dropped=self._optics.camera.skipped,
                reason=choice.reason.value,
            ),
            network=NetworkSignal(
                kind=conditions.network.kind.value,
                signal=round(conditions.network.signal, 2),
                rtt_ms=None if self._rtt_s is None else round(self._rtt_s * 1000, 1),
                loss=round(stats.loss, 3) if stats else 0.0,
                available_bps=round(self._meter.estimate_bps),
            ),
            app=conditions.app.value,
        )

    def _on_message(self, message: object) -> None:
        answer = parse_answer(message)
        if isinstance(answer, Complaint):
            self._notes.append(f"the platform complains: {answer.code}: {answer.detail}")
        elif isinstance(answer, Advice) and answer != self._advice:
            self._advice = answer
            self._notes.append(f"the platform advises ({answer.level}): {answer.text}")

    # --- the timeline

    def _add_row(self, at_s: float) -> None:
        state, choice = self._body.state, self._choice
        rung = choice.rung if self._optics.sending else None
        sent = self._meter.sent(self._clock.monotonic())
        self._load_bps = sent.bitrate
        frames = self._phone.encoder.frames if self._phone else 0
        fps, self._frames = max(0, frames - self._frames), frames
        row = Row(
            at_s=round(at_s, 1),
            connected=self._connected,
            network=self._conditions.network.name,
            app=self._conditions.app,
            rung=rung.name if rung else None,
            height=rung.height if rung else 0,
            fps=fps,
            bitrate=round(sent.bitrate),
            estimate=round(self._meter.estimate_bps),
            capacity=self._roaming.capacity_bps,
            latency_ms=self._latency_ms,
            loss=sent.loss,
            battery=state.battery,
            power_w=state.power_w,
            chip_c=state.chip_c,
            skin_c=state.skin_c,
            thermal=state.thermal,
            brightness=state.brightness,
            hardware=choice.hardware,
            reason=choice.reason,
            note="; ".join(self._notes),
            target=self._optics.bitrate,
            rtt_ms=None if self._rtt_s is None else round(self._rtt_s * 1000, 1),
            restarts=self._restarts,
            posts=max(0, self._connections - 1),
            advice=self._advice.text if self._advice else "",
        )
        self._notes.clear()
        self._latency_ms = None
        self.timeline.add(row)
        self._show(row)
