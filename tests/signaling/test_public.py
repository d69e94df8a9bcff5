"""The public API and the health checks."""

from __future__ import annotations

from pathlib import Path

from tests.signaling.door import ADMIN, Door, bearer, open_door


async def test_the_time(door: Door) -> None:
    assert (await door.http.get("/api/time")).json() == {"now_ms": door.clock.wall_ms()}


async def test_the_state_of_a_channel_before_and_while_it_is_live(door: Door) -> None:
    assert await door.state() == {
        "channel": "live", "title": "Live", "live": False, "stalled": False, "viewers": 0,
        "since_ms": None, "layers": [], "renditions": [], "captions": [], "records": False,
    }  # fmt: skip
    await door.go_live()
    await door.watch()
    door.engine.connect(door.viewers()[0])
    await door.engine.settled()
    state = await door.state()
    assert (state["live"], state["viewers"]) == (True, 1)
    assert state["since_ms"] == door.clock.wall_ms()
    assert [layer["rid"] for layer in state["layers"]] == ["h", "q"]


async def test_the_live_list_shows_public_channels_only(door: Door) -> None:
    await door.add_channel("shy", "token")
    await door.add_channel("off")
    await door.go_live("live")
    await door.go_live("shy")
    listed = (await door.http.get("/api/live")).json()["channels"]
    assert [one["channel"] for one in listed] == ["live"]
    assert listed[0]["title"] == "Live"


async def test_metrics_show_the_engine_and_the_broadcasts(door: Door) -> None:
    await door.go_live()
    text = (await door.http.get("/metrics")).text
    assert "sluice_engine_peers 1.0" in text
    assert "sluice_broadcasts 1.0" in text
    assert 'sluice_engine_events_total{event="MediaStarted"} 1.0' in text
    assert 'sluice_media_join_seconds_bucket{le="+Inf"} 3.0' in text
    assert "live" not in {part for line in text.splitlines() for part in line.split('"')[1::2]}


async def test_metrics_can_be_kept_for_the_admin(tmp_path: Path) -> None:
    async with open_door(tmp_path, auth={"admin_token": ADMIN, "metrics_open": False}) as door:
        assert (await door.http.get("/metrics")).status_code == 401
        assert (await door.http.get("/metrics", headers=bearer(ADMIN))).status_code == 200


async def test_health_and_readiness(door: Door) -> None:
    assert (await door.http.get("/healthz")).json() == {"status": "ok"}
    assert (await door.http.get("/readyz")).json() == {"status": "ok"}
    door.house.begin_stop()
    stopping = await door.http.get("/readyz")
    assert (stopping.status_code, stopping.json()) == (503, {"status": "stopping"})
    assert (await door.http.get("/healthz")).status_code == 200


async def test_a_dead_media_plane_is_broken(door: Door) -> None:
    await door.engine.stop()
    await door.removals()
    assert (await door.http.get("/healthz")).status_code == 503
    assert (await door.http.get("/readyz")).json() == {"status": "broken"}
