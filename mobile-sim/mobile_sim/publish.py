"""`mobile-sim publish`: a phone on air."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiortc import RTCIceServer

from mobile_sim import sound
from mobile_sim.camera import Camera, Microphone
from mobile_sim.clip import Clip
from mobile_sim.encoder import VideoSettings
from mobile_sim.line import Line, LineEvent
from mobile_sim.pace import Clock, SystemClock
from mobile_sim.phone import ConnectionStats, Phone
from mobile_sim.testcard import Picture, TestCard
from mobile_sim.whip import WhipClient, fresh_connections


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """What to send and where to."""

    url: str
    key: str | None
    width: int = 1280
    height: int = 720
    video: VideoSettings = field(default_factory=VideoSettings)
    clip: Path | None = None
    """A media file as the camera; the test card when None."""
    sound: sound.SoundKind = sound.SoundKind.TONE


@dataclass(frozen=True, slots=True)
class Sending:
    """How it goes, once a second. Counters are of this connection, except `skipped`."""

    frames: int
    keyframes: int
    skipped: int
    """Pictures left out since the start because the machine was too slow."""
    bitrate: int
    """Bits per second of RTP payload over the last second, sound included."""
    target_bitrate: int
    """What the encoder aims at: as asked for, or lower when the far end estimates less."""
    packets_lost: int
    rtt_ms: float | None
    cpu: float
    """Of one core, over the last second: 0.12 is 12 %."""


PublishEvent = LineEvent | Sending


async def publish(
    settings: PublishSettings,
    stop: asyncio.Event,
    report: Callable[[PublishEvent], None],
    clock: Clock | None = None,
    rng: random.Random | None = None,
) -> None:
    """Publish until `stop` is set, through restarts of the server.

    Raises Refused when the server says no for good, ClipError for a bad file and ValueError for
    a size that cannot be.
    """
    clock = clock or SystemClock()
    # Decoding a file or rendering speech takes a while; the loop stays free for signals.
    picture = await asyncio.to_thread(_picture, settings)
    track = await asyncio.to_thread(sound.make, settings.sound)
    camera = Camera(picture, settings.video.fps, clock)
    microphone = Microphone(track, clock) if track else None

    def dial(ice_servers: Sequence[RTCIceServer]) -> Phone:
        return Phone(camera, microphone, settings.video, ice_servers)

    meter = _Meter(camera, clock, report)
    async with aiohttp.ClientSession(connector=fresh_connections()) as http:
        client = WhipClient(http, settings.url, settings.key)
        line = Line(client, dial, meter.tick, report, clock, rng or random.Random())
        await line.run(stop)


def _picture(settings: PublishSettings) -> Picture:
    size = settings.width, settings.height, settings.video.fps
    return Clip(settings.clip, *size) if settings.clip else TestCard(*size)


class _Meter:
    """Turns running totals into figures per second."""

    def __init__(
        self, camera: Camera, clock: Clock, report: Callable[[PublishEvent], None]
    ) -> None:
        self._camera = camera
        self._clock = clock
        self._report = report
        self._at = clock.monotonic()
        self._cpu = time.process_time()
        self._bytes = 0

    def tick(self, phone: Phone, stats: ConnectionStats) -> None:
        now, cpu = self._clock.monotonic(), time.process_time()
        seconds = max(now - self._at, 0.001)
        sent = stats.bytes_sent - self._bytes
        if sent < 0:  # a new connection counts from 0
            sent = stats.bytes_sent
        self._report(
            Sending(
                frames=phone.encoder.frames,
                keyframes=phone.encoder.keyframes,
                skipped=self._camera.skipped,
                bitrate=round(sent * 8 / seconds),
                target_bitrate=phone.encoder.target_bitrate,
                packets_lost=stats.packets_lost,
                rtt_ms=None if stats.rtt_ms is None else round(stats.rtt_ms, 1),
                cpu=round((cpu - self._cpu) / seconds, 3),
            )
        )
        self._at, self._cpu, self._bytes = now, cpu, stats.bytes_sent
