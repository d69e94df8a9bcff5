"""How a channel's recordings are kept, over HTTP: who may choose what, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from recorder.retention import DAY_MS
from tests.signaling.door import ADMIN, Door, bearer
from tests.signaling.vod_world import CHANNEL, VOD, open_vods, owner

API = f"/api/channels/{CHANNEL}/keeping"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with open_vods(tmp_path, keep_days=10_000, quota_gb=100) as opened:
        yield opened


async def put(door: Door, headers: dict[str, str], **wish: object) -> Any:
    response = await door.http.put(API, json=wish, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


async def refused(door: Door, wish: object) -> Any:
    response = await door.http.put(API, json=wish, headers=owner(door))
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert response.status_code == told["status"]
    return told


async def test_the_servers_settings_are_the_default(door: Door) -> None:
    response = await door.http.get(API, headers=owner(door))
    assert response.status_code == 200
    told = response.json()
    used = told.pop("used_bytes")
    assert used > 10_000
    assert told == {
        "keep_days": 10_000,
        "quota_gb": 100,
        "keep_clips": True,
        "chosen": {"keep_days": None, "quota_gb": None, "keep_clips": None},
        "most": {"keep_days": 10_000, "quota_gb": 100},
        "level": "fine",
    }


async def test_an_owner_chooses_within_the_servers_limits(door: Door) -> None:
    told = await put(door, owner(door), keep_days=7, quota_gb=5, keep_clips=False)
    assert (told["keep_days"], told["quota_gb"], told["keep_clips"]) == (7, 5, False)
    assert (await door.http.get(API, headers=owner(door))).json() == told
    told = await put(door, owner(door), keep_days=9)
    assert (told["keep_days"], told["quota_gb"], told["keep_clips"]) == (9, 100, True)
    assert told["chosen"] == {"keep_days": 9, "quota_gb": None, "keep_clips": None}


async def test_the_admin_goes_beyond_and_the_owner_may_follow(door: Door) -> None:
    over = await refused(door, {"keep_days": 20_000})
    assert over["code"] == "value-refused"
    assert "at most 10000 days" in over["detail"]
    told = await put(door, bearer(ADMIN), keep_days=20_000, quota_gb=0)
    assert told["most"] == {"keep_days": 20_000, "quota_gb": 0}
    await put(door, owner(door), keep_days=3, quota_gb=3)
    assert (await put(door, owner(door), keep_days=20_000, quota_gb=0))["keep_days"] == 20_000
    assert "at most 20000 days" in (await refused(door, {"keep_days": 0}))["detail"]


async def test_the_next_sweep_goes_by_it(door: Door) -> None:
    await door.house.vods.keep()
    assert (await door.http.get(f"/api/vods/{VOD}")).status_code == 200
    await put(door, owner(door), keep_days=1)
    assert (await door.http.get(f"/api/vods/{VOD}")).status_code == 200, "not before"
    door.clock.advance(2 * DAY_MS)
    await door.house.vods.keep()
    assert (await door.http.get(f"/api/vods/{VOD}")).status_code == 404
    (record,) = (await door.house.vods.catalog.deletions.page()).items
    assert record.reason == "retention"


async def test_one_that_is_kept_by_its_owner_stays(door: Door) -> None:
    await put(door, owner(door), keep_days=1)
    changed = await door.http.patch(f"/api/vods/{VOD}", json={"keep": True}, headers=owner(door))
    assert changed.json()["keep_until_ms"] is None
    door.clock.advance(2 * DAY_MS)
    await door.house.vods.keep()
    again = await door.http.patch(f"/api/vods/{VOD}", json={"keep": False}, headers=owner(door))
    vod = await door.house.vods.catalog.vods.get(VOD)
    assert vod is not None
    assert vod.ended_ms is not None
    assert again.json()["keep_until_ms"] == vod.ended_ms + DAY_MS


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"keep_days": -1}, "json-malformed"),
        ({"keep_days": 36_501}, "json-malformed"),
        ({"keep_days": 1.5}, "json-malformed"),
        ({"keep_days": "7"}, "json-malformed"),
        ({"keep_days": 10**30}, "json-malformed"),
        ({"quota_gb": -1}, "json-malformed"),
        ({"quota_gb": 1_000_001}, "json-malformed"),
        ({"keep_clips": 1}, "json-malformed"),
        ({"granted_days": 1}, "json-malformed"),
        ([], "json-malformed"),
        ({"quota_gb": 0}, "value-refused"),
        ({"quota_gb": 101}, "value-refused"),
        ({"keep_days": 0}, "value-refused"),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    door: Door, wish: object, code: str
) -> None:
    assert (await refused(door, wish))["code"] == code
    told = (await door.http.get(API, headers=owner(door))).json()
    assert told["chosen"] == {"keep_days": None, "quota_gb": None, "keep_clips": None}


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_others_have_no_say(door: Door, method: str) -> None:
    for headers, status in (({}, 401), (bearer("sk_wrong"), 403)):
        response = await door.http.request(method, API, json={}, headers=headers)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
    unknown = await door.http.request(
        method, "/api/channels/nobody/keeping", json={}, headers=bearer(ADMIN)
    )
    assert (unknown.status_code, unknown.json()["code"]) == (404, "channel-unknown")


async def test_the_next_channel_of_the_name_begins_anew(door: Door) -> None:
    await put(door, bearer(ADMIN), keep_days=20_000)
    assert (await door.admin("DELETE", f"/api/channels/{CHANNEL}")).status_code == 204
    await door.add_channel(CHANNEL)
    told = (await door.http.get(API, headers=owner(door))).json()
    assert (told["keep_days"], told["most"]["keep_days"]) == (10_000, 10_000)
    assert told["used_bytes"] == 0
