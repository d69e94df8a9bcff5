"""What one running Sluice holds, and how it starts and ends."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from sfu.fake import FakeEngine
from signaling.app import build_house
from signaling.openapi import OPERATIONS
from sluice.clock import VirtualClock
from sluice.config import Settings
from tests.signaling.door import ADMIN, SECRET, Door, open_door


def settings(folder: Path) -> Settings:
    return Settings(storage={"path": folder})  # type: ignore[arg-type]


def test_the_first_start_makes_an_admin_token_and_the_second_keeps_it(tmp_path: Path) -> None:
    first = build_house(settings(tmp_path), engine=FakeEngine(), clock=VirtualClock())
    assert first.new_admin_token is not None
    first.gate.check_admin(first.new_admin_token)
    second = build_house(settings(tmp_path), engine=FakeEngine(), clock=VirtualClock())
    assert second.new_admin_token is None
    second.gate.check_admin(first.new_admin_token)
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert first.new_admin_token.encode() not in stored


async def test_it_closes_sessions_and_the_engine_and_can_be_closed_twice(door: Door) -> None:
    await door.go_live()
    await door.watch()
    await door.house.close()
    await door.house.close()
    assert door.engine.stopped
    assert door.engine.peers == {}
    assert len(door.house.sessions) == 0


async def test_a_failed_enforcement_is_logged_and_tried_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    import signaling.house

    tries: list[int] = []
    twice = asyncio.Event()

    async def fail() -> bool:
        tries.append(1)
        if len(tries) == 2:
            twice.set()
        raise OSError("locked")

    monkeypatch.setattr(signaling.house, "ENFORCE_S", 0.001)
    monkeypatch.setattr(door.house.book, "refresh", fail)
    with structlog.testing.capture_logs() as logs:
        async with asyncio.timeout(10):
            await twice.wait()
    assert any("enforcement failed" in entry["event"] for entry in logs)


ADMIN_PORT = 9_000
ADMINS = [one for one in OPERATIONS if one.auth == "admin"]


async def test_with_an_admin_port_there_is_no_admin_elsewhere(tmp_path: Path) -> None:
    """Every operation for the admin, so that a new one cannot be forgotten."""
    server = {"admin_port": ADMIN_PORT}
    auth = {"admin_token": ADMIN, "viewer_token_secret": SECRET}
    outside, inside = [], []
    async with open_door(tmp_path, server=server, auth=auth, money={"provider": "fake"}) as door:
        for operation in ADMINS:
            path = operation.path.replace("{channel}", "live")
            path = path.replace("{peer}", "1").replace("{donation}", "d1")
            method = operation.method.upper()
            outside.append(await door.admin(method, path))
            inside.append(await door.admin(method, f"http://sluice.test:{ADMIN_PORT}{path}"))
    assert len(outside) > 10
    assert {answer.status_code for answer in outside} == {404}
    assert {answer.json()["code"] for answer in outside} == {"not-found"}
    assert not any(answer.text == outside[0].text for answer in inside)


async def test_at_the_public_port_the_admin_token_is_no_owners_key(tmp_path: Path) -> None:
    auth = {"admin_token": ADMIN, "viewer_token_secret": SECRET}
    async with open_door(tmp_path, server={"admin_port": ADMIN_PORT}, auth=auth) as door:
        path = "/api/channels/live/markers"
        mark = {"title": "here"}
        outside = await door.admin("POST", path, mark)
        inside = await door.admin("POST", f"http://sluice.test:{ADMIN_PORT}{path}", mark)
        assert outside.status_code == 403
        assert inside.status_code not in (401, 403)
