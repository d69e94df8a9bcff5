"""Viewer tokens through the API."""

from __future__ import annotations

from typing import Any

from tests.signaling.door import Door


async def made(door: Door, ttl_s: int = 60) -> dict[str, Any]:
    await door.add_channel("shy", "token")
    await door.go_live("shy")
    response = await door.admin("POST", "/api/channels/shy/viewer-tokens", {"ttl_s": ttl_s})
    assert response.status_code == 201
    token: dict[str, Any] = response.json()
    return token


async def test_a_token_says_for_what_and_until_when(door: Door) -> None:
    token = await made(door)
    assert token["channel"] == "shy"
    assert token["expires_ms"] == door.clock.wall_ms() // 1000 * 1000 + 60_000


async def test_a_revoked_token_closes_its_viewers_at_once_and_nobody_else(door: Door) -> None:
    token = await made(door)
    other = (await door.admin("POST", "/api/channels/shy/viewer-tokens", {})).json()
    await door.watch("shy", token["token"])
    await door.watch("shy", other["token"])
    response = await door.admin("POST", "/api/viewer-tokens/revoke", {"token": token["token"]})
    assert response.status_code == 204
    assert len(door.viewers("shy")) == 1
    assert (await door.watch("shy", token["token"])).status_code == 401


async def test_it_can_be_revoked_by_its_id(door: Door) -> None:
    token = await made(door)
    await door.watch("shy", token["token"])
    await door.admin("POST", "/api/viewer-tokens/revoke", {"jti": token["jti"]})
    assert door.viewers("shy") == []
