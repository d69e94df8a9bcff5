"""The device is shown to the channel's owner and to the admin, and to nobody else."""

from __future__ import annotations

import json

import pytest

from sluice.ids import ChannelId
from tests.signaling.door import ADMIN, Door, bearer

PATH = "/api/channels/live/device"


async def report(door: Door, **parts: object) -> None:
    publisher = door.engine.publisher("live")
    assert publisher is not None
    door.engine.say(publisher, "device", json.dumps({"v": 1, "type": "device", **parts}).encode())
    await door.engine.settled()


async def test_the_owner_and_the_admin_see_signals_age_and_advice(door: Door) -> None:
    await door.go_live()
    await report(door, thermal="serious", battery={"level": 0.8, "charging": False})
    door.clock.advance(1_500)
    for token in (door.keys["live"], ADMIN):
        shown = await door.http.get(PATH, headers=bearer(token))
        assert shown.status_code == 200
        assert shown.headers["cache-control"] == "no-store"
        view = shown.json()
        assert view["age_ms"] == 1_500
        assert view["signals"]["battery"] == {"level": 0.8, "charging": False, "low_power": None}
        assert view["signals"]["thermal"] == "serious"
        assert (view["advice"]["level"], view["advice"]["reasons"]) == ("warn", ["heat"])


async def test_a_channel_without_a_device_shows_none(door: Door) -> None:
    nothing = {"signals": None, "age_ms": None, "advice": None}
    own = bearer(door.keys["live"])
    assert (await door.http.get(PATH, headers=own)).json() == nothing
    await door.go_live()
    assert (await door.http.get(PATH, headers=own)).json() == nothing
    await report(door, thermal="fair")
    door.clock.advance(30_001)
    assert (await door.http.get(PATH, headers=own)).json() == nothing


async def test_nobody_else_sees_anything(door: Door) -> None:
    await door.go_live()
    await report(door, thermal="serious", battery={"level": 0.123})
    other = await door.add_channel("other")
    viewer = door.house.tokens.issue(ChannelId("live"), 60, door.clock.wall_ms()).token
    assert (await door.http.get(PATH)).status_code == 401
    for token in (other, viewer):
        assert (await door.http.get(PATH, headers=bearer(token))).status_code == 403
    for path in ("/api/channels/live/state", "/api/live", "/metrics"):
        assert "0.123" not in (await door.http.get(path)).text


@pytest.mark.parametrize("name", ["nobody", "UPPER"])
async def test_there_must_be_such_a_channel(door: Door, name: str) -> None:
    shown = await door.http.get(f"/api/channels/{name}/device", headers=bearer(ADMIN))
    assert shown.json()["code"] == "channel-unknown"


async def test_metrics_count_devices_by_heat(door: Door) -> None:
    await door.go_live()
    await report(door, thermal="serious")
    text = (await door.http.get("/metrics")).text
    assert 'sluice_device_channels{thermal="serious"} 1.0' in text
    assert 'sluice_device_signals_total{result="taken"} 1.0' in text
