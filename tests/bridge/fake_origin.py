"""An origin on loopback that answers what a test told it to, and counts who asks.

async with FakeOrigin() as origin:
    origin.put("/live/lina/source/index.m3u8", b"#EXTM3U", cache="max-age=1")
    held = origin.hold("/live/lina/source/index.m3u8?_HLS_msn=7")
    ...  # held.asked says when the question has come; held.release(b"...") answers it
"""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from dataclasses import dataclass, field

from aiohttp import web

from tests.journeys.server import free_ports

GRANT = "X-Sluice-Grant"


@dataclass
class Canned:
    """An answer. `cache` is its Cache-Control; empty: none."""

    body: bytes
    cache: str = ""
    status: int = 200
    zipped: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        headers = {"Content-Type": "application/octet-stream", **self.headers}
        if self.cache:
            headers["Cache-Control"] = self.cache
        body = self.body
        if self.zipped:
            headers["Content-Encoding"] = "gzip"
            body = gzip.compress(body, mtime=0)
        return web.Response(status=self.status, headers=headers, body=body)


class Held:
    """A question that waits for its answer."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer: asyncio.Future[Canned] = asyncio.get_running_loop().create_future()

    def release(self, body: bytes, cache: str = "max-age=12", status: int = 200) -> None:
        self.answer.set_result(Canned(body, cache, status, zipped=status == 200))


class Flowing:
    """A body that is sent as the test makes it; `None` ends it, an exception breaks it off."""

    def __init__(self) -> None:
        self.chunks: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.cache = "max-age=60"


class FakeOrigin:
    """Listens on one port for all its lives."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        """Questions by path and query, as they came."""
        self.grants: dict[str, set[str | None]] = {}
        """By channel: what opens it; a channel that is not here is open."""
        self.headers: list[dict[str, str]] = []
        """Of every question, in order."""
        self.port = free_ports(1)
        self._answers: dict[str, Canned | Held | Flowing] = {}
        self._runner: web.AppRunner | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/chat/{channel}", _echo)
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()

    async def stop(self) -> None:
        """As a crash: all connections break."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        if runner.server is not None:
            for connection in list(runner.server.connections):
                if connection.transport is not None:
                    connection.transport.abort()
        await runner.cleanup()

    async def __aenter__(self) -> FakeOrigin:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def put(
        self,
        target: str,
        body: bytes,
        cache: str = "",
        status: int = 200,
        zipped: bool = False,
        **headers: str,
    ) -> None:
        """Answer this path and query so. `headers`: with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers[target] = Canned(body, cache, status, zipped, named)

    def hold(self, target: str) -> Held:
        held = self._answers[target] = Held()
        return held

    def flow(self, target: str) -> Flowing:
        flowing = self._answers[target] = Flowing()
        return flowing

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        target = request.raw_path
        self.asked[target] += 1
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        if target == "/healthz":
            return web.Response(text="ok")
        if target.startswith("/live-grant/"):
            return self._grant(target.removeprefix("/live-grant/"), request.headers.get(GRANT))
        answer = self._answers.get(target)
        if answer is None:
            return Canned(b"unknown", "max-age=1", 404).response()
        if isinstance(answer, Canned):
            return answer.response()
        if isinstance(answer, Held):
            answer.asked.set()
            return (await asyncio.shield(answer.answer)).response()
        return await self._flow(request, answer)

    def _grant(self, channel: str, grant: str | None) -> web.Response:
        if channel not in self.grants or grant in self.grants[channel]:
            return web.Response(status=204, headers={"Cache-Control": "max-age=5"})
        return web.Response(status=403 if grant else 401)

    async def _flow(self, request: web.Request, flowing: Flowing) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Cache-Control": flowing.cache, "Content-Type": "video/mp4"}
        )
        await response.prepare(request)
        while (chunk := await flowing.chunks.get()) is not None:
            if isinstance(chunk, Exception):
                assert request.transport is not None
                request.transport.abort()
                break
            await response.write(chunk)
        return response


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket
