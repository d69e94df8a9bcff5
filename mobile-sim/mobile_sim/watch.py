"""`mobile-sim watch`: a viewer over WHEP that reads the stamps.

aiortc hands a picture over when the next one begins, so the latency measured here is one frame
interval (33 ms at 30 fps) longer than what a browser has. The publisher's clock and this one
must agree: on one machine they do.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

import aiohttp
from aiortc import MediaStreamTrack, RTCIceServer
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame

from mobile_sim import stamp
from mobile_sim.line import Line, LineEvent
from mobile_sim.pace import Clock, SystemClock
from mobile_sim.phone import Connection, ConnectionStats
from mobile_sim.testcard import frame_planes
from mobile_sim.viewing import Report, Viewing
from mobile_sim.whip import WhipClient, fresh_connections

WatchEvent = LineEvent | Report


async def watch(
    url: str,
    token: str | None,
    stop: asyncio.Event,
    report: Callable[[WatchEvent], None],
    clock: Clock | None = None,
    rng: random.Random | None = None,
) -> Report:
    """Watch until `stop` is set and return the figures of the whole time.

    Reports the figures of each second. A channel that is not live is waited for. Raises Refused
    when the server says no for good.
    """
    clock = clock or SystemClock()
    viewing = Viewing()

    def dial(ice_servers: Sequence[RTCIceServer]) -> Viewer:
        return Viewer(viewing, clock, ice_servers)

    def tick(viewer: Viewer, stats: ConnectionStats) -> None:
        report(viewing.recent())

    async with aiohttp.ClientSession(connector=fresh_connections()) as http:
        client = WhipClient(http, url, token)
        await Line(client, dial, tick, report, clock, rng or random.Random()).run(stop)
    return viewing.total()


class Viewer(Connection):
    """A connection that receives sound and picture."""

    def __init__(
        self, viewing: Viewing, clock: Clock, ice_servers: Sequence[RTCIceServer] = ()
    ) -> None:
        super().__init__(ice_servers)
        self._viewing = viewing
        self._clock = clock
        self._readers: set[asyncio.Task[None]] = set()
        self.peer.on("track", self._on_track)
        for kind in ("video", "audio"):
            self.peer.addTransceiver(kind, direction="recvonly")

    async def close(self) -> None:
        """End the connection and its readers. Idempotent."""
        await super().close()
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def _on_track(self, track: MediaStreamTrack) -> None:
        reader = asyncio.create_task(self._read(track))
        self._readers.add(reader)
        reader.add_done_callback(self._on_reader_done)

    def _on_reader_done(self, reader: asyncio.Task[None]) -> None:
        self._readers.discard(reader)
        if not reader.cancelled() and (error := reader.exception()) is not None:
            self.lose(f"the reader failed: {error!r}")

    async def _read(self, track: MediaStreamTrack) -> None:
        """Read the track to its end. Sound is read, too: aiortc's queue has no limit."""
        while True:
            try:
                frame = await track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, VideoFrame):
                now, unix_ms = self._clock.monotonic(), int(self._clock.unix() * 1000)
                self._viewing.feed(now, unix_ms, stamp.read(frame_planes(frame)[0]))
