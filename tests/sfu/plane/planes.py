"""A small world around the media plane's process: its other end, and who uses it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TypeVar

from sfu.fake import FakeEngine
from sfu.plane.child import live
from sfu.plane.line import Line
from sfu.plane.wire import FROM_PLANE, FromPlane, Start, Started
from sluice.config import MediaConfig
from sluice.ids import PeerId

T = TypeVar("T")
OFFER = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=rtpmap:96 VP8/90000\r\n"


def start(first_peer: int = 0, config: MediaConfig | None = None) -> Start:
    given = config or MediaConfig(port=0, workers=1)
    return Start(given.model_dump_json().encode(), PeerId(first_peer))


class HostedFake(FakeEngine):
    """The fake as the process hosts it."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: str | None = None
        """Why it cannot start."""
        self.answers = True

    async def start(self) -> None:
        if self.taken is not None:
            raise OSError(self.taken)
        await super().start()

    async def workers_answer(self) -> bool:
        return self.answers


class Heard:
    """What comes, and waiting for it."""

    def __init__(self) -> None:
        self.messages: list[FromPlane] = []
        self._more = asyncio.Event()

    def hear(self, message: FromPlane) -> None:
        self.messages.append(message)
        self._more.set()

    def of(self, kind: type[T]) -> list[T]:
        return [message for message in self.messages if isinstance(message, kind)]

    async def next(self, kind: type[T], count: int = 1) -> T:
        """The `count`th of this kind."""
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not holds():
                self._more.clear()
                await self._more.wait()


class ChildWorld:
    """The process's main function in this very process, and the front end of its line."""

    def __init__(self) -> None:
        self.engine = HostedFake()
        self.config: MediaConfig | None = None
        self.heard = Heard()
        self.ended: list[str] = []
        self.line = Line(FROM_PLANE, self.heard.hear, self.ended.append)

    async def begin(self) -> None:
        """Connect; nothing is said yet."""
        ours, theirs = socket.socketpair()
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self.line, sock=ours)
        self.child = asyncio.create_task(live(theirs, self._make))

    async def start(self, first_peer: int = 0) -> Started:
        await self.begin()
        self.line.send(start(first_peer))
        return await self.heard.next(Started)

    async def end(self) -> None:
        self.line.close()
        async with asyncio.timeout(10):
            await self.child

    def _make(self, config: MediaConfig) -> HostedFake:
        self.config = config
        return self.engine
