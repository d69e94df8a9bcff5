"""Clips of recordings and of what is live: what is made, who may, and how often."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recorder.jobs.job import Job, State
from recorder.jobs.key import Extent
from recorder.work.task import Spec
from tests.recorder.catalog.world import lay, records
from tests.signaling.door import Door, bearer
from tests.signaling.recording_world import on_air
from tests.signaling.scripted_queue import ScriptedQueue
from tests.signaling.vod_player import found, pictures
from tests.signaling.vod_world import CHANNEL, VOD, film, open_vods, owner

API = f"/api/vods/{VOD}/clips"
LIVE = f"/api/channels/{CHANNEL}/clips"
LONG = "channel-20260101-120000-abcdef"
"""200 s of it; without media."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    film(folder)
    lay(folder / "recordings", LONG, records(LONG, seconds=200))
    return folder


@pytest.fixture
def storage(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "storage"))


@pytest.fixture
async def door(storage: Path) -> AsyncIterator[Door]:
    async with open_vods(storage, clips_per_minute=100) as opened:
        yield opened


async def clip(
    door: Door, from_ms: int = 1_000, to_ms: int = 4_000, vod: str = VOD, **more: object
) -> dict[str, Any]:
    wish = {"from_ms": from_ms, "to_ms": to_ms, **more}
    response = await door.http.post(f"/api/vods/{vod}/clips", json=wish)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    assert response.headers["location"] == f"/api/clips/{made['id']}"
    return made


async def shown(door: Door, one: dict[str, Any]) -> dict[str, Any]:
    response = await door.http.get(f"/api/clips/{one['id']}")
    assert response.status_code == 200, response.text
    view: dict[str, Any] = response.json()
    return view


async def refused(door: Door, path: str, wish: object, status: int, code: str) -> None:
    response = await door.http.post(path, json=wish)
    assert (response.status_code, response.json()["code"]) == (status, code), response.text


async def clip_jobs(door: Door, vod: str = VOD) -> list[Job]:
    return [one for one in await door.house.vods.queue.of(vod) if one.spec.kind == "clip"]


async def settled(door: Door, one: dict[str, Any]) -> dict[str, Any]:
    """The clip when its job is over."""
    await over(door, one["id"])
    return await shown(door, one)


async def over(door: Door, name: str) -> None:
    vods = door.house.vods
    changes = vods.queue.changes()
    asked = await vods.catalog.clips.get(name)
    assert asked is not None
    job = await vods.queue.find(asked.output or "")
    async with asyncio.timeout(60):
        while job is None or job.key != asked.output or not job.settled:
            job = await anext(changes)
    await vods.aftermath.take(job)  # it does so by itself, and again is harmless


# --- of a recording


async def test_a_stretch_becomes_a_clip(door: Door) -> None:
    made = await clip(door, title="  Roses\u202e ")
    assert made == await shown(door, made)
    assert made["page"] == f"/clip/{made['id']}"
    assert (made["vod"], made["channel"], made["title"]) == (VOD, CHANNEL, "Roses")
    assert (made["from_ms"], made["to_ms"], made["state"]) == (1_000, 4_000, "making")
    assert (made["mp4"], made["poster"], made["progress"]) == (None, None, 0.0)
    (job,) = await clip_jobs(door)
    assert job.spec.parameters == {"from_ms": 1_000, "to_ms": 4_000, "title": "Roses"}
    assert job.priority == 10
    for name in ("clip.mp4", "poster.jpg"):
        assert (await door.http.get(f"/vod-clip/{made['id']}/{name}")).status_code == 404
    untitled = await clip(door, title="\u202e")
    assert untitled["title"] == "A title"  # the recording's


async def test_the_same_stretch_twice_is_made_once(door: Door) -> None:
    first, second, other = await clip(door), await clip(door), await clip(door, 2_000)
    assert first["id"] != second["id"]
    assert len(await clip_jobs(door)) == 2
    listed = (await door.http.get(LIVE)).json()
    assert {one["id"] for one in listed["items"]} == {first["id"], second["id"], other["id"]}


