"""Server-sent events: bounded, counted, and never stuck on a client that went away."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from starlette.types import Receive, Scope, Send

from sfu.broadcast import (
    Active,
    Inactive,
    LayersNews,
    MediaRestarted,
    News,
    Reconnect,
    RenditionsNews,
    Resumed,
    Stalled,
    ViewerCount,
    ViewerLayer,
)
from sfu.rooms import Rooms
from signaling.routing import STREAMED_KEY
from signaling.views import layer_views, rendition_views
from sluice.auth import Grant
from sluice.config import LimitsConfig
from sluice.errors import Problem
from sluice.ids import ChannelId, PeerId
from sluice.metrics import Metrics
from sluice.stream import Reader

HEARTBEAT_S = 15.0
"""A comment line this often: proxies cut silent connections, and a dead one is noticed."""
AGAIN_MS = 500
"""A browser whose stream broke asks again after this and up to a second more: one after the other,
so that those of a server that died do not all come at once."""
AGAIN_SPREAD_MS = 1_000
GOLDEN = 0.618034
"""Multiples of it, modulo 1, lie as evenly as can be, however many there are."""
RECONNECT_MS = 2_000
"""After an end in order."""
RESTART_MS = 500
"""Of the media plane alone."""
SPREAD_MS = 4
"""Each peer adds so much to the time over which all come back: a join costs about as much."""
LONGEST_SPREAD_MS = 3_500


@dataclass(frozen=True, slots=True)
class RecordingNews:
    """How the recording of what is live goes, for the channel's owner alone."""

    vod: str | None
    """None: nothing is being recorded."""
    trouble: str | None
    """What stands in its way."""


Told = News | RecordingNews

_NAMES: dict[type[Told], str] = {
    Active: "active",
    Inactive: "inactive",
    Stalled: "stalled",
    Resumed: "resumed",
    ViewerCount: "viewercount",
    LayersNews: "layers",
    ViewerLayer: "layer",
    RenditionsNews: "renditions",
    Reconnect: "reconnect",
    MediaRestarted: "reconnect",
    RecordingNews: "recording",
}
VIEWER_EVENTS = frozenset(_NAMES.values()) - {"recording"}
"""A viewer's own stream tells of its layer too."""
CHANNEL_EVENTS = VIEWER_EVENTS - {"layer"}
OWNER_EVENTS = CHANNEL_EVENTS | {"recording"}


def encode(news: Told) -> bytes:
    """One event in the text/event-stream format."""
    data: dict[str, object] = {}
    match news:
        case Active(since_ms):
            data = {"since_ms": since_ms}
        case ViewerCount(viewers):
            data = {"viewers": viewers}
        case LayersNews(layers):
            data = {"layers": layer_views(layers)}
        case ViewerLayer(rid):
            data = {"rid": rid, "audio_only": rid is None}
        case RenditionsNews(renditions):
            data = {"renditions": rendition_views(renditions)}
        case RecordingNews(vod, trouble):
            data = {"vod": vod, "trouble": trouble}
        case Reconnect():
            data = {"retry_ms": RECONNECT_MS}
        case MediaRestarted(peers):
            # Sessions are gone already: nobody needs to end theirs.
            spread_ms = min(LONGEST_SPREAD_MS, peers * SPREAD_MS)
            data = {"retry_ms": RESTART_MS, "spread_ms": spread_ms, "ended": True}
    return b"event: %s\ndata: %s\n\n" % (_NAMES[type(news)].encode(), msgspec.json.encode(data))


@dataclass(frozen=True, slots=True)
class _Open:
    channel: ChannelId
    grant: Grant
    reader: Reader[News]
    viewer: PeerId | None
    alarm: asyncio.Event | None
    """Set when the recording goes another way than was told; None: nobody is told."""


