"""Tickets, names and the past of a room over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from chat.entry import Draft, RoomId
from chat.log import Hearts
from chat.people import Person
from chat.tickets import LIVES_MS, Ticket
from signaling.chat_house import ChatHouse
from tests.signaling.door import Door, bearer, open_door

CHAT = "/api/channels/live/chat"
LIVE = RoomId("live")


def chat_of(door: Door) -> ChatHouse:
    chat = door.house.chat
    assert chat is not None
    return chat


async def ticket(door: Door, body: object = None, **headers: Any) -> httpx.Response:
    return await door.http.post(f"{CHAT}/ticket", json=body or {}, **headers)


def redeemed(door: Door, response: httpx.Response, room: str = "live") -> Ticket:
    assert response.status_code == 201, response.text
    text = response.json()["ticket"]
    found = chat_of(door).hub.tickets.redeem(text, RoomId(room), door.clock.now_ms())
    assert found is not None
    return found


async def user(door: Door, **wish: object) -> str:
    response = await door.admin("POST", f"{CHAT}/users", wish)
    assert response.status_code == 201, response.text
    token: str = response.json()["user"]
    return token


async def test_anybody_gets_a_ticket_to_read_a_public_channel(door: Door) -> None:
    response = await ticket(door)
    view = response.json()
    assert view["url"] == "ws://sluice.test/chat/live"
    assert view["expires_ms"] == door.clock.wall_ms() + LIVES_MS
    found = redeemed(door, response)
    assert (found.person, found.grant.kind) == (None, "public")


async def test_the_url_of_a_server_behind_tls_is_wss(tmp_path: Path) -> None:
    server = {"public_url": "https://live.example.org"}
    async with open_door(tmp_path, server=server) as door:
        assert (await ticket(door)).json()["url"] == "wss://live.example.org/chat/live"


async def test_a_channel_for_token_bearers_wants_its_token(door: Door) -> None:
    await door.add_channel("shy", "token")
    path = "/api/channels/shy/chat/ticket"
    assert (await door.http.post(path, json={})).status_code == 401
    made = (await door.admin("POST", "/api/channels/shy/viewer-tokens", {})).json()
    response = await door.http.post(path, json={}, headers=bearer(made["token"]))
    assert redeemed(door, response, "shy").grant.jti == made["jti"]


async def test_the_stream_key_makes_the_owner(door: Door) -> None:
    found = redeemed(door, await ticket(door, headers=bearer(door.keys["live"])))
    assert found.person == Person("owner:live", "Live", {"owner"})  # type: ignore[arg-type]
    assert found.grant.kind == "key"


async def test_a_user_token_says_who_somebody_is_and_until_when(door: Door) -> None:
    token = await user(door, id="u1", name="Ann", roles=["moderator"], ttl_s=60)
    found = redeemed(door, await ticket(door, {"user": token}))
    assert found.person is not None
    assert (found.person.id, found.person.name, found.person.roles) == ("u1", "Ann", {"moderator"})
    assert found.until_ms is not None
    assert 59_000 <= found.until_ms - door.clock.now_ms() <= 60_000


async def test_an_owner_may_have_a_name(door: Door) -> None:
    token = await user(door, id="u1", name="Ann")
    response = await ticket(door, {"user": token}, headers=bearer(door.keys["live"]))
    person = redeemed(door, response).person
    assert person is not None
    assert (person.name, person.roles) == ("Ann", {"owner"})


@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
async def test_a_user_token_that_proves_nothing_is_refused(door: Door, token: str) -> None:
    response = await ticket(door, {"user": token})
    assert (response.status_code, response.json()["code"]) == (401, "user-token-invalid")


async def test_a_user_token_that_has_ended_is_refused(door: Door) -> None:
    token = await user(door, id="u1", name="Ann", ttl_s=60)
    door.clock.advance(60_000)
    assert (await ticket(door, {"user": token})).status_code == 401


async def test_only_the_admin_gives_out_user_tokens(door: Door) -> None:
    wish = {"id": "u1", "name": "Ann"}
    assert (await door.http.post(f"{CHAT}/users", json=wish)).status_code == 401


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"id": "guest:1", "name": "Ann"}, 422),
        ({"id": "owner:live", "name": "Ann"}, 422),
        ({"id": "u1", "name": "Ann", "ttl_s": 10**9}, 422),
        ({"id": "a b", "name": "Ann"}, 400),
        ({"id": "u1", "name": ""}, 400),
        ({"id": "u1", "name": "Ann", "roles": ["king"]}, 400),
    ],
)
async def test_user_tokens_that_are_not_given_out(
    door: Door, wish: dict[str, object], status: int
) -> None:
    assert (await door.admin("POST", f"{CHAT}/users", wish)).status_code == status


async def test_a_guest_gets_a_name_where_guests_may_write(door: Door, tmp_path: Path) -> None:
    refused = await door.http.post(f"{CHAT}/guest", json={"name": "Visitor"})
    assert refused.status_code == 403
    async with open_door(tmp_path / "open", chat={"guests": "write"}) as other:
        response = await other.http.post(f"{CHAT}/guest", json={"name": "Visitor"})
        found = redeemed(other, await ticket(other, {"user": response.json()["user"]}))
        assert found.person is not None
        assert found.person.id.startswith("guest:")


async def filled(door: Door, count: int = 3) -> int:
    """A room with alerts, one a second; the moment of the first."""
    began_ms = door.clock.wall_ms()
    for number in range(count):
        draft = Draft("alert", b'{"n":%d}' % number, door.clock.wall_ms())
        await chat_of(door).hub.append(LIVE, draft)
        door.clock.advance(1_000)
    return began_ms


async def test_history_is_read_by_stream_time(door: Door) -> None:
    began_ms = await filled(door)
    query = {"since": began_ms + 1_000, "until": began_ms + 9_000}
    view = (await door.http.get(f"{CHAT}/history", params=query)).json()
    assert [item["n"] for item in view["items"]] == [1, 2]
    assert view["next"] is None


async def test_history_comes_in_pages(door: Door) -> None:
    began_ms = await filled(door)
    query: dict[str, int] = {"since": began_ms, "until": began_ms + 9_000, "limit": 2}
    first = (await door.http.get(f"{CHAT}/history", params=query)).json()
    rest = await door.http.get(f"{CHAT}/history", params={**query, "after": first["next"]})
    assert [item["n"] for item in rest.json()["items"]] == [2]


async def test_what_is_for_staff_is_not_in_the_history(door: Door) -> None:
    began_ms = door.clock.wall_ms()
    draft = Draft("held", b'{"why":"words"}', began_ms, staff=True)
    await chat_of(door).hub.append(LIVE, draft)
    query = {"since": 0, "until": began_ms + 1}
    assert (await door.http.get(f"{CHAT}/history", params=query)).json()["items"] == []


@pytest.mark.parametrize("query", ["", "since=1", "since=x&until=2", "since=1&until=2&limit=501"])
async def test_a_history_that_cannot_be_read(door: Door, query: str) -> None:
    assert (await door.http.get(f"{CHAT}/history?{query}")).status_code == 422


async def test_reactions_are_told_by_second(door: Door) -> None:
    await chat_of(door).history.open(LIVE)
    await chat_of(door).history.add_hearts(LIVE, [Hearts(100, "heart", 5)])
    view = (await door.http.get(f"{CHAT}/hearts?since=0&until=1000")).json()
    assert view == {"totals": [{"second": 100, "emote": "heart", "n": 5}]}
    far = await door.http.get(f"{CHAT}/hearts?since=0&until=1000000")
    assert far.status_code == 422


async def test_a_deleted_channels_room_is_gone(door: Door) -> None:
    await filled(door)
    await door.admin("DELETE", "/api/channels/live")
    await door.add_channel("live")
    query = {"since": 0, "until": 2**50}
    assert (await door.http.get(f"{CHAT}/history", params=query)).json()["items"] == []
