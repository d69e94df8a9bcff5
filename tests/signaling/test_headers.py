"""Security headers everywhere, CORS where it belongs."""

from __future__ import annotations

from pathlib import Path

import pytest

from signaling.headers import cors_methods
from tests.signaling.door import ADMIN, Door, bearer, open_door

ASKING = {"Origin": "https://other.test", "Access-Control-Request-Method": "POST"}


@pytest.mark.parametrize("path", ["/", "/api/time", "/api/channels", "/nowhere", "/whip/live"])
async def test_every_response_is_dressed_problems_too(door: Door, path: str) -> None:
    headers = (await door.http.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "camera=()" in headers["permissions-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "strict-transport-security" not in headers
    assert "set-cookie" not in headers
    assert "server" not in headers


async def test_behind_tls_browsers_are_told_to_stay_there(tmp_path: Path) -> None:
    async with open_door(tmp_path, server={"public_url": "https://live.example.org"}) as door:
        for path in ("/", "/api/time", "/nowhere"):
            headers = (await door.http.get(path)).headers
            assert headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/api/time", "cross-origin"),
        ("/vod/x/index.m3u8", "cross-origin"),
        ("/api/channels", "same-origin"),
        ("/watch/live", "same-origin"),
        ("/static/watch.js", "same-origin"),
    ],
)
async def test_other_sites_may_embed_what_has_cors_and_nothing_else(
    door: Door, path: str, policy: str
) -> None:
    headers = (await door.http.get(path)).headers
    assert headers["cross-origin-resource-policy"] == policy


async def test_only_the_studio_may_ask_for_the_camera(door: Door) -> None:
    headers = (await door.http.get("/studio")).headers
    assert "camera=(self)" in headers["permissions-policy"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/whip/live", "GET, HEAD, POST, OPTIONS"),
        ("/whep/live", "GET, HEAD, POST, OPTIONS"),
        ("/whep/live/session", "PATCH, DELETE, OPTIONS"),
        ("/whep/live/session/events", "GET, POST, OPTIONS"),
        ("/whep/live/session/events/x", "GET, POST, OPTIONS"),
        ("/api/channels/live/state", "GET, HEAD, OPTIONS"),
        ("/api/channels/live/events", "GET, HEAD, OPTIONS"),
        ("/api/time", "GET, HEAD, OPTIONS"),
        ("/api/channels", None),
        ("/api/channels/live", None),
        ("/api/channels/live/key", None),
        ("/api/peers/1", None),
        ("/metrics", None),
        ("/watch/live", None),
        ("/", None),
    ],
)
def test_where_other_origins_may_come_in(path: str, methods: str | None) -> None:
    assert cors_methods(path) == methods


async def test_a_preflight_is_answered_without_credentials(door: Door) -> None:
    response = await door.http.options("/whip/live", headers=ASKING)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert "POST" in response.headers["access-control-allow-methods"]
    for header in ("Authorization", "Content-Type", "If-Match"):
        assert header in response.headers["access-control-allow-headers"]
    assert response.headers["accept-post"] == "application/sdp"


async def test_the_answer_shows_other_origins_what_they_need(door: Door) -> None:
    response = await door.publish()
    for header in ("Location", "Link", "ETag", "Retry-After"):
        assert header in response.headers["access-control-expose-headers"]
    refused = await door.watch("live")
    assert refused.status_code == 409
    assert refused.headers["access-control-allow-origin"] == "*"


async def test_the_admin_api_has_no_cors(door: Door) -> None:
    preflight = await door.http.options("/api/channels", headers=ASKING)
    assert preflight.status_code == 405
    assert "access-control-allow-origin" not in preflight.headers
    listed = await door.http.get("/api/channels", headers=bearer(ADMIN))
    assert "access-control-allow-origin" not in listed.headers
