"""Honest viewers beside whatever happens: load peers that count every packet they miss."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sfu.native import LoadViewers
from signaling.load_client import LoadReport
from signaling.load_crowd import Crowd
from signaling.load_door import MonotonicClock, WhepDoor
from tests.journeys.server import SluiceServer
from tests.journeys.waiting import until

CHANNEL = "honest"
BITRATE = 500_000
SETTLE_S = 1.5
"""What is lost is known a second later."""


@dataclass(frozen=True, slots=True)
class Window:
    """What they went through between two looks."""

    packets: int
    lost: int
    duplicates: int
    closed: int
    p99_ms: float
    """Of the pictures' delay, from the publisher to the viewer."""
    sound_p99_ms: float
    keyframe_requests: int
    """That reached the publisher."""
    seconds: float

    @property
    def lost_percent(self) -> float:
        return 100 * self.lost / max(1, self.packets + self.lost)


class Watching:
    """A publisher and its viewers, all connected."""

    def __init__(self, load: LoadViewers, crowd: Crowd, door: WhepDoor, server: SluiceServer):
        self.load = load
        self.crowd = crowd
        self.door = door
        self.server = server
        self._before: LoadReport | None = None
        self._began = 0.0

    async def begin(self) -> None:
        """The window opens now."""
        await asyncio.to_thread(self.load.reset_latency)
        self._before, self._began = await self.crowd.report(), time.monotonic()

    async def window(self, seconds: float) -> Window:
        """What is in the next seconds."""
        await self.begin()
        await asyncio.sleep(seconds)
        return await self.end()

    async def end(self, settle: bool = True) -> Window:
        """What was since `begin`."""
        if settle:
            await asyncio.sleep(SETTLE_S)
        assert self._before is not None
        before, after = self._before, await self.crowd.report()
        return Window(
            packets=_sum(after, "packets") - _sum(before, "packets"),
            lost=_sum(after, "lost") - _sum(before, "lost"),
            duplicates=_sum(after, "duplicates") - _sum(before, "duplicates"),
            closed=after.closed - before.closed,
            p99_ms=after.video_latency.p99_ms,
            sound_p99_ms=after.audio_latency.p99_ms,
            keyframe_requests=sum(one.keyframe_requests for one in after.publishers)
            - sum(one.keyframe_requests for one in before.publishers),
            seconds=time.monotonic() - self._began,
        )


async def awaited(what: str, look: Callable[[], object], within_s: float) -> None:
    """Until it is so; looked at from a thread. Raises TimeoutError."""
    await asyncio.to_thread(until, what, look, within_s)


@asynccontextmanager
async def watching(
    server: SluiceServer,
    viewers: int,
    *,
    bitrate: int = BITRATE,
    bind: str = "127.0.0.1",
    channel: str = CHANNEL,
    pli_per_second: float = 0.0,
    layers: int = 1,
    rate: float = 50,
    access: str = "public",
    token: str | None = None,
    publish: bool = True,
) -> AsyncIterator[Watching]:
    """Made for the length of the block. Raises LoadFailed when they cannot come in.

    Without `publish` the channel is there already, and somebody else publishes to it.
    """
    key = server.create_channel(channel, access) if publish else None
    load = LoadViewers(
        bind=bind,
        max_viewers=max(1, viewers),
        verify_every=max(1, viewers // 20),
        data_channel=False,
        publisher_bitrate=bitrate,
        publisher_layers=layers,
        pli_per_second=pli_per_second,
    )
    url = server.whip_url(channel) if publish else None
    door = WhepDoor(server.whep_url(channel), token, publish_url=url, key=key)
    try:
        async with door:
            crowd = Crowd(load, door, MonotonicClock())
            await crowd.publish()
            if viewers:
                await crowd.join(viewers, rate)
            await asyncio.sleep(1)
            yield Watching(load, crowd, door, server)
    finally:
        await asyncio.to_thread(load.stop)


def _sum(report: LoadReport, name: str) -> int:
    return int(getattr(report.video, name)) + int(getattr(report.audio, name))
