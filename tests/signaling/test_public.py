"""The public API and the health checks."""

from __future__ import annotations

import asyncio
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


async def test_metrics_count_the_tasks_of_the_loop(door: Door) -> None:
    async def tasks() -> float:
        text = (await door.http.get("/metrics")).text
        return float(next(line for line in text.splitlines() if line[:13] == "sluice_tasks ")[13:])

    before = await tasks()
    more = [asyncio.create_task(asyncio.Event().wait()) for _ in range(50)]
    grown = await tasks() - before
    for one in more:
        one.cancel()
    assert 40 <= grown <= 60  # tasks of the house come and go meanwhile


async def test_metrics_can_be_kept_for_the_admin(tmp_path: Path) -> None:
    async with open_door(tmp_path, auth={"admin_token": ADMIN, "metrics_open": False}) as door:
        assert (await door.http.get("/metrics")).status_code == 401
        assert (await door.http.get("/metrics", headers=bearer(ADMIN))).status_code == 200


async def test_health_and_readiness(door: Door) -> None:
    assert (await door.http.get("/healthz")).json() == {"status": "ok"}
    assert (await door.http.get("/readyz")).json() == {"status": "ok"}
    door.house.begin_drain()
    stopping = await door.http.get("/readyz")
    assert (stopping.status_code, stopping.json()) == (503, {"status": "stopping"})
    assert (await door.http.get("/healthz")).status_code == 200


async def test_a_dead_media_plane_is_broken(door: Door) -> None:
    await door.engine.stop()
    await door.removals()
    assert (await door.http.get("/healthz")).status_code == 503
    readiness = await door.http.get("/readyz")
    assert readiness.status_code == 503
    assert readiness.json() == {"status": "broken", "problems": ["events"]}


async def test_while_there_is_no_media_plane_nobody_joins_and_all_else_goes_on(door: Door) -> None:
    await door.go_live()
    await door.watch()
    door.engine.die()
    await door.engine.settled()
    readiness = await door.http.get("/readyz")
    assert readiness.status_code == 503
    assert readiness.json() == {"status": "broken", "problems": ["engine"]}
    assert (await door.http.get("/healthz")).status_code == 200
    for refused in (await door.publish(), await door.watch()):
        assert refused.status_code == 503
        assert refused.json()["code"] == "media-restarting"
        assert refused.headers["retry-after"] == "1"
    assert len(door.house.sessions) == 0
    state = await door.state()
    assert (state["live"], state["stalled"]) == (True, True)
    assert "sluice_media_up 0.0" in (await door.http.get("/metrics")).text

    door.engine.revive()
    assert (await door.http.get("/readyz")).status_code == 200
    assert (await door.watch()).status_code == 201
    text = (await door.http.get("/metrics")).text
    assert "sluice_media_up 1.0" in text
    assert "sluice_media_restarts_total 1.0" in text
    assert 'sluice_sessions_closed_total{reason="failed",role="viewer"} 1.0' in text


async def test_what_does_not_work_is_named(door: Door) -> None:
    door.house.store.close()
    await door.house.disk.look()
    readiness = await door.http.get("/readyz")
    assert readiness.status_code == 503
    assert readiness.json() == {"status": "broken", "problems": ["store"]}


async def test_while_it_drains_nobody_new_is_let_in_and_the_others_may_stay(door: Door) -> None:
    await door.go_live()
    await door.watch()
    door.house.begin_drain()
    for refused in (await door.publish(), await door.watch()):
        assert refused.status_code == 503
        assert refused.json()["code"] == "stopping"
        assert int(refused.headers["retry-after"]) > 0
    events = await door.http.get("/api/channels/live/events")
    assert events.json()["code"] == "stopping"
    assert len(door.viewers()) == 1
    assert (await door.state())["live"] is True
    assert (await door.http.get("/healthz")).status_code == 200
