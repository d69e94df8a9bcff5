"""Introduces the media plane to the bridge: which broadcasts are made into HLS and DASH, and when.

A broadcast's bridge begins with the first request for it (`bridge.start: demand`) or with the
broadcast (`always`), reads the channel through a tap, and lives until the broadcast is over and
its last segments need no longer be kept, or until nobody asks any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog

from bridge.live import LiveBridge
from bridge.mode import SourceLayer
from bridge.origin import Origin
from bridge.presentation import PackagingSettings, Presentation
from bridge.reload import Holds
from bridge.transcode.process import TranscodeProcess
from bridge.transcode.wire import FromChild
from sfu.broadcast import Broadcast, Inactive, LayersNews, News, Reconnect, Rendition
from sfu.engine import Engine, Layer
from sfu.rooms import Rooms
from sluice.clock import Clock, SteadyClock
from sluice.config import BridgeConfig
from sluice.errors import Problem
from sluice.ids import ChannelId
from sluice.metrics import Metrics
from sluice.stream import Reader
from sluice.tasks import Tasks

log = structlog.get_logger(__name__)

TICK_S: Final = 0.05
LOOK_S: Final = 1.0
DRAIN_S: Final = 2.0
FINISH_PARTS: Final = 3
"""So many parts long, players may load the last ones."""
TAP_UNITS: Final = 1_024
NEWS: Final = 256
BUSY_S: Final = 5
EARLIER_MS: Final = 1_000
"""What is captured a little before the bridge begins still has a place on its timeline."""


class Recorder(Protocol):
    """Who keeps what is packaged; see signaling/recordings.py."""

    def wants(self, channel: ChannelId) -> bool:
        """Whether the channel's broadcasts are recorded, so that their bridge begins with them."""
        ...

    async def begin(self, channel: ChannelId, presentation: Presentation) -> None:
        """A presentation begins: nothing was packaged yet."""
        ...

    async def end(self, channel: ChannelId, presentation: Presentation) -> None:
        """Nothing is packaged any more. Does nothing for one that is not recorded."""
        ...


@dataclass(slots=True)
class Bridged:
    """A broadcast that is being made into HLS, or was until a moment ago."""

    broadcast: Broadcast
    live: LiveBridge
    origin: Origin
    encoder: TranscodeProcess
    asked_ms: int
    ended_ms: int | None = None
    counted: Counter[str] = field(default_factory=Counter)
    """Of `live.counts`, what the metrics have already."""
    told: tuple[tuple[str, bool], ...] = ()
    """Of `live.pictures`, what the channel's people have heard."""
    drained: asyncio.Event = field(default_factory=asyncio.Event)
    """The encoder has given back all that it got."""
    told_end: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: Tasks = field(default_factory=Tasks)


