"""The document is held true: to the routes, and to real responses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]
import pytest
from starlette.routing import Route

from chat.donations.amounts import Money
from chat.donations.currencies import Currency
from chat.entry import RoomId
from chat.people import UserId
from signaling.openapi import OPERATIONS, document
from signaling.routing import Resource
from signaling.vod_operations import VOD_OPERATIONS
from tests.signaling.door import ADMIN, FRAG, SDP, Door, bearer, fragment, offer
from tests.signaling.recording_world import on_air
from tests.signaling.vod_world import CHANNEL as FILMED
from tests.signaling.vod_world import VOD, open_vods, owner

DOCUMENT: Any = document()
PAGES = {"/", "/watch/{channel}", "/channel/{channel}", "/vod/{vod}", "/clip/{clip}", "/studio"}
MEDIA = {"/vod/{path:path}", "/vod-clip/{clip}/{name}"}


async def test_every_route_is_in_it_and_everything_in_it_is_a_route(door: Door) -> None:
    routed = {
        (method.lower(), route.path)
        for route in door.app.routes
        if isinstance(route, Route) and route.path not in PAGES | MEDIA
        for method in _methods(route)
    }
    described = {(op.method, op.path) for op in OPERATIONS}
    # HEAD beside GET is HTTP's own rule; it is described only where it says something else.
    heads = {one for one in routed - described if one[0] == "head"}
    assert routed - heads == described


def _methods(route: Route) -> set[str]:
    assert isinstance(route.app, Resource)
    return set(route.app.methods)


def test_it_is_openapi_3_1_with_unique_ids_and_no_loose_ends() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    ids = [op["operationId"] for path in DOCUMENT["paths"].values() for op in path.values()]
    assert len(ids) == len(set(ids))
    for reference in _references(DOCUMENT):
        name = reference.removeprefix("#/components/schemas/")
        assert name in DOCUMENT["components"]["schemas"]
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def _references(tree: Any) -> list[str]:
    if isinstance(tree, dict):
        own = [tree["$ref"]] if "$ref" in tree else []
        return own + [found for value in tree.values() for found in _references(value)]
    if isinstance(tree, list):
        return [found for value in tree for found in _references(value)]
    return []


class Journey:
    """Calls every operation once and keeps what came back."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.seen: dict[tuple[str, str], httpx.Response] = {}

    async def call(self, method: str, pattern: str, path: str = "", **rest: Any) -> httpx.Response:
        rest.setdefault("headers", bearer(ADMIN) if pattern.startswith("/api") else {})
        response = await self.door.http.request(method, path or pattern, **rest)
        self.seen[(method.lower(), pattern)] = response
        return response

    async def pay(self, own: str, owner: dict[str, str]) -> None:
        """Everything about money, with the pretend provider."""
        call, channel, house = self.call, "/api/channels/{channel}", self.door.house
        await call("GET", f"{channel}/money", f"{own}/money")
        made = await call("POST", f"{channel}/donations", f"{own}/donations",
                          json={"amount": 500, "currency": "EUR"})  # fmt: skip
        donation = made.json()["id"]
        await call("GET", "/api/donations/{donation}", f"/api/donations/{donation}")
        await call("POST", "/fake-pay/{order}", f"/fake-pay/{donation}")
        until_s = house.clock.wall_ms() // 1000 + 60
        token = house.users.issue(RoomId("lina"), UserId("u1"), "Bea", [], until_s)
        await call("POST", f"{channel}/subscriptions", f"{own}/subscriptions",
                   json={"user": token, "currency": "EUR"})  # fmt: skip
        await call("POST", "/api/donations/{donation}/refunds",
                   f"/api/donations/{donation}/refunds", json={"amount": 100},
                   headers=bearer(ADMIN) | {"Idempotency-Key": "k"})  # fmt: skip
        await call("GET", f"{channel}/leaderboard", f"{own}/leaderboard")
        await call("PUT", f"{channel}/goal", f"{own}/goal", headers=owner,
                   json={"title": "Mic", "currency": "EUR", "target": 10_000})  # fmt: skip
        await call("GET", f"{channel}/goal", f"{own}/goal")
        assert house.till is not None
        assert house.till.fake is not None
        letter = house.till.fake.tell_payment("don_x", Money(5, Currency("EUR")))
        await call("POST", "/webhooks/{provider}", "/webhooks/fake", content=letter.body,
                   headers=house.till.fake.sign(letter, house.clock.wall_ms()))  # fmt: skip

    async def replay(self) -> None:
        """Everything about recordings: of one that is over, and of one that is live."""
        call, channel, vod = self.call, "/api/channels/{channel}", "/api/vods/{vod}"
        live, own, over = f"/api/channels/{FILMED}", owner(self.door), f"/api/vods/{VOD}"
        await on_air(self.door, 10_000)
        await call("POST", f"{channel}/markers", f"{live}/markers", json={"text": "Here"},
                   headers=own)  # fmt: skip
        await call("GET", f"{channel}/recording", f"{live}/recording", headers=own)
        await call("GET", f"{channel}/keeping", f"{live}/keeping", headers=own)
        await call("PUT", f"{channel}/keeping", f"{live}/keeping", headers=own,
                   json={"keep_days": 7})  # fmt: skip
        await call("POST", f"{channel}/clips", f"{live}/clips", json={"seconds": 5})
        await call("GET", f"{channel}/vods", f"{live}/vods?limit=1")
        await call("PATCH", vod, over, json={"title": "Roses", "keep": True}, headers=own)
        await call("PUT", f"{vod}/chapters", f"{over}/chapters", headers=own,
                   json={"chapters": [{"at_ms": 0, "title": "Begin"}]})  # fmt: skip
        text = "WEBVTT\n\n00:01.000 --> 00:02.000\nRed roses\n"
        await call("PUT", f"{vod}/captions/{{language}}", f"{over}/captions/en", content=text,
                   headers=own | {"Content-Type": "text/vtt"})  # fmt: skip
        await call("GET", vod, over)
        await call("GET", f"{vod}/search", f"{over}/search?q=roses")
        for part in ("chat", "heat"):
            await call("GET", f"{vod}/{part}", f"{over}/{part}")
        wish = {"from_ms": 1_000, "to_ms": 3_000}
        clip = (await call("POST", f"{vod}/clips", f"{over}/clips", json=wish)).json()["id"]
        await call("GET", f"{channel}/clips", f"{live}/clips")
        await call("GET", "/api/clips/{clip}", f"/api/clips/{clip}")
        await call("DELETE", "/api/clips/{clip}", f"/api/clips/{clip}", headers=own)
        await call("DELETE", f"{vod}/captions/{{language}}", f"{over}/captions/en", headers=own)
        await call("DELETE", vod, over, headers=own)
        await call("GET", f"{channel}/deletions", f"{live}/deletions", headers=own)

    async def run(self) -> None:
        call, channel = self.call, "/api/channels/{channel}"
        own = "/api/channels/lina"
        await call("POST", "/api/channels", json={"channel": "lina", "title": "L"})
        key = (await call("POST", f"{channel}/key", f"{own}/key")).json()["key"]
        owner = bearer(key)
        for room in ("whip", "whep"):
            whole, mine = f"/{room}/{{channel}}", f"/{room}/lina"
            for method in ("GET", "HEAD", "OPTIONS"):
                await call(method, whole, mine)
            direction = "sendonly" if room == "whip" else "recvonly"
            made = await call("POST", whole, mine, content=offer(direction), headers=SDP | owner)
            if room == "whip":
                self.door.engine.start_media("lina")
                await self.door.engine.settled()
            session = made.headers["location"]
            await call("OPTIONS", whole + "/{session}", session)
            await call(
                "PATCH", whole + "/{session}", session,
                content=fragment("nEwU", "n" * 24), headers=FRAG | owner | {"If-Match": "*"},
            )  # fmt: skip
            if room == "whep":
                await call("POST", whole + "/{session}/events", f"{session}/events",
                           json=["active"])  # fmt: skip
                await call("POST", whole + "/{session}/layer", f"{session}/layer", json={})
        for path in ("/api/time", "/api/live", "/api/channels", "/api/broadcasts",
                     "/api/openapi.json", "/metrics", "/healthz", "/readyz"):  # fmt: skip
            await call("GET", path)
        await call("GET", f"{channel}/state", f"{own}/state")
        publisher = self.door.engine.publisher("lina")
        assert publisher is not None
        self.door.engine.say(publisher, "device", b'{"v":1,"type":"device","thermal":"critical"}')
        await self.door.engine.settled()
        await call("GET", f"{channel}/device", f"{own}/device", headers=owner)
        await call("POST", f"{channel}/playback", f"{own}/playback")
        await call("GET", "/live-grant/{channel}", "/live-grant/lina")
        room, ours = f"{channel}/chat", f"{own}/chat"
        await call("POST", f"{room}/ticket", f"{ours}/ticket", json={})
        await call("POST", f"{room}/guest", f"{ours}/guest", json={"name": "Visitor"})
        await call("POST", f"{room}/users", f"{ours}/users", json={"id": "u1", "name": "Ann"})
        for past in ("history", "hearts"):
            await call("GET", f"{room}/{past}", f"{ours}/{past}?since=0&until=1")
        await self.pay(own, owner)
        await call("GET", channel, own)
        await call("PATCH", channel, own, json={"title": "M"})
        await call("GET", "/api/broadcasts/{channel}", "/api/broadcasts/lina")
        peers = await call("GET", "/api/broadcasts/{channel}/peers", "/api/broadcasts/lina/peers")
        viewer = peers.json()["peers"][-1]["id"]
        await call("GET", "/api/peers/{peer}", f"/api/peers/{viewer}")
        await call("DELETE", "/api/peers/{peer}", f"/api/peers/{viewer}")
        token = await call("POST", f"{channel}/viewer-tokens", f"{own}/viewer-tokens", json={})
        await call("POST", "/api/viewer-tokens/revoke", json={"jti": token.json()["jti"]})
        for room, direction in (("whep", "recvonly"), ("whip", "sendonly")):
            made = await self.door.http.post(
                f"/{room}/lina", content=offer(direction), headers=SDP | owner
            )
            await call("DELETE", f"/{room}/{{channel}}/{{session}}", made.headers["location"],
                       headers=owner)  # fmt: skip
        await call("DELETE", f"{channel}/key", f"{own}/key")
        await call("DELETE", channel, own)


