"""An HTTP proxy before the store that fails as it is told: 500, stalls, lies, is not there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Seen:
    """A request."""

    method: str
    path: str
    head: str


@dataclass(frozen=True)
class Reply:
    """Answered by the proxy itself; the store never hears of the request."""

    status: int
    code: str = ""
    """S3's error code."""
    headers: tuple[str, ...] = ()
    body: str = ""


class Stall:
    """Read, and never answered."""


class Reset:
    """The connection breaks."""


@dataclass(frozen=True)
class Change:
    """Passed on, with a change of what goes to the store, or of the answer."""

    head: Callable[[bytes], bytes] = lambda head: head
    body: Callable[[bytes], bytes] = lambda body: body
    answer: Callable[[bytes], bytes] = lambda answer: answer


Fault = Reply | Stall | Reset | Change
Rule = Callable[[Seen], Fault | None]


class FaultyProxy:
    """One request per connection; `rule` says what comes of each. None: it is passed on."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._upstream = (parts.hostname or "", parts.port or 80)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._connections: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()
        self.rule: Rule = lambda seen: None
        self.requests: list[Seen] = []

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Nobody listens, and open connections break."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for one in list(self._connections):
            one.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def until(self, enough: Callable[[list[Seen]], bool]) -> None:
        """Wait until the requests seen so far are enough."""
        async with self._changed:
            await self._changed.wait_for(lambda: enough(self.requests))

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            method, path, _ = head.decode("latin-1").split(" ", 2)
            seen = Seen(method, path, head.decode("latin-1"))
            fault = self.rule(seen)
            async with self._changed:
                self.requests.append(seen)
                self._changed.notify_all()
            writer.write(await self._answer(head, body, fault))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, _BrokenOff):
            pass
        finally:
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

    async def _answer(self, head: bytes, body: bytes, fault: Fault | None) -> bytes:
        if isinstance(fault, Stall):
            await asyncio.Event().wait()
        if isinstance(fault, Reset):
            raise _BrokenOff
        if isinstance(fault, Reply):
            error = f"<Error><Code>{fault.code}</Code></Error>" if fault.code else ""
            text = (fault.body or error).encode()
            lines = [f"HTTP/1.1 {fault.status} x", "Connection: close", *fault.headers]
            lines.append(f"Content-Length: {len(text)}")
            return "\r\n".join(lines).encode() + b"\r\n\r\n" + text
        change = fault if isinstance(fault, Change) else Change()
        reader, writer = await asyncio.open_connection(*self._upstream)
        try:
            writer.write(change.head(_closing(head)) + change.body(body))
            return change.answer(_closing(await reader.read()))
        finally:
            writer.close()


class _BrokenOff(Exception):
    pass


def _closing(message: bytes) -> bytes:
    """A request or an answer after which the connection ends."""
    head, _, body = message.partition(b"\r\n\r\n")
    lines = [one for one in head.split(b"\r\n") if not one.lower().startswith(b"connection:")]
    return b"\r\n".join([*lines, b"Connection: close"]) + b"\r\n\r\n" + body


@asynccontextmanager
async def faulty_proxy(upstream: str) -> AsyncIterator[FaultyProxy]:
    proxy = FaultyProxy(upstream)
    await proxy.up()
    try:
        yield proxy
    finally:
        await proxy.down()
