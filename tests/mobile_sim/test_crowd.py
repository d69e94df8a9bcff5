"""A crowd talks, counts what it hears, and comes back when it was cut off."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from mobile_sim.crowd import CrowdReport, CrowdSettings, Transport, crowd
from mobile_sim.whip import Refused


class FarRoom:
    """A server with a room: what is said goes to everybody, with a number."""

    def __init__(self) -> None:
        self.sockets: list[web.WebSocketResponse] = []
        self.hellos: list[dict[str, Any]] = []
        self.seq = 0
        self.refuse: int | None = None
        self.asked: list[dict[str, Any]] = []
        app = web.Application()
        app.router.add_post("/api/channels/demo/chat/{what}", self.ask)
        app.router.add_get("/chat/demo", self.connect)
        self.server = TestServer(app)

    async def ask(self, request: web.Request) -> web.Response:
        if self.refuse is not None:
            return web.json_response({"detail": "no"}, status=self.refuse)
        self.asked.append(await request.json())
        return web.json_response({"user": "U", "ticket": "T"}, status=201)

    async def connect(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            frame = json.loads(message.data)
            if frame["op"] == "hello":
                self.hellos.append(frame)
                told = {"op": "welcome", "epoch": "e", "seq": self.seq, "recovered": True}
                await socket.send_json(told)
                self.sockets.append(socket)
            elif frame["op"] == "say":
                self.seq += 1
                await socket.send_json({"op": "ack", "id": frame["id"], "seq": self.seq, "t": 0})
                item = {"seq": self.seq, "t": 0, "kind": "message", "text": frame["text"]}
                batch = {"op": "batch", "epoch": "e", "first": self.seq, "last": self.seq,
                         "items": [item]}  # fmt: skip
                for one in self.sockets:
                    if not one.closed:
                        await one.send_json(batch)
        return socket


@pytest.fixture
async def room() -> AsyncIterator[FarRoom]:
    made = FarRoom()
    await made.server.start_server()
    yield made
    await made.server.close()


def settings(room: FarRoom, viewers: int = 3) -> CrowdSettings:
    return CrowdSettings(str(room.server.make_url("/whep/demo")), viewers, 50, Transport.WS)


async def run(room: FarRoom, enough: Any, viewers: int = 3) -> CrowdReport:
    stop = asyncio.Event()

    def look(report: CrowdReport) -> None:
        if enough(report):
            stop.set()

    async with asyncio.timeout(30):
        return await crowd(settings(room, viewers), stop, look, rng=random.Random(1))


async def test_it_talks_and_hears_itself(room: FarRoom) -> None:
    report = await run(room, lambda report: report.acked >= 10)
    assert report.said >= report.acked >= 10
    assert report.heard >= 10
    assert (report.holes, report.repeats, report.errors) == (0, 0, {})
    assert report.delay_ms_p50 is not None
    assert {frame["ticket"] for frame in room.hellos} == {"T"}


async def test_who_is_cut_off_comes_back_with_its_position(room: FarRoom) -> None:
    def cut(report: CrowdReport) -> bool:
        if report.acked and len(room.hellos) == 1:
            request = room.sockets[0]._req
            if request is not None and request.transport is not None:
                request.transport.close()
        return len(room.hellos) >= 2

    await run(room, cut, viewers=1)
    assert room.hellos[1]["resume"]["epoch"] == "e"
    assert len([body for body in room.asked if "name" in body]) == 1


async def test_a_refusal_that_cannot_change_ends_the_crowd(room: FarRoom) -> None:
    room.refuse = 403
    with pytest.raises(Refused, match="403"):
        await run(room, lambda report: False)