async def test_every_operation_answers_as_described(tmp_path: Path) -> None:
    async with open_vods(tmp_path) as door:
        journey = Journey(door)
        await journey.run()
        await journey.replay()
    replayed = [journey.seen[op.method, op.path] for op in VOD_OPERATIONS]
    assert [one.text for one in replayed if one.is_error] == []
    streams = {(op.method, op.path) for op in OPERATIONS if "text/event-stream" in
               op.answers.values()}  # fmt: skip
    assert journey.seen.keys() == {(op.method, op.path) for op in OPERATIONS} - streams
    for (method, path), response in journey.seen.items():
        _check(DOCUMENT["paths"][path][method], response, f"{method} {path}")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/api/channels"), ("POST", "/whip/live"), ("GET", "/whip/nobody")]
)
async def test_problems_answer_as_described(door: Door, method: str, path: str) -> None:
    response = await door.http.request(method, path)
    assert response.status_code >= 400
    _validate(response.json(), {"$ref": "#/components/schemas/ProblemView"})


def _check(operation: Any, response: httpx.Response, name: str) -> None:
    described = operation["responses"].get(str(response.status_code))
    assert described is not None, f"{name}: {response.status_code} {response.text}"
    content = described.get("content")
    if content is None:
        assert response.content == b"", name
        return
    kind = response.headers["content-type"].partition(";")[0]
    assert kind in content, name
    if kind.endswith("json"):
        _validate(response.json(), content[kind]["schema"])


def _validate(instance: Any, schema: Any) -> None:
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(whole).validate(instance)
