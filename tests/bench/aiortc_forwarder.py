"""A WHIP and WHEP server of aiortc and aiohttp, the way its users write one, to compare with.

    python -m tests.bench.aiortc_forwarder PORT

MediaRelay hands the publisher's decoded frames to each viewer's sender, which encodes them again:
that is what aiortc does with a track that is received and sent on.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from types import TracebackType
from typing import Self

from aiohttp import web
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaRelay

from signaling.load_door import LoadFailed
from tests.journeys.server import free_ports

START_S = 10.0
BOTH = 2
"""Tracks of a publisher: video and audio."""


class Forwarder:
    """One publisher, any number of viewers."""

    def __init__(self) -> None:
        self._relay = MediaRelay()
        self._tracks: list[MediaStreamTrack] = []
        self._peers: dict[str, RTCPeerConnection] = {}

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/ready", self._ready)
        app.router.add_post("/whip", self._publish)
        app.router.add_post("/whep", self._watch)
        app.router.add_delete("/session/{name}", self._end)
        app.on_shutdown.append(self._end_all)
        return app

    async def _ready(self, request: web.Request) -> web.Response:
        return web.Response(status=200 if len(self._tracks) == BOTH else 409)

    async def _publish(self, request: web.Request) -> web.Response:
        peer = RTCPeerConnection()
        peer.add_listener("track", self._tracks.append)
        return await self._answer(peer, await request.text())

    async def _watch(self, request: web.Request) -> web.Response:
        if len(self._tracks) != BOTH:
            return web.Response(status=409)
        peer = RTCPeerConnection()
        for track in self._tracks:
            peer.addTrack(self._relay.subscribe(track))
        return await self._answer(peer, await request.text())

    async def _answer(self, peer: RTCPeerConnection, offer: str) -> web.Response:
        name = str(len(self._peers))
        self._peers[name] = peer
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        answer = await peer.createAnswer()
        await peer.setLocalDescription(answer)
        return web.Response(
            status=201,
            text=peer.localDescription.sdp,
            content_type="application/sdp",
            headers={"Location": f"/session/{name}"},
        )

    async def _end(self, request: web.Request) -> web.Response:
        if (peer := self._peers.get(request.match_info["name"])) is not None:
            await peer.close()
        return web.Response()

    async def _end_all(self, app: web.Application) -> None:
        await asyncio.gather(*(peer.close() for peer in self._peers.values()))


class ForwarderProcess:
    """The forwarder on a free port of its own."""

    def __init__(self) -> None:
        self.port = free_ports(1)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.bench.aiortc_forwarder", str(self.port)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._until(lambda status: status != 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def await_publisher(self) -> None:
        """Until both tracks are there. Raises LoadFailed."""
        self._until(lambda status: status == 200)

    def _until(self, holds: Callable[[int], bool]) -> None:
        deadline = time.monotonic() + START_S
        while not holds(self._status()):
            if time.monotonic() > deadline:
                raise LoadFailed("the aiortc forwarder is not ready")
            time.sleep(0.1)

    def _status(self) -> int:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=START_S)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status
        except OSError:
            return 0  # not listening yet
        finally:
            connection.close()


if __name__ == "__main__":
    web.run_app(Forwarder().app(), host="127.0.0.1", port=int(sys.argv[1]), print=None)
