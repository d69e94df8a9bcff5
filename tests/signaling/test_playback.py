"""Where HLS and DASH are, and who may have them."""

from __future__ import annotations

from typing import Any

import httpx

from signaling.app import create_front
from tests.signaling.door import Door, bearer

EXPIRES_S = 60


async def token_for(door: Door, channel: str) -> str:
    made = await door.admin("POST", f"/api/channels/{channel}/viewer-tokens", {"ttl_s": EXPIRES_S})
    token: str = made.json()["token"]
    return token


async def playback(door: Door, channel: str, token: str | None = None) -> httpx.Response:
    headers = bearer(token) if token else {}
    return await door.http.post(f"/api/channels/{channel}/playback", headers=headers)


async def signed(door: Door, channel: str = "shy") -> dict[str, Any]:
    await door.add_channel(channel, "token")
    found: dict[str, Any] = (await playback(door, channel, await token_for(door, channel))).json()
    return found


async def test_a_public_channel_has_plain_addresses_for_everybody(door: Door) -> None:
    answer = await playback(door, "live")
    assert answer.json() == {
        "master": "/live/live/master.m3u8",
        "manifest": "/live/live/manifest.mpd",
        "expires_ms": None,
    }


async def test_a_shy_channel_has_signed_addresses_for_those_with_a_token(door: Door) -> None:
    await door.add_channel("shy", "token")
    assert (await playback(door, "shy")).status_code == 401
    found = (await playback(door, "shy", await token_for(door, "shy"))).json()
    assert found["master"].startswith("/live/~")
    assert found["master"].endswith("/shy/master.m3u8")
    # No longer than the token that it was given for.
    assert found["expires_ms"] - door.clock.wall_ms() <= EXPIRES_S * 1_000


async def test_an_unknown_channel_is_not_found(door: Door) -> None:
    assert (await playback(door, "nobody")).status_code == 404
    assert (await door.http.get("/live-grant/nobody")).status_code == 404


async def test_edges_are_told_whether_a_grant_opens_a_channel(door: Door) -> None:
    found = await signed(door)
    grant = found["master"].split("/")[2].removeprefix("~")

    async def ask(channel: str, grant: str | None) -> httpx.Response:
        headers = {"X-Sluice-Grant": grant} if grant else {}
        return await door.http.get(f"/live-grant/{channel}", headers=headers)

    assert (await ask("shy", grant)).status_code == 204
    assert (await ask("shy", grant)).headers["cache-control"] == f"max-age={EXPIRES_S}"
    assert (await ask("shy", None)).status_code == 401
    expiry, signature = grant.split(".")
    other = "B" if signature[0] == "A" else "A"
    assert (await ask("shy", f"{expiry}.{other}{signature[1:]}")).status_code == 403
    assert (await ask("live", None)).status_code == 204
    door.clock.advance(EXPIRES_S * 1_000)
    assert (await ask("shy", grant)).status_code == 403


async def test_addresses_open_with_a_grant_in_the_path_or_from_an_edge(door: Door) -> None:
    found = await signed(door)
    grant = found["master"].split("/")[2].removeprefix("~")
    transport = httpx.ASGITransport(app=create_front(door.house))
    async with httpx.AsyncClient(transport=transport, base_url="http://sluice.test") as http:
        plain = "/live/shy/master.m3u8"
        assert (await http.get(plain)).status_code == 401
        assert (await http.get(plain, headers={"X-Sluice-Grant": "1.x"})).status_code == 403
        # Let in, and told that nobody is live.
        for answer in (
            await http.get(found["master"]),
            await http.get(plain, headers={"X-Sluice-Grant": grant}),
        ):
            assert answer.status_code == 404
            assert answer.json()["code"] == "media-unknown"
