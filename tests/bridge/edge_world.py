"""An edge in front of a fake origin, with a clock turned by hand and viewers without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from bridge.edge.app import Edge, EdgeLimits
from bridge.edge.upstream import HttpUpstream
from bridge.signed import Signer
from sluice.clock import VirtualClock
from tests.bridge.fake_origin import FakeOrigin

PATIENCE_S = 10.0
"""No test waits so long; one that would is broken."""


class Visit:
    """One request of one viewer, from its start."""

    def __init__(self, edge: Edge, target: str, method: str, headers: dict[str, str]) -> None:
        path, _, query = target.partition("?")
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.complete = False
        """Whether the body came to its end."""
        self._gone = asyncio.Event()
        self._news = asyncio.Event()
        scope = {
            "type": "http",
            "method": method,
            "raw_path": path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "headers": [
                (name.replace("_", "-").lower().encode(), value.encode())
                for name, value in headers.items()
            ],
        }
        self.task = asyncio.create_task(edge(scope, self._receive, self._send))

    @property
    def outcome(self) -> str | None:
        return self.headers.get("x-sluice-edge")

    async def done(self) -> Visit:
        async with asyncio.timeout(PATIENCE_S):
            await self.task
        return self

    async def got(self, body: bytes) -> None:
        """Until the body so far is this."""
        async with asyncio.timeout(PATIENCE_S):
            while self.body != body:
                self._news.clear()
                await self._news.wait()

    def leave(self) -> None:
        self._gone.set()

    async def _receive(self) -> MutableMapping[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message["body"]
            self.complete = not message.get("more_body", False)
        self._news.set()


class World:
    """The edge, its origin and the time."""

    def __init__(self, origin: FakeOrigin, signer: Signer | None, limits: EdgeLimits) -> None:
        self.origin = origin
        self.clock = VirtualClock()
        self.edge = Edge(HttpUpstream(origin.url), signer, limits, self.clock, self._pause)

    def visit(self, target: str, method: str = "GET", **headers: str) -> Visit:
        return Visit(self.edge, target, method, {"Accept_Encoding": "gzip", **headers})

    async def get(self, target: str, method: str = "GET", **headers: str) -> Visit:
        return await self.visit(target, method, **headers).done()

    async def waiting(self, count: int) -> None:
        """Until so many requests wait at the edge."""
        async with asyncio.timeout(PATIENCE_S):
            while self.edge.waiters != count:  # noqa: ASYNC110 (a gauge, and no event)
                await asyncio.sleep(0)

    async def metric(self, name: str) -> float:
        text = (await self.get("/metrics")).body.decode()
        [line] = [line for line in text.splitlines() if line.startswith(name + " ")]
        return float(line.rpartition(" ")[2])

    async def _pause(self, seconds: float) -> None:
        self.clock.advance(round(seconds * 1_000))
        await asyncio.sleep(0)


@asynccontextmanager
async def world(
    signer: Signer | None = None, limits: EdgeLimits | None = None
) -> AsyncIterator[World]:
    async with FakeOrigin() as origin:
        made = World(origin, signer, limits or EdgeLimits())
        yield made
        await made.edge.close()
