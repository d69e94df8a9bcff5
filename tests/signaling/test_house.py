"""What one running Sluice holds, and how it starts and ends."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from sfu.fake import FakeEngine
from signaling.app import build_house
from sluice.clock import VirtualClock
from sluice.config import Settings
from tests.signaling.door import Door


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