async def test_the_list_comes_in_pages(door: Door) -> None:
    made = []
    for number in range(5):
        made.append((await clip(door, 1_000 * number, 1_000 * number + 1_500))["id"])
        door.clock.advance(1_000)
    page = (await door.http.get(f"{LIVE}?limit=3")).json()
    rest = (await door.http.get(f"{LIVE}?limit=3&before={page['next']}")).json()
    assert [one["id"] for one in page["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None
    for query in ("before=x", "limit=x", "before=" + "9" * 40):
        assert (await door.http.get(f"{LIVE}?{query}")).status_code == 422


@pytest.mark.parametrize(
    ("from_ms", "to_ms", "fits"),
    [
        (0, 1_000, True), (0, 999, False), (0, 180_000, True), (0, 180_001, False),
        (20_000, 10**10, True), (19_999, 10**10, False), (199_000, 10**10, True),
        (199_001, 200_001, False), (5_000, 5_000, False), (6_000, 5_000, False),
        (10**10, 10**10, False),
    ],
)  # fmt: skip
async def test_a_clip_is_one_second_to_three_minutes_of_the_recording(
    door: Door, from_ms: int, to_ms: int, fits: bool
) -> None:
    if fits:
        made = await clip(door, from_ms, to_ms, LONG)
        assert made["to_ms"] == min(to_ms, 200_000)
        return
    wish = {"from_ms": from_ms, "to_ms": to_ms}
    await refused(door, f"/api/vods/{LONG}/clips", wish, 422, "value-refused")
    assert await clip_jobs(door, LONG) == []


@pytest.mark.parametrize(
    "wish",
    [
        {}, {"from_ms": -1, "to_ms": 5}, {"from_ms": 0, "to_ms": 10**11}, {"from_ms": "0"},
        {"from_ms": 0, "to_ms": 2_000, "title": "x" * 141}, {"from_ms": 0.5, "to_ms": 2_000},
        {"from_ms": 0, "to_ms": 2_000, "by": "me"}, [],
    ],
)  # fmt: skip
async def test_wishes_that_are_none(door: Door, wish: object) -> None:
    await refused(door, API, wish, 400, "json-malformed")


async def test_what_is_not_there_cannot_be_clipped(door: Door) -> None:
    wish = {"from_ms": 0, "to_ms": 2_000}
    for vod in ("channel-20250101-120000-abcdef", "x", "..%2f"):
        response = await door.http.post(f"/api/vods/{vod}/clips", json=wish)
        assert response.status_code == 404
    assert (await door.http.post("/api/channels/nobody/clips", json={})).status_code == 404
    (door.house.vods.folder / LONG / "index.log").write_bytes(b"damaged")
    await refused(door, f"/api/vods/{LONG}/clips", wish, 404, "vod-damaged")


async def test_only_so_many_a_minute_from_one_address(storage: Path) -> None:
    async with open_vods(storage, clips_per_minute=2) as door:
        wish = {"from_ms": 0, "to_ms": 2_000}
        for _ in range(2):
            await clip(door)
        response = await door.http.post(API, json=wish)
        assert (response.status_code, response.json()["code"]) == (429, "rate-limited")
        assert response.headers["retry-after"] == "30"
        async with door.from_address("192.0.2.99") as other:
            assert (await other.post(API, json=wish)).status_code == 201
        door.clock.advance(30_000)
        await clip(door)


# --- of what is live


async def test_the_last_seconds_of_what_is_live(door: Door) -> None:
    recording, studio = await on_air(door, 60_000)
    origin_ms = studio.presentation.origin_ms
    made = []
    for wish in (
        {},
        {"seconds": 5, "title": "Goal"},
        {"seconds": 20, "until_ms": origin_ms + 45_000},
        {"seconds": 20, "until_ms": origin_ms + 99_000},
        {"seconds": 20, "until_ms": 0},
        {"seconds": 20, "until_ms": origin_ms + 8_000},
    ):
        response = await door.http.post(LIVE, json=wish)
        assert response.status_code == 201, response.text
        made.append(response.json())
    assert {one["vod"] for one in made} == {recording}
    assert made[1]["title"] == "Goal"
    end_ms = made[0]["to_ms"]
    assert 58_000 <= end_ms <= 60_000  # what is packaged and on the disk
    stretches = [(one["from_ms"], one["to_ms"]) for one in made]
    assert stretches == [
        (end_ms - 30_000, end_ms),
        (end_ms - 5_000, end_ms),
        (25_000, 45_000),
        (end_ms - 20_000, end_ms),
        (end_ms - 20_000, end_ms),
        (0, 8_000),
    ]


async def test_the_first_second_is_too_short(door: Door) -> None:
    await on_air(door, 700)
    await refused(door, LIVE, {}, 422, "value-refused")


async def test_what_is_not_recorded_cannot_be_clipped(door: Door) -> None:
    await refused(door, LIVE, {}, 409, "clip-refused")


@pytest.mark.parametrize(
    "wish", [{"seconds": 4}, {"seconds": 181}, {"until_ms": -1}, {"until_ms": 1.5}, {"x": 1}]
)
async def test_wishes_for_live_clips_that_are_none(door: Door, wish: object) -> None:
    await refused(door, LIVE, wish, 400, "json-malformed")


# --- what becomes of it


async def test_a_clip_is_made_and_served(storage: Path) -> None:
    async with open_vods(storage, workers=1) as door:
        made = await settled(door, await clip(door, 1_500, 3_500))
        assert (made["state"], made["progress"]) == ("ready", 1.0)
        assert made["mp4"] == f"/vod-clip/{made['id']}/clip.mp4"
        video = await found(door, made["mp4"])
        assert video.headers["content-type"] == "video/mp4"
        assert video.headers["cache-control"] == "public, max-age=3600"
        assert pictures(video.content) == 60
        part = await found(door, made["mp4"], Range="bytes=0-9")
        assert (part.status_code, part.content) == (206, video.content[:10])
        head = await door.http.head(made["mp4"])
        assert head.headers["content-length"] == str(len(video.content))
        poster = await found(door, made["poster"])
        assert poster.headers["content-type"] == "image/jpeg"
        assert poster.content.startswith(b"\xff\xd8")
        for name in ("facts.json", "small.jpg", "..", "clip.mp4x"):
            answer = await door.http.get(f"/vod-clip/{made['id']}/{name}")
            assert answer.status_code == 404, name

        again = await clip(door, 1_500, 3_500)
        assert again["state"] == "ready"
        assert (await found(door, again["mp4"])).content == video.content

        # It outlives its recording, and its own page says so.
        gone = await door.http.delete(f"/api/vods/{VOD}", headers=owner(door))
        assert gone.status_code == 204
        assert (await shown(door, made))["state"] == "ready"
        assert (await found(door, made["mp4"])).content == video.content


async def test_a_clip_that_cannot_be_made_is_said_to_have_failed(storage: Path) -> None:
    for chunk in (storage / "recordings" / VOD).glob("*.mp4"):
        chunk.unlink()
    jobs = {"workers": 1, "attempts": 1}
    async with open_vods(storage, jobs=jobs) as door:
        made = await settled(door, await clip(door))
        assert (made["state"], made["mp4"], made["poster"]) == ("failed", None, None)
        again = await clip(door)  # it is tried once more
        assert again["state"] == "making"
        assert (await settled(door, again))["state"] == "failed"


class Quick(ScriptedQueue):
    """Its jobs are over when the submitter hears of them."""

    becomes: State = "done"

    async def submit(
        self,
        spec: Spec,
        *,
        priority: int = 0,
        again: bool = False,
        extent: Extent | None = None,
    ) -> Job:
        job = await super().submit(spec, priority=priority, again=again, extent=extent)
        self.jobs[job.key] = replace(job, state=self.becomes)
        return job


@pytest.mark.parametrize(("becomes", "state"), [("done", "ready"), ("failed", "failed")])
async def test_a_job_that_is_over_before_the_clip_is_noted(
    door: Door, becomes: State, state: str
) -> None:
    queue = Quick(door.house.vods.folder)
    queue.becomes = becomes
    door.house.vods.queue = queue
    assert (await clip(door))["state"] == state


# --- who may


async def test_the_owner_deletes_clips(storage: Path) -> None:
    async with open_vods(storage, workers=1) as door:
        first = await settled(door, await clip(door, 1_500, 3_000))
        second = await clip(door, 1_500, 3_000)
        path = f"/api/clips/{first['id']}"
        assert (await door.http.delete(path)).status_code == 401
        assert (await door.http.delete(path, headers=bearer("sk_wrong"))).status_code == 403
        assert (await door.http.delete(path, headers=owner(door))).status_code == 204
        assert (await door.http.get(path)).status_code == 404
        assert (await door.http.get(first["mp4"])).status_code == 404
        assert (await door.http.delete(path, headers=owner(door))).status_code == 404
        await found(door, second["mp4"])  # the same file, and it is still wanted
        (output,) = await door.house.vods.catalog.outputs.of(VOD, "clip")
        folder = door.house.vods.folder / VOD / "derived" / output.key
        assert folder.is_dir()
        deleted = await door.http.delete(f"/api/clips/{second['id']}", headers=owner(door))
        assert deleted.status_code == 204
        assert not folder.exists()
        record = await door.http.get(f"/api/channels/{CHANNEL}/deletions", headers=owner(door))
        assert {one["id"] for one in record.json()["items"]} == {first["id"], second["id"]}


async def test_clips_of_a_channel_for_token_bearers(storage: Path) -> None:
    async with open_vods(storage, access="token", workers=1) as door:
        wish = {"from_ms": 1_500, "to_ms": 3_000}
        await refused(door, API, wish, 401, "unauthorized")
        await refused(door, LIVE, {}, 401, "unauthorized")
        made = await door.admin("POST", f"/api/channels/{CHANNEL}/viewer-tokens", {"ttl_s": 600})
        token = made.json()["token"]
        one = await door.http.post(API, json=wish, headers=bearer(token))
        assert one.status_code == 201
        path = f"/api/clips/{one.json()['id']}"
        await over(door, one.json()["id"])
        assert (await door.http.get(path)).status_code == 401
        assert (await door.http.get(LIVE)).status_code == 401
        view = (await door.http.get(path, headers=bearer(token))).json()
        assert (await door.http.get(view["mp4"])).status_code == 401
        video = await found(door, f"{view['mp4']}?token={token}")
        assert video.headers["cache-control"] == "private, max-age=3600"


@pytest.mark.parametrize("name", ["nothing", "x" * 300, "%00", "%2e%2e"])
async def test_clips_that_are_none(door: Door, name: str) -> None:
    for path in (f"/api/clips/{name}", f"/vod-clip/{name}/clip.mp4"):
        response = await door.http.get(path)
        assert response.status_code == 404, path
        assert json.loads(response.content)["code"] in ("clip-unknown", "not-found")