class EventStreams:
    """All open streams, with caps in all and by client."""

    def __init__(
        self,
        rooms: Rooms,
        metrics: Metrics,
        limits: LimitsConfig,
        recording: Callable[[ChannelId], RecordingNews],
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        """`recording` says how the recording of a channel goes now."""
        self._rooms = rooms
        self.recording = recording
        self._metrics = metrics
        self._limits = limits
        self.heartbeat_s = heartbeat_s
        self._opened = 0
        self._open: dict[int, _Open] = {}
        self._by_client: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def open(
        self,
        channel: ChannelId,
        grant: Grant,
        client: str,
        names: frozenset[str] = CHANNEL_EVENTS,
        until: asyncio.Event | None = None,
        viewer: PeerId | None = None,
    ) -> EventStream:
        """A response that streams `names`, those of a viewer too, at most `until` something is
        over.

        Raises Problem `busy` or `rate-limited`.
        """
        if len(self._open) >= self._limits.sse_connections:
            raise Problem("busy", "There are too many event streams.", retry_after_s=10)
        if self._by_client[client] >= self._limits.sse_per_ip:
            detail = "There are too many event streams from this address."
            raise Problem("rate-limited", detail, retry_after_s=10)
        reader = self._rooms.subscribe(channel, self._limits.sse_queue, viewer)
        alarm = asyncio.Event() if _NAMES[RecordingNews] in names else None
        self._open[id(reader)] = _Open(channel, grant, reader, viewer, alarm)
        self._by_client[client] += 1
        self._metrics.event_streams.set(len(self._open))
        return EventStream(self, self._rooms, channel, client, names, reader, until, viewer, alarm)

    def recording_changed(self, channel: ChannelId) -> None:
        """How a recording goes is not as it was: its owner hears of it."""
        for stream in self._open.values():
            if stream.channel == channel and stream.alarm is not None:
                stream.alarm.set()

    def close_if(self, ended: Callable[[ChannelId, Grant], bool]) -> None:
        """Close the streams whose permission has ended."""
        for stream in list(self._open.values()):
            if ended(stream.channel, stream.grant):
                stream.reader.close()

    def close(self) -> None:
        """Tell everybody to come back later, and end all streams."""
        self._rooms.say_reconnect()

    def again_ms(self) -> int:
        """How long the next stream's browser waits when it breaks: another time for each."""
        self._opened += 1
        return AGAIN_MS + int(AGAIN_SPREAD_MS * (self._opened * GOLDEN % 1))

    def release(self, channel: ChannelId, client: str, reader: Reader[News]) -> None:
        """A stream is over."""
        opened = self._open.pop(id(reader), None)
        if opened is None:
            return
        self._rooms.unsubscribe(channel, reader, opened.viewer)
        self._metrics.events_dropped.inc(reader.dropped)
        self._metrics.event_streams.set(len(self._open))
        self._by_client[client] -= 1
        if self._by_client[client] <= 0:
            del self._by_client[client]


class EventStream:
    """An ASGI response. Waits for news and for the client's end at the same time."""

    def __init__(
        self,
        streams: EventStreams,
        rooms: Rooms,
        channel: ChannelId,
        client: str,
        names: frozenset[str],
        reader: Reader[News],
        until: asyncio.Event | None,
        viewer: PeerId | None,
        alarm: asyncio.Event | None,
    ) -> None:
        self._streams = streams
        self._rooms = rooms
        self._channel = channel
        self._client = client
        self._names = names
        self._reader = reader
        self._until = until or asyncio.Event()
        self._viewer = viewer
        self._alarm = alarm
        self._coming: asyncio.Future[News] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[STREAMED_KEY] = True
        # A writer that only sends can be stuck with a client that has reset the connection.
        writing = asyncio.create_task(self._write(send), name="sse-write")
        leaving = asyncio.create_task(_disconnected(receive), name="sse-disconnect")
        ending = asyncio.create_task(self._end(), name="sse-end")
        try:
            await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks: list[asyncio.Future[None] | asyncio.Future[News]] = [writing, leaving, ending]
            if self._coming is not None:
                tasks.append(self._coming)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            self._streams.release(self._channel, self._client, self._reader)
        if isinstance(results[0], Exception) and not isinstance(results[0], OSError):
            raise results[0]

    async def _end(self) -> None:
        await self._until.wait()
        self._reader.close()

    async def _write(self, send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),  # nginx would hold events back
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await _chunk(send, b"retry: %d\n\n" % self._streams.again_ms() + self._present())
        missed = 0
        while True:
            try:
                async with asyncio.timeout(self._streams.heartbeat_s):
                    news = await self._next()
            except TimeoutError:
                await _chunk(send, b": still here\n\n")
                continue
            except StopAsyncIteration:
                break
            if self._reader.dropped > missed:
                # Some news was lost, so the whole state is told anew.
                missed = self._reader.dropped
                await _chunk(send, self._present())
            if _NAMES[type(news)] in self._names:
                await _chunk(send, encode(news))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self) -> Told:
        """The next news, or how the recording goes now. Raises StopAsyncIteration."""
        if self._alarm is None:
            return await anext(self._reader)
        if self._coming is None:
            self._coming = asyncio.ensure_future(anext(self._reader))
        ringing: asyncio.Future[bool] = asyncio.ensure_future(self._alarm.wait())
        try:
            either: set[asyncio.Future[News] | asyncio.Future[bool]] = {self._coming, ringing}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ringing.cancel()
        if self._alarm.is_set():
            self._alarm.clear()
            return self._streams.recording(self._channel)
        coming, self._coming = self._coming, None
        return coming.result()

    def _present(self) -> bytes:
        present: list[Told] = [*self._rooms.present(self._channel, self._viewer)]
        if self._alarm is not None:
            present.append(self._streams.recording(self._channel))
        return b"".join(encode(news) for news in present if _NAMES[type(news)] in self._names)


async def _chunk(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
