"""The one place where exceptions become responses."""

from __future__ import annotations

import pytest
import structlog

from tests.signaling.door import Door, bearer


async def test_an_unforeseen_exception_is_a_logged_and_counted_500(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("secret words")

    monkeypatch.setattr(door.house.rooms, "publish", fail)
    with structlog.testing.capture_logs() as logs:
        response = await door.publish()
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "secret words" not in response.text
    assert logs[-1]["event"] == "unexpected error"
    assert logs[-1]["path"] == "/whip/live"
    assert isinstance(logs[-1]["exc_info"], RuntimeError)
    assert door.counted("sluice_http_problems_total", code="internal") == 1


async def test_405_names_every_method_of_the_address(door: Door) -> None:
    response = await door.http.put("/api/channels/live", headers=bearer("x"))
    assert response.headers["allow"] == "DELETE, GET, PATCH"


async def test_requests_are_counted_by_route_and_not_by_address(door: Door) -> None:
    for path in ("/api/channels/live/state", "/api/channels/nobody/state", "/a", "/b"):
        await door.http.get(path)
    await door.http.request("X" * 30, "/api/time")
    route = "/api/channels/{channel}/state"
    name = "sluice_http_requests_total"
    assert door.counted(name, route=route, method="GET", status="200") == 1
    assert door.counted(name, route=route, method="GET", status="404") == 1
    assert door.counted(name, route="unmatched", method="GET", status="404") == 2
    assert door.counted(name, route="/api/time", method="other", status="405") == 1
