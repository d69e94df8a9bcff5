"""Hand-made presentations behind the live app: called directly, or served on loopback.

async with served(world) as base: ...   # a real uvicorn; parts come whenever a request waits
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import uvicorn
from starlette.types import ASGIApp, Message, Scope

from bridge.cmcd import Quality
from bridge.origin import Origin
from bridge.reload import Holds
from signaling.live import Live
from sluice.clock import VirtualClock
from tests.bridge.studio import Studio
from tests.bridge.windows import Windows

CHANNEL = "demo"
STEP_MS = 500
"""So much time passes in a studio before it is seen whether somebody still waits."""


class WatchedHolds(Holds):
    """Says when a request begins to wait."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.changed = asyncio.Event()

    def __enter__(self) -> Holds:
        self.changed.set()
        return super().__enter__()


class Counts:
    """A meter that tests can read."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.bytes: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.qualities: list[Quality] = []

    def answered(self, kind: str, status: int, size: int) -> None:
        self.answers[kind, status] += 1
        self.bytes[kind] += size

    def reported(self, quality: Quality) -> None:
        self.qualities.append(quality)

    def refused(self, code: str) -> None:
        self.refusals[code] += 1


class OneChannel:
    """Knows one channel. With `asleep` its bridge starts only when somebody wants it."""

    def __init__(self, origin: Origin, asleep: bool = False) -> None:
        self.origin = origin
        self.asleep = asleep
        self.starting = asyncio.Event()
        self.awake = asyncio.Event()

    def find(self, channel: str) -> Origin | None:
        return self.origin if channel == CHANNEL and not self.asleep else None

    async def wanted(self, channel: str) -> Origin | None:
        if channel != CHANNEL:
            return None
        self.starting.set()
        await self.awake.wait()
        self.asleep = False
        return self.origin


@dataclass
class Told:
    """A response as it went out."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: list[bytes] = field(default_factory=list)
    whole: bool = False
    """The last piece was said to be the last."""


class LiveWorld:
    """The live app with one channel, `demo`: windows made by hand, or what a studio packages."""

    def __init__(
        self,
        windows: Windows | None = None,
        *,
        studio: Studio | None = None,
        limit: int = 1_000,
        hold_s: float | None = None,
        asleep: bool = False,
    ) -> None:
        self.windows = windows or Windows()
        self.clock = VirtualClock()
        self.holds = WatchedHolds(limit)
        self._studio = studio
        presentation = self.windows.presentation if studio is None else studio.presentation
        self.origin = Origin(presentation, self.clock, self.holds, hold_s=hold_s)
        self.presentations = OneChannel(self.origin, asleep)
        self.counts = Counts()
        self.live = Live(self.presentations, self.clock, self.counts)

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        leave: asyncio.Event | None = None,
        told: Told | None = None,
    ) -> Told:
        """One request, straight into the app. The client goes away when `leave` is set."""
        told = told or Told()
        target, _, query = path.partition("?")
        sent = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": target,
            "raw_path": target.encode(),
            "query_string": query.encode(),
            "headers": sent,
        }
        gone = leave or asyncio.Event()

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                told.status = message["status"]
                told.headers = {key.decode(): value.decode() for key, value in message["headers"]}
            else:
                told.pieces.append(message.get("body", b""))
                told.body += told.pieces[-1]
                told.whole = not message.get("more_body", False)

        await self.live(scope, receive, send)
        return told

    async def held(self, count: int = 1) -> None:
        """Until so many requests wait."""
        while self.holds.held < count:
            self.holds.changed.clear()
            await self.holds.changed.wait()

    async def feed(self) -> None:
        """A part whenever somebody waits; the window slides. Until it is cancelled."""
        while True:
            await self.held()
            await asyncio.sleep(0)  # those who came together wait together
            if self._studio is not None:
                self._studio.run(STEP_MS)
                continue
            self.windows.part()
            if len(self.windows["source"].segments) > 12:
                self.windows.drop(1)


@asynccontextmanager
async def served(world: LiveWorld, app: ASGIApp | None = None) -> AsyncIterator[str]:
    """The world, or an app around it, on a loopback port: the base address of its channel."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)  # a request may come before uvicorn has begun
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        app or world.live, lifespan="off", log_level="warning", access_log=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    feeding = asyncio.create_task(world.feed())
    try:
        yield f"http://127.0.0.1:{port}/live/{CHANNEL}/"
    finally:
        feeding.cancel()
        server.should_exit = True
        await asyncio.gather(serving, feeding, return_exceptions=True)
        listener.close()
