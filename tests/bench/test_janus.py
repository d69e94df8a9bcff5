"""How peers get into Janus: its API, played by a small WebSocket server."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from signaling.load_door import LoadFailed, Refused
from tests.bench.fakes import FakeClock, FakeLoad
from tests.bench.janus import JanusDoor


class FakeJanus:
    """Acknowledges, then answers: handles count up, and the feed is 77."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, object]] = []
        self.answers: list[object] = []
        self.full = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_get("/", self._serve)
        async with TestServer(app) as server:
            yield str(server.make_url("/")).replace("http", "ws", 1)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("janus-protocol",))
        await socket.prepare(request)
        ids = itertools.count(1)
        async for message in socket:
            asked = message.json()
            kind, body = asked["janus"], asked.get("body", {})
            self.asked.append((body.get("request", kind), asked.get("handle_id")))
            transaction = {"transaction": asked["transaction"]}
            if kind != "message":
                await socket.send_json(
                    {"janus": "success", "data": {"id": next(ids)}} | transaction
                )
                continue
            await socket.send_json({"janus": "ack"} | transaction)
            event: dict[str, object] = {"janus": "event", "plugindata": {"data": {"id": 77}}}
            if body.get("ptype") == "subscriber":
                assert body["streams"] == [{"feed": 77}]
                event["jsep"] = {"type": "offer", "sdp": "an offer"}
                if self.full:
                    event["plugindata"] = {"data": {"error": "full", "error_code": 432}}
            elif body["request"] == "publish":
                event["jsep"] = {"type": "answer", "sdp": f"answer to {asked['jsep']['sdp']}"}
            elif body["request"] == "start":
                self.answers.append(asked["jsep"]["sdp"])
            await socket.send_json(event | transaction)
        return socket


async def test_a_publisher_offers_and_viewers_answer() -> None:
    janus, load = FakeJanus(), FakeLoad(FakeClock())
    async with janus.running() as url, JanusDoor(url) as door:
        assert await door.publish(load) == [0]
        viewers = [await door.join(load) for _ in range(2)]
        await door.leave(viewers[0])
    assert load.published == [True]
    assert (viewers, janus.answers) == ([0, 1], ["answer to an offer"] * 2)
    assert [kind for kind, _ in janus.asked] == [
        "create",
        *("attach", "join", "publish"),
        *("attach", "join", "start") * 2,
        "detach",
        "destroy",
    ]
    assert ("detach", 3) in janus.asked
    assert door.unended == {}


async def test_a_refusal_is_the_reason_that_janus_gives() -> None:
    janus, load = FakeJanus(), FakeLoad(FakeClock())
    janus.full = True
    async with janus.running() as url, JanusDoor(url) as door:
        await door.publish(load)
        with pytest.raises(Refused, match="full"):
            await door.join(load)


async def test_an_offer_that_does_not_fit_is_a_refusal_too() -> None:
    janus, load = FakeJanus(), FakeLoad(FakeClock())
    async with janus.running() as url, JanusDoor(url) as door:
        await door.publish(load)
        load.bad_answers = True
        with pytest.raises(Refused, match="no fingerprint"):
            await door.join(load)


async def test_a_publisher_without_an_answer_fails_the_run() -> None:
    class Deaf(FakeLoad):
        def publisher_answer(self, publisher: int, sdp: str) -> None:
            raise ValueError("no fingerprint")

    janus = FakeJanus()
    async with janus.running() as url, JanusDoor(url) as door:
        with pytest.raises(LoadFailed, match="Janus and the publisher: no fingerprint"):
            await door.publish(Deaf(FakeClock()))