class Bridges:
    """All presentations of this machine, by channel. Used from the event loop's thread."""

    def __init__(
        self, config: BridgeConfig, engine: Engine, rooms: Rooms, clock: Clock, metrics: Metrics
    ) -> None:
        self._config = config
        self._engine = engine
        self._rooms = rooms
        self.clock = SteadyClock(clock)
        """Server time, which media is placed on."""
        self._metrics = metrics
        self._bridged: dict[ChannelId, Bridged] = {}
        self._beginning = asyncio.Lock()
        self._tasks = Tasks()
        self._stopping = False
        self._holds = Holds(config.waiters)
        self.recorder: Recorder | None = None
        """Set before the start, where broadcasts are recorded."""

    def start(self) -> None:
        """Begin to look after bridges. The rooms must run."""
        self._tasks.spawn(self._look_forever(), "bridges-look")

    async def stop(self) -> None:
        """End all bridges and their processes."""
        self._stopping = True
        await self._tasks.close()
        for channel in list(self._bridged):
            await self._drop(channel)

    def find(self, channel: str) -> Origin | None:
        """What is there already; being asked for keeps it."""
        found = self._bridged.get(ChannelId(channel))
        if found is None or self._is_past(found):
            return None
        found.asked_ms = self.clock.now_ms()
        return found.origin

    async def wanted(self, channel: str) -> Origin | None:
        """The channel's presentation, which is begun when it may be and is not there yet.

        None where the channel is not live, and was not a moment ago. Raises Problem `busy` where
        there are as many as there may be.
        """
        name = ChannelId(channel)
        bridged = self._bridged.get(name)
        if bridged is None or bridged.ended_ms is not None or self._is_past(bridged):
            bridged = await self._begin(name)
        if bridged is None:
            return None
        bridged.asked_ms = self.clock.now_ms()
        return bridged.origin

    def captions(self, channel: ChannelId) -> list[str]:
        """Languages (BCP 47) of the captions of what is live; to ask for them keeps nothing."""
        found = self._bridged.get(channel)
        if found is None or found.ended_ms is not None or self._is_past(found):
            return []
        return list(found.live.presentation.captions)

    async def ended(self, channel: str) -> None:
        """Wait until players of the channel are told its end; at once where there is nothing."""
        bridged = self._bridged.get(ChannelId(channel))
        if bridged is not None:
            await bridged.told_end.wait()

    def __len__(self) -> int:
        return len(self._bridged)

    # --- inside

    def _is_past(self, bridged: Bridged) -> bool:
        """Whether the channel has a newer broadcast than this one."""
        present = self._rooms.broadcast(bridged.broadcast.channel)
        return present is not None and present.live and present is not bridged.broadcast

    async def _begin(self, channel: ChannelId) -> Bridged | None:
        # One at a time: the end of an old one takes a moment, in which another viewer may come.
        async with self._beginning:
            return await self._begin_alone(channel)

    async def _begin_alone(self, channel: ChannelId) -> Bridged | None:
        broadcast = self._rooms.broadcast(channel)
        present = self._bridged.get(channel)
        if self._config.start == "never" or broadcast is None or not broadcast.live:
            return present
        if present is not None:
            if present.broadcast is broadcast and present.ended_ms is None:
                return present  # somebody else began it meanwhile
            await self._drop(channel)
        if self._rooms.broadcast(channel) is not broadcast:
            return None  # it ended meanwhile
        if len(self._bridged) >= self._config.broadcasts:
            detail = f"HLS is made of {len(self._bridged)} broadcasts already."
            raise Problem("busy", detail, retry_after_s=BUSY_S)
        bridged = await self._build(channel, broadcast)
        self._bridged[channel] = bridged
        self._metrics.bridges.set(len(self._bridged))
        return bridged

    async def _build(self, channel: ChannelId, broadcast: Broadcast) -> Bridged:
        config = self._config
        now_ms, wall_ms = self.clock.now_ms(), self.clock.wall_ms()
        presentation = Presentation(
            epoch=_base36(wall_ms // 1_000) + secrets.token_hex(2),
            origin_ms=wall_ms - EARLIER_MS,
            settings=PackagingSettings(
                part_ms=config.part_ms,
                segment_ms=config.segment_ms,
                window_ms=config.window_ms,
                window_bytes=config.window_mb << 20,
            ),
        )
        encoder = TranscodeProcess(
            None,
            on_message=lambda message: _hear(bridged, message),
            on_died=lambda: live.encoder_died(),
            memory_bytes=config.transcoder_mb << 20,
        )
        live = LiveBridge(
            config,
            presentation,
            encoder,
            want_keyframes=lambda: self._engine.want_keyframes(channel),
            now_ms=wall_ms,
        )
        origin = Origin(presentation, self.clock, self._holds)
        bridged = Bridged(broadcast, live, origin, encoder, now_ms)
        # Before anything is waited for: the broadcast may end meanwhile.
        news = self._rooms.subscribe(channel, NEWS)
        try:
            if self.recorder is not None and self.recorder.wants(channel):
                await self.recorder.begin(channel, presentation)
        except BaseException:
            self._rooms.unsubscribe(channel, news)
            raise
        encoder.start()
        live.set_layers(_layers(broadcast.layers), wall_ms)
        bridged.tasks.spawn(self._read(channel, bridged), f"bridge-read-{channel}")
        bridged.tasks.spawn(self._follow(channel, bridged, news), f"bridge-news-{channel}")
        bridged.tasks.spawn(self._tick(bridged), f"bridge-tick-{channel}")
        return bridged

    async def _read(self, channel: ChannelId, bridged: Bridged) -> None:
        tap = self._engine.open_tap(channel, TAP_UNITS)
        try:
            async for units in tap:
                bridged.live.take(units, self.clock.wall_ms())
        finally:
            tap.close()

    async def _follow(self, channel: ChannelId, bridged: Bridged, news: Reader[News]) -> None:
        try:
            async for item in news:
                if isinstance(item, LayersNews):
                    bridged.live.set_layers(_layers(item.layers), self.clock.wall_ms())
                elif isinstance(item, Inactive):
                    break
                elif isinstance(item, Reconnect):
                    self._stopping = True
                    break
            await self._finish(bridged)
            self._end(bridged)
        finally:
            self._rooms.unsubscribe(channel, news)

    async def _finish(self, bridged: Bridged) -> None:
        """Wait for what the encoder still has in hand: a replay without the last sound never ends.
        Then let players load the last parts: hls.js loads none of a segment that it has begun,
        once the playlist has its end."""
        bridged.live.wind_up()
        if not bridged.live.wound_up:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await bridged.drained.wait()
        bridged.live.finish()
        await self._end_recording(bridged)  # its replay need not wait for players
        await asyncio.sleep(FINISH_PARTS * self._config.part_ms / 1_000)

    async def _tick(self, bridged: Bridged) -> None:
        while bridged.ended_ms is None:
            await asyncio.sleep(TICK_S)
            bridged.live.tick(self.clock.wall_ms())
            self._show(bridged)

    def _show(self, bridged: Bridged) -> None:
        """Tell the channel's people when a rendition comes, is shed, or is restored."""
        if bridged.live.pictures != bridged.told:
            bridged.told = bridged.live.pictures
            renditions = tuple(Rendition(name, shed) for name, shed in bridged.told)
            self._rooms.show_renditions(bridged.broadcast.channel, renditions)

    def _end(self, bridged: Bridged) -> None:
        if bridged.ended_ms is None:
            bridged.ended_ms = self.clock.now_ms()
            bridged.live.end()
            bridged.told_end.set()

    async def _end_recording(self, bridged: Bridged) -> None:
        # When the server stops, the broadcast is not over: the recorder itself closes then.
        if self.recorder is not None and not self._stopping:
            presentation = bridged.live.presentation
            await self.recorder.end(bridged.broadcast.channel, presentation)

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except Exception:
                # One odd broadcast must not end the care for the others.
                log.exception("a bridge could not be looked after")

    async def look(self) -> None:
        """End what is over or not wanted any more; begin what must always be there."""
        now_ms = self.clock.now_ms()
        self._metrics.live_held.set(self._holds.held)
        for channel, bridged in list(self._bridged.items()):
            self._count(bridged)
            idle_ms = now_ms - bridged.asked_ms
            ended_ms = None if bridged.ended_ms is None else now_ms - bridged.ended_ms
            if ended_ms is not None and ended_ms >= self._config.keep_s * 1_000:
                await self._drop(channel)
            elif ended_ms is not None:
                await bridged.encoder.stop()
            elif idle_ms >= self._config.idle_s * 1_000 and not self._begins_itself(channel):
                log.info("nobody asks for it any more", channel=channel)
                await self._drop(channel)
        for broadcast in self._rooms.broadcasts():
            channel = broadcast.channel
            if broadcast.live and self._begins_itself(channel) and not self._is_bridged(broadcast):
                others = len(self._bridged.keys() - {channel})  # its own old one makes room
                if others >= self._config.broadcasts:
                    self._metrics.bridge_events.labels("refused").inc()
                    continue
                await self._begin(channel)

    def _begins_itself(self, channel: ChannelId) -> bool:
        """Whether the channel's bridge begins with its broadcast, and not with the first viewer."""
        recorded = self.recorder is not None and self.recorder.wants(channel)
        return self._config.start == "always" or (self._config.start != "never" and recorded)

    def _is_bridged(self, broadcast: Broadcast) -> bool:
        present = self._bridged.get(broadcast.channel)
        return present is not None and present.broadcast is broadcast and present.ended_ms is None

    def _count(self, bridged: Bridged) -> None:
        for event, count in (bridged.live.counts - bridged.counted).items():
            self._metrics.bridge_events.labels(event).inc(count)
        bridged.counted = Counter(bridged.live.counts)

    async def _drop(self, channel: ChannelId) -> None:
        bridged = self._bridged.pop(channel, None)
        if bridged is None:
            return
        self._end(bridged)
        self._count(bridged)
        if self._rooms.broadcast(channel) is bridged.broadcast:
            self._rooms.show_renditions(channel, ())
        bridged.origin.close()
        await bridged.tasks.close()
        await self._end_recording(bridged)
        await bridged.encoder.stop()
        self._metrics.bridges.set(len(self._bridged))


def _hear(bridged: Bridged, message: FromChild) -> None:
    bridged.live.hear(message)
    if bridged.live.wound_up:
        bridged.drained.set()


def _layers(layers: Iterable[Layer]) -> list[SourceLayer]:
    return [
        SourceLayer(one.rid, one.codec, one.width, one.height, one.active)
        for one in layers
        if not one.codec.is_audio
    ]


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"
