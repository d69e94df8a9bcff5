"""The money API, over HTTP, with the pretend provider."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from chat.donations.provider_fake import FakeProvider
from chat.donations.signature import HEADER
from chat.donations.till import Till
from chat.entry import Entry, RoomId
from chat.people import UserId
from tests.signaling.door import Door, bearer, open_door

MONEY = {"provider": "fake", "orders_per_minute": 1_000}


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(tmp_path, money=MONEY) as opened:
        yield opened


def till(door: Door) -> Till:
    found = door.house.till
    assert found is not None
    return found


def fake(door: Door) -> FakeProvider:
    found = till(door).fake
    assert found is not None
    return found


async def donate(door: Door, key: str | None = None, **wish: Any) -> httpx.Response:
    body = {"amount": 500, "currency": "EUR", "name": "Ann", "text": "hi", **wish}
    headers = {} if key is None else {"Idempotency-Key": key}
    return await door.http.post("/api/channels/live/donations", json=body, headers=headers)


async def paid(door: Door, **wish: Any) -> str:
    donation: str = (await donate(door, **wish)).json()["id"]
    assert (await door.http.post(f"/fake-pay/{donation}")).json() == {"outcome": "applied"}
    return donation


async def alerts(door: Door) -> list[Entry]:
    """What the room was told, after the outbox did its work."""
    await till(door).outbox.drain(door.clock.wall_ms())
    assert door.house.chat is not None
    return list(await door.house.chat.history.after(RoomId("live"), 0, 100))


def token(door: Door, user: str = "u1", name: str = "Bea") -> str:
    until_s = door.clock.wall_ms() // 1000 + 60
    return door.house.users.issue(RoomId("live"), UserId(user), name, [], until_s)


# --- donations


async def test_a_donation_is_made_paid_and_shown_in_the_room(door: Door) -> None:
    made = await donate(door, seen=1_000)
    assert made.status_code == 201
    shown = made.json()
    location = f"/api/donations/{shown['id']}"
    assert made.headers["location"] == location
    assert shown == {
        "id": shown["id"], "channel": "live", "amount": 500, "currency": "EUR", "shown": "€5.00",
        "state": "open", "left": 0, "checkout": f"/fake-pay/{shown['id']}",
        "created_ms": door.clock.wall_ms(),
    }  # fmt: skip
    assert await alerts(door) == []
    await door.http.post(shown["checkout"])
    assert (await door.http.get(location)).json()["state"] == "paid"
    (entry,) = await alerts(door)
    assert (entry.kind, entry.key, entry.t_seen) == ("alert", f"donation:{shown['id']}", 1_000)


async def test_paying_twice_counts_once(door: Door) -> None:
    donation = await paid(door)
    again = await door.http.post(f"/fake-pay/{donation}")
    assert again.json() == {"outcome": "repeated"}
    assert len(await alerts(door)) == 1


async def test_the_same_key_is_the_same_donation_and_another_body_is_409(door: Door) -> None:
    first = await donate(door, key="k1")
    again = await donate(door, key="k1")
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    other = await donate(door, key="k1", amount=501)
    assert (other.status_code, other.json()["code"]) == (409, "key-reused")
    assert (await donate(door, key="a b")).status_code == 422


@pytest.mark.parametrize(
    "wish",
    [
        {"amount": 0}, {"amount": -500}, {"amount": 5.5}, {"amount": 500.0}, {"amount": "500"},
        {"amount": None}, {"amount": True}, {"amount": 10**8}, {"amount": 10**30},
        {"amount": 99}, {"amount": 100_001}, {"currency": "XXX"}, {"currency": "JPY"},
        {"currency": ""}, {"text": "x" * 301}, {"name": "x" * 41}, {"text": "\u200b"},
    ],
    ids=str,
)  # fmt: skip
async def test_what_cannot_be_paid_or_shown_is_422(door: Door, wish: dict[str, Any]) -> None:
    refused = await donate(door, **wish)
    assert (refused.status_code, refused.json()["code"]) == (422, "value-refused")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"amount":1}', b'{"amount":500,"currency":"EUR","x":1}', b"\xff"]
)
async def test_what_is_no_donation_is_400(door: Door, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    refused = await door.http.post("/api/channels/live/donations", content=body, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "json-malformed")


async def test_a_user_is_shown_by_the_token_and_not_by_a_typed_name(door: Door) -> None:
    await paid(door, user=token(door), name="Somebody else")
    await paid(door, user=token(door), anonymous=True)
    named, hidden = (entry.body for entry in await alerts(door))
    assert b'"user":{"name":"Bea","id":"u1"}' in named
    assert b'"user":{"name":""}' in hidden


async def test_a_forged_user_is_401_and_a_channel_for_some_asks_for_a_token(door: Door) -> None:
    assert (await donate(door, user="x.y.z")).json()["code"] == "token-invalid"
    await door.admin("PATCH", "/api/channels/live", {"access": "token"})
    assert (await donate(door)).status_code == 401
    url = "/api/channels/nobody/donations"
    assert (await door.http.post(url, json={})).status_code == 404


async def test_an_unknown_donation_is_404(door: Door) -> None:
    assert (await door.http.get("/api/donations/don_x")).status_code == 404
    assert (await door.http.post("/fake-pay/don_x")).status_code == 404


async def test_one_address_may_not_try_out_cards(tmp_path: Path) -> None:
    async with open_door(tmp_path, money={"provider": "fake", "orders_per_minute": 2}) as door:
        answers = [await donate(door) for _ in range(3)]
        assert [one.status_code for one in answers] == [201, 201, 429]
        assert "retry-after" in answers[2].headers


# --- webhooks


async def post(door: Door, body: bytes, headers: dict[str, str], name: str = "fake") -> int:
    return (await door.http.post(f"/webhooks/{name}", content=body, headers=headers)).status_code


async def test_a_signed_event_is_taken_twice_and_counted_once(door: Door) -> None:
    donation = (await donate(door)).json()["id"]
    standing = await till(door).intents.get(donation)
    assert standing is not None
    letter = fake(door).tell_payment(donation, standing.donation.money)
    headers = fake(door).sign(letter, door.clock.wall_ms())
    assert [await post(door, letter.body, headers) for _ in range(3)] == [200, 200, 200]
    assert len(await alerts(door)) == 1
    assert door.counted("sluice_money_webhooks_total", outcome="applied") == 1
    assert door.counted("sluice_money_webhooks_total", outcome="repeated") == 2


async def test_without_a_good_signature_it_is_400_and_nothing_changes(door: Door) -> None:
    donation = (await donate(door)).json()["id"]
    standing = await till(door).intents.get(donation)
    assert standing is not None
    letter = fake(door).tell_payment(donation, standing.donation.money)
    good = fake(door).sign(letter, door.clock.wall_ms())
    assert await post(door, letter.body, {}) == 400
    assert await post(door, letter.body, {HEADER: "t=1,v1=00"}) == 400
    assert await post(door, letter.body + b" ", good) == 400
    door.clock.advance(301_000)
    assert await post(door, letter.body, good) == 400
    assert (await door.http.get(f"/api/donations/{donation}")).json()["state"] == "open"
    assert await alerts(door) == []


async def test_another_providers_webhook_is_not_here(door: Door) -> None:
    assert await post(door, b"{}", {}, "stripe") == 404


async def test_a_body_without_end_is_413(door: Door) -> None:
    assert await post(door, b"x" * 300_000, {}) == 413


async def test_while_the_ledger_is_locked_the_provider_is_told_to_come_again(door: Door) -> None:
    donation = (await donate(door)).json()["id"]
    standing = await till(door).intents.get(donation)
    assert standing is not None
    letter = fake(door).tell_payment(donation, standing.donation.money)
    headers = fake(door).sign(letter, door.clock.wall_ms())
    other = sqlite3.connect(door.house.settings.storage.path / "money.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    answer = await door.http.post("/webhooks/fake", content=letter.body, headers=headers)
    other.execute("ROLLBACK")
    other.close()
    assert (answer.status_code, answer.json()["code"]) == (503, "ledger-down")
    assert "retry-after" in answer.headers
    assert await post(door, letter.body, headers) == 200


# --- refunds


async def give_back(door: Door, donation: str, key: str | None, **wish: Any) -> httpx.Response:
    headers = bearer("adm_" + "a" * 40) | ({} if key is None else {"Idempotency-Key": key})
    url = f"/api/donations/{donation}/refunds"
    return await door.http.post(url, json=wish, headers=headers)


async def test_a_part_and_then_the_rest_go_back(door: Door) -> None:
    donation = await paid(door)
    part = await give_back(door, donation, "k1", amount=200)
    assert part.status_code == 201
    assert part.json() == {
        "id": part.json()["id"], "donation": donation, "amount": 200, "currency": "EUR",
        "shown": "€2.00", "state": "done",
    }  # fmt: skip
    assert (await give_back(door, donation, "k1", amount=200)).status_code == 200
    shown = (await door.http.get(f"/api/donations/{donation}")).json()
    assert (shown["state"], shown["left"]) == ("partly-returned", 300)
    above = await give_back(door, donation, "k2", amount=301)
    assert (above.status_code, above.json()["code"]) == (409, "refund-refused")
    assert (await give_back(door, donation, "k3")).json()["amount"] == 300
    assert (await door.http.get(f"/api/donations/{donation}")).json()["state"] == "returned"


async def test_only_the_admin_gives_back_and_only_with_a_key(door: Door) -> None:
    donation = await paid(door)
    url = f"/api/donations/{donation}/refunds"
    assert (await door.http.post(url, json={})).status_code == 401
    owner = bearer(door.keys["live"])
    assert (await door.http.post(url, json={}, headers=owner)).status_code == 403
    assert (await give_back(door, donation, None)).status_code == 422
    assert (await give_back(door, "don_x", "k1", amount=5)).status_code == 404
    assert (await give_back(door, donation, "k1", amount=-5)).status_code == 422


# --- subscriptions


async def test_a_subscription_is_made_paid_and_told(door: Door) -> None:
    body = {"user": token(door), "currency": "eur"}
    made = await door.http.post("/api/channels/live/subscriptions", json=body)
    assert made.status_code == 201
    shown = made.json()
    assert (shown["shown"], shown["months"], shown["until_ms"]) == ("€4.99", 0, 0)
    assert (await door.http.post(shown["checkout"])).json() == {"outcome": "applied"}
    kinds = [entry.kind for entry in await alerts(door)]
    assert kinds == ["alert", "subscription"]
    again = await door.http.post("/api/channels/live/subscriptions", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "subscribed-already")


async def test_a_subscription_needs_a_user_and_a_price(door: Door) -> None:
    url = "/api/channels/live/subscriptions"
    assert (await door.http.post(url, json={"user": "x", "currency": "EUR"})).status_code == 401
    other = await door.http.post(url, json={"user": token(door), "currency": "JPY"})
    assert other.status_code == 422


# --- goal, leaderboard, offers


async def test_the_owner_sets_a_goal_that_everybody_sees(door: Door) -> None:
    url = "/api/channels/live/goal"
    assert (await door.http.get(url)).json() == {"goal": None}
    wish = {"title": "New mic", "currency": "EUR", "target": 10_000}
    assert (await door.http.put(url, json=wish)).status_code == 401
    owner = bearer(door.keys["live"])
    assert (await door.http.put(url, json=wish, headers=owner)).status_code == 200
    await paid(door)
    goal = (await door.http.get(url)).json()["goal"]
    assert (goal["reached"], goal["shown_target"], goal["exponent"]) == (500, "€100.00", 2)
    assert {entry.kind for entry in await alerts(door)} == {"alert", "goal"}
    for bad in ({"target": 0}, {"target": 1.5}, {"title": " "}, {"currency": "XXX"}):
        refused = await door.http.put(url, json=wish | bad, headers=owner)
        assert refused.status_code == 422, bad


async def test_the_leaderboard_has_places_by_currency(door: Door) -> None:
    await paid(door, amount=500)
    await paid(door, amount=700, user=token(door))
    url = "/api/channels/live/leaderboard"
    (board,) = (await door.http.get(url)).json()["boards"]
    assert board["currency"] == "EUR"
    assert [(one["place"], one["name"], one["user"]) for one in board["donors"]] == [
        (1, "Bea", "u1"), (2, "Ann", None),
    ]  # fmt: skip
    assert len((await door.http.get(f"{url}?limit=1")).json()["boards"][0]["donors"]) == 1
    assert (await door.http.get(f"{url}?since={2**50}")).json() == {"boards": []}
    for query in ("limit=101", "limit=x", "since=-1", f"since={'9' * 30}"):
        assert (await door.http.get(f"{url}?{query}")).status_code == 422


async def test_what_can_be_paid_is_told(door: Door) -> None:
    offers = (await door.http.get("/api/channels/live/money")).json()
    assert offers["provider"] == "fake"
    assert offers["currencies"][0] == {
        "currency": "EUR", "exponent": 2, "least": 100, "most": 100_000
    }  # fmt: skip
    assert offers["subscriptions"][0]["shown"] == "€4.99"


async def test_without_a_provider_there_is_nothing_to_pay(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        offers = (await door.http.get("/api/channels/live/money")).json()
        assert offers == {"provider": "none", "currencies": [], "subscriptions": []}
        refused = await donate(door)
        assert (refused.status_code, refused.json()["code"]) == (404, "money-off")
        assert await post(door, b"{}", {}) == 404
        assert (await door.http.post("/fake-pay/x")).status_code == 404
