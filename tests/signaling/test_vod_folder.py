"""What stands below `/vod/{vod}/`: played as players play it, and asked for as nobody should."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import av
import httpx
import pytest

from recorder.catalog.outputs import Output
from recorder.chapters import Chapter
from recorder.jobs.outputs import DERIVED, FACTS
from recorder.work.task import Facts, Kind
from sluice.ids import ChannelId
from tests.signaling.door import Door, bearer
from tests.signaling.recording_world import catalog_gone, studio_at
from tests.signaling.vod_player import found, pictures, play, variants
from tests.signaling.vod_world import CHANNEL, VOD, film, open_vods, owner

ROOT = f"/vod/{VOD}/"
CHUNK = f"{ROOT}source/000001.mp4"
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    film(folder)
    return folder


@pytest.fixture
def storage(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "storage"))


@pytest.fixture
async def door(storage: Path) -> AsyncIterator[Door]:
    async with open_vods(storage) as opened:
        yield opened


def folder(storage: Path) -> Path:
    return storage / "recordings" / VOD


async def put_output(
    door: Door, kind: Kind, files: Mapping[str, bytes], key: str = KEY, duration_ms: int = 7_000
) -> Path:
    """As a job leaves it."""
    vods = door.house.vods
    made = vods.folder / VOD / DERIVED / key
    made.mkdir(parents=True)
    for name, data in files.items():
        (made / name).write_bytes(data)
    (made / FACTS).write_text("{}")
    facts: Facts = {"duration_ms": duration_ms}
    await vods.catalog.outputs.put(Output(key, VOD, kind, 1, 1, facts))
    return made


async def refused(door: Door, path: str, status: int, code: str) -> httpx.Response:
    response = await door.http.get(path)
    assert response.headers["content-type"] == "application/problem+json", response.text[:200]
    assert (response.status_code, response.json()["code"]) == (status, code), path
    return response


# --- as players play it


async def test_the_whole_is_played_through_its_playlists(door: Door) -> None:
    master = await found(door, f"{ROOT}master.m3u8")
    assert master.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert master.headers["cache-control"] == "public, max-age=5"
    source, smaller, sound = variants(f"{ROOT}master.m3u8", master.text)
    assert source == f"{ROOT}source/index.m3u8"
    for address in (source, smaller):
        assert await play(door, address) == (7 * 30, 7_000)
    frames, length_ms = await play(door, sound)
    assert frames >= 7 * 46
    assert length_ms == 7_000


async def test_a_stretch_is_played_through_its_playlists(door: Door) -> None:
    asked = f"{ROOT}master.m3u8?from=2500&to=5000"
    addresses = variants(f"{ROOT}master.m3u8", (await found(door, asked)).text)
    assert all(one.endswith("?from=2500&to=5000") for one in addresses)
    source = await found(door, addresses[0])
    # Whole segments of a second: from the one that holds 2.5 s on.
    assert "#EXT-X-START:TIME-OFFSET=0.5" in source.text
    assert "#EXT-X-DISCONTINUITY\n" in source.text
    assert await play(door, addresses[0]) == (3 * 30, 3_000)


async def test_where_sound_is_missing_silence_is_played(tmp_path: Path) -> None:
    film(tmp_path, mute_s=2)
    async with open_vods(tmp_path) as door:
        address = f"{ROOT}audio/index.m3u8"
        silent = re.findall(r"silence-.*\.mp4", (await found(door, address)).text)
        assert len(silent) == 2
        frames, length_ms = await play(door, address)
        assert frames >= 7 * 46
        assert length_ms == 7_000
        answer = await found(door, f"{ROOT}audio/{silent[0]}")
        assert answer.headers["content-type"] == "audio/mp4"
        assert answer.headers["cache-control"] == "public, max-age=86400"


async def test_a_stretch_up_to_the_end(door: Door) -> None:
    for query in ("from=5000", "from=5000&to=99999"):
        assert (await play(door, f"{ROOT}source/index.m3u8?{query}"))[0] == 2 * 30


async def test_the_whole_as_one_file(door: Door) -> None:
    answer = await found(door, f"{ROOT}video.mp4")
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert "content-disposition" not in answer.headers
    assert len(answer.content) == int(answer.headers["content-length"])
    assert pictures(answer.content) == 7 * 30


@pytest.mark.parametrize(
    ("query", "count"),
    [("from=1000&to=2500", 45), ("from=3500&to=4500", 30), ("to=1000", 30), ("from=6000", 30)],
)
async def test_a_stretch_as_one_file_is_exact_to_the_picture(
    door: Door, query: str, count: int
) -> None:
    answer = await found(door, f"{ROOT}video.mp4?{query}")
    with av.open(io.BytesIO(answer.content), "r") as container:
        shown = [frame for frame in container.decode(video=0) if (frame.time or 0) >= -1e-4]
        assert container.duration is not None
        seconds = container.duration / 1_000_000
    assert abs(len(shown) - count) <= 1
    assert seconds == pytest.approx(count / 30, abs=0.05)


async def test_the_file_is_loaded_in_ranges_and_not_again(door: Door) -> None:
    whole = await found(door, f"{ROOT}video.mp4")
    tag = whole.headers["etag"]
    part = await found(door, f"{ROOT}video.mp4", Range="bytes=100-299", **{"If-Range": tag})
    assert (part.status_code, part.content) == (206, whole.content[100:300])
    again = await door.http.get(f"{ROOT}video.mp4", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    head = await door.http.head(f"{ROOT}video.mp4")
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.content == b""
    beyond = await door.http.get(f"{ROOT}video.mp4", headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "range-refused")
    assert beyond.headers["content-range"] == f"bytes */{len(whole.content)}"


async def test_the_file_has_the_chapters_as_they_are_now(door: Door) -> None:
    for titles in (["One", "Two"], ["Only one"]):
        edited = [Chapter(2_000 * number, title) for number, title in enumerate(titles)]
        await door.house.vods.catalog.chapters.edit(VOD, edited)
        answer = await found(door, f"{ROOT}video.mp4")
        with av.open(io.BytesIO(answer.content), "r") as container:
            assert [one["metadata"]["title"] for one in container.chapters()] == titles


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Roses", "Roses.mp4"),
        ('a/b "c"; d', "a-b-c-d.mp4"),
        ("\u6f22\u5b57", "recording.mp4"),
        ("x" * 140, "x" * 80 + ".mp4"),
    ],
)
async def test_a_download_has_a_name(door: Door, title: str, name: str) -> None:
    await door.house.vods.catalog.vods.retitle(VOD, title)
    answer = await found(door, f"{ROOT}video.mp4?download=1")
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


async def test_the_file_that_a_job_made_takes_its_place(door: Door) -> None:
    made = await put_output(door, "mp4", {"video.mp4": b"0123456789"})
    for query in ("", "?from=0", "?download=1"):
        answer = await found(door, f"{ROOT}video.mp4{query}")
        assert (answer.content, answer.headers["etag"]) == (b"0123456789", f'"{KEY}"')
    part = await found(door, f"{ROOT}video.mp4", Range="bytes=-3")
    assert part.content == b"789"
    assert pictures((await found(door, f"{ROOT}video.mp4?to=1000")).content) == 30
    shutil.rmtree(made)
    assert pictures((await found(door, f"{ROOT}video.mp4")).content) == 7 * 30


async def test_a_file_of_a_recording_that_went_on_is_not_served(door: Door) -> None:
    await put_output(door, "mp4", {"video.mp4": b"0123456789"}, duration_ms=6_000)
    assert pictures((await found(door, f"{ROOT}video.mp4")).content) == 7 * 30


async def test_chunks_are_files_of_their_own(door: Door, storage: Path) -> None:
    answer = await found(door, CHUNK)
    assert answer.content == (folder(storage) / "source-000001.mp4").read_bytes()
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["cache-control"] == "public, max-age=86400"
    sound = await found(door, f"{ROOT}audio/000001.mp4")
    assert sound.headers["content-type"] == "audio/mp4"
    assert pictures(answer.content) == 2 * 30


async def test_what_jobs_made_is_there_when_it_is_made(door: Door) -> None:
    addresses = ["poster.jpg", "small.jpg", "storyboard.vtt", "sheet-000.jpg"]
    for address in addresses:
        await refused(door, ROOT + address, 404, "media-unknown")
    await put_output(door, "poster", {"poster.jpg": b"large", "small.jpg": b"small"})
    await refused(door, f"{ROOT}poster.jpg", 404, "media-unknown")  # it is not chosen
    await door.house.vods.catalog.vods.set_poster(VOD, KEY)
    door.house.vods.shelf.forget(VOD)
    board = {"storyboard.vtt": b"WEBVTT\n", "sheet-000.jpg": b"sheet"}
    await put_output(door, "storyboard", board, "f" * 32)
    bodies = [(await found(door, ROOT + one)).content for one in addresses]
    assert bodies == [b"large", b"small", b"WEBVTT\n", b"sheet"]
    await refused(door, f"{ROOT}sheet-001.jpg", 404, "media-unknown")


async def test_chapters_as_text_and_as_json(door: Door) -> None:
    await door.house.vods.catalog.chapters.edit(VOD, [Chapter(0, "<Begin>"), Chapter(4_000, "On")])
    text = (await found(door, f"{ROOT}chapters.vtt")).text
    assert "00:00:00.000 --> 00:00:04.000\n&lt;Begin&gt;" in text
    assert len(json.loads((await found(door, f"{ROOT}chapters.json")).content)) > 0


async def test_a_moment_has_a_picture(storage: Path) -> None:
    async with open_vods(storage, workers=1) as door:
        first = await found(door, f"{ROOT}thumbnail.jpg?t=4999")
        assert first.headers["content-type"] == "image/jpeg"
        assert first.content.startswith(b"\xff\xd8")
        assert (await found(door, f"{ROOT}thumbnail.jpg?t=4000")).content == first.content
        jobs = await door.house.vods.queue.of(VOD)
        moments = [one.spec.parameters for one in jobs if one.spec.parameters]
        assert {"at_ms": 4_000} in moments
        assert sum("at_ms" in one for one in moments) == 1
        await refused(door, f"{ROOT}thumbnail.jpg?t=7000", 422, "value-refused")


async def test_every_address_takes_head_and_nothing_that_changes(door: Door) -> None:
    for address in ("master.m3u8", "source/index.m3u8", "source/000001.mp4", "chapters.vtt"):
        whole, head = await found(door, ROOT + address), await door.http.head(ROOT + address)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == whole.headers["content-length"]
        assert (await door.http.post(ROOT + address)).status_code == 405
        assert (await door.http.options(ROOT + address)).status_code == 204


# --- as nobody should


POISON = [
    "-1", "1.5", "1e3", "", "x", "\u0661\u0662", "9" * 11, "9" * 5_000, "%00", "0x10", "1%202",
    "+5", "NaN", "[]",
]  # fmt: skip


@pytest.mark.parametrize(
    "address",
    ["master.m3u8?from=", "source/index.m3u8?to=", "video.mp4?from=1&to=", "thumbnail.jpg?t="],
)
async def test_poisonous_queries(door: Door, address: str) -> None:
    for value in POISON:
        await refused(door, ROOT + address + value, 422, "value-refused")


async def test_stretches_that_are_none(door: Door) -> None:
    for query in ("from=5&to=5", "from=6000&to=5000", "from=7000", "from=99999999"):
        for address in ("source/index.m3u8", "video.mp4"):
            await refused(door, f"{ROOT}{address}?{query}", 422, "value-refused")


async def test_what_players_add_to_an_address_changes_nothing(door: Door) -> None:
    plain = await found(door, f"{ROOT}master.m3u8")
    for query in ("CMCD=br%3D3200%2Csid%3D%22x%22", "from=0", "x=1&x=2"):
        assert (await found(door, f"{ROOT}master.m3u8?{query}")).text == plain.text
    answer = await found(door, f"{ROOT}source/index.m3u8?CMCD=x")
    assert answer.text == (await found(door, f"{ROOT}source/index.m3u8")).text


NOTHING = [
    "", "index.log", "index.m3u8", "derived/", f"derived/{KEY}/facts.json", "source", "source/",
    "source/1.mp4", "source/000099.mp4", "source/0000000001.mp4", "source/000001.mp4/",
    "720p/000001.mp4", "720p/index.m3u8", "SOURCE/index.m3u8", "source/index.log",
    "../../sluice.db", "%2e%2e/%2e%2e/catalog.db", "source/..%2f..%2findex.log",
    "captions/", "captions/en.vtt", "captions/en/index.m3u8", "captions/../index.log",
    "captions/en/0.vtt", "sheet-1.jpg", "poster.jpg/x", "video.mp4%00", "master.m3u8%0d",
    "audio/silence-000001-0-0.mp4", "audio/silence-000001-0-4097.mp4",
    "audio/silence-000099-0-1.mp4", "source/silence-000001-0-1.mp4", "loud/silence-000001-0-1.mp4",
    "audio/silence-000001--1-1.mp4", "audio/silence-000001-0-1x.mp4", "audio/silence-1-0-1.mp4",
    "\u0661.mp4", "source/\u0661\u0661\u0661\u0661\u0661\u0661.mp4", "x" * 5_000,
]  # fmt: skip


async def test_addresses_of_nothing(door: Door) -> None:
    for address in NOTHING:
        response = await door.http.get(ROOT + address)
        assert response.status_code == 404, address
        assert response.json()["code"] in ("media-unknown", "not-found", "vod-unknown")


async def test_grants_that_are_none(door: Door) -> None:
    for path in ("~/", "~/x/master.m3u8", "/master.m3u8", f"~x/{VOD}/master.m3u8"):
        assert (await door.http.get(f"/vod/{path}")).status_code in (403, 404)


async def test_a_chunk_that_is_missing_is_told(door: Door, storage: Path) -> None:
    (folder(storage) / "source-000001.mp4").unlink()
    for address in ("source/000001.mp4", "video.mp4", "video.mp4?to=1000"):
        await refused(door, ROOT + address, 404, "media-unknown")
    assert (await door.http.head(CHUNK)).status_code == 200
    assert (await found(door, f"{ROOT}source/000002.mp4")).status_code == 200
    assert pictures((await found(door, f"{ROOT}video.mp4?from=4000")).content) == 3 * 30


async def test_a_chunk_that_is_too_short_is_told(door: Door, storage: Path) -> None:
    path = folder(storage) / "source-000001.mp4"
    path.write_bytes(path.read_bytes()[:-1])
    await refused(door, CHUNK, 404, "media-unknown")
    assert (await found(door, CHUNK, Range="bytes=0-99")).status_code == 206


async def test_media_that_is_no_media_is_told(door: Door, storage: Path) -> None:
    path = folder(storage) / "source-000001.mp4"
    path.write_bytes(b"\xff" * path.stat().st_size)
    await refused(door, f"{ROOT}video.mp4", 404, "vod-damaged")


async def test_what_is_recorded_is_to_be_watched_live(door: Door) -> None:
    recordings = door.house.vods.recordings
    studio = studio_at(door.house.bridges.clock)
    await recordings.begin(ChannelId(CHANNEL), studio.presentation)
    recording = recordings.running(ChannelId(CHANNEL))
    answer = await refused(door, f"/vod/{recording}/master.m3u8", 409, "vod-live")
    assert int(answer.headers["retry-after"]) >= 1


async def test_what_is_deleted_is_gone_at_once(door: Door) -> None:
    addresses = [f"{ROOT}master.m3u8", CHUNK, f"{ROOT}video.mp4", f"{ROOT}video.mp4?to=1000"]
    for address in addresses:
        await found(door, address)
    assert (await door.http.delete(f"/api/vods/{VOD}", headers=owner(door))).status_code == 204
    for address in addresses:
        await refused(door, address, 404, "vod-unknown")


async def test_a_catalog_that_is_away_is_told(door: Door, storage: Path) -> None:
    await found(door, CHUNK)
    await door.house.vods.catalog.close()
    with catalog_gone(storage):
        for address in ("master.m3u8", "source/000001.mp4", "video.mp4"):
            answer = await refused(door, ROOT + address, 503, "catalog-down")
            assert answer.headers["retry-after"] == "2"


# --- chunks that are only in the store


async def test_chunks_come_from_the_store_when_the_local_ones_are_let_go(storage: Path) -> None:
    local = folder(storage) / "source-000001.mp4"
    objects = storage / "objects"
    async with open_vods(storage, store={"url": objects.as_uri()}) as door:
        assert door.house.vods.recordings._uploader is not None
        await door.house.vods.recordings._uploader.finished(VOD)
        data = local.read_bytes()
        local.unlink()
        assert (await found(door, CHUNK)).content == data
        assert (await found(door, CHUNK, Range="bytes=5-9")).content == data[5:10]
        assert pictures((await found(door, f"{ROOT}video.mp4")).content) == 7 * 30


async def test_a_store_that_is_down_is_told(storage: Path) -> None:
    store = {
        "url": "s3://bucket", "endpoint": "http://127.0.0.1:9", "allow_http": True,
        "access_key": "a", "secret_key": "b", "timeout_s": 1,
    }  # fmt: skip
    async with open_vods(storage, store=store) as door:
        (folder(storage) / "source-000001.mp4").unlink()
        for address in ("source/000001.mp4", "video.mp4"):
            answer = await refused(door, ROOT + address, 503, "late")
            assert int(answer.headers["retry-after"]) >= 1
        assert (await found(door, f"{ROOT}source/000002.mp4")).status_code == 200


# --- who may see it


async def test_what_is_for_token_bearers_stays_in_their_browsers(storage: Path) -> None:
    async with open_vods(storage, access="token") as door:
        await refused(door, f"{ROOT}master.m3u8", 401, "unauthorized")
        details = (await door.http.get(f"/api/vods/{VOD}", headers=owner(door))).json()
        signed = details["folder"]
        assert signed.startswith("/vod/~")
        assert signed.endswith(f"/{VOD}/")
        await door.house.vods.catalog.chapters.edit(VOD, [Chapter(0, "Begin")])
        await put_output(door, "mp4", {"video.mp4": b"0123456789"})
        for address in (
            "master.m3u8", "source/index.m3u8", "source/000001.mp4", "video.mp4",
            "video.mp4?to=1000", "chapters.vtt", "chapters.json",
        ):  # fmt: skip
            answer = await found(door, signed + address)
            assert answer.headers["cache-control"].startswith("private, max-age="), address
        assert (await play(door, f"{signed}source/index.m3u8"))[0] == 7 * 30
        door.clock.advance(door.house.settings.bridge.signed_ttl_s * 1_000 + 1_000)
        await refused(door, f"{signed}master.m3u8", 403, "forbidden")


async def test_a_channel_that_turns_to_token_bearers_does_so_at_once(door: Door) -> None:
    for address in ("master.m3u8", "source/000001.mp4", "video.mp4"):
        await found(door, ROOT + address)
    changed = await door.admin("PATCH", f"/api/channels/{CHANNEL}", {"access": "token"})
    assert changed.status_code == 200
    for address in ("master.m3u8", "source/000001.mp4", "video.mp4", "chapters.vtt"):
        await refused(door, ROOT + address, 401, "unauthorized")
    viewer = await door.admin("POST", f"/api/channels/{CHANNEL}/viewer-tokens", {"ttl_s": 60})
    headers = bearer(viewer.json()["token"])
    signed = (await door.http.get(f"/api/vods/{VOD}", headers=headers)).json()["folder"]
    assert (await found(door, f"{signed}master.m3u8")).headers["cache-control"] == (
        "private, max-age=5"
    )
    await door.admin("PATCH", f"/api/channels/{CHANNEL}", {"access": "public"})
    await found(door, f"{ROOT}master.m3u8")
    await found(door, f"{signed}master.m3u8")


async def test_a_channel_that_is_gone_has_nobody_who_may_watch(door: Door) -> None:
    await door.house.book.delete(ChannelId(CHANNEL))
    await refused(door, f"{ROOT}master.m3u8", 401, "unauthorized")


async def test_players_of_other_origins_may_play_it(door: Door) -> None:
    answer = await found(door, f"{ROOT}master.m3u8", Origin="https://player.example.org")
    assert answer.headers["access-control-allow-origin"] == "*"
    asked = {"Origin": "https://player.example.org", "Access-Control-Request-Method": "GET",
             "Access-Control-Request-Headers": "range"}  # fmt: skip
    preflight = await door.http.options(f"{ROOT}source/000001.mp4", headers=asked)
    assert "Range" in preflight.headers["access-control-allow-headers"]
    assert preflight.headers["access-control-allow-origin"] == "*"
    # The page itself is not for others.
    page = await door.http.get(f"/vod/{VOD}", headers={"Origin": "https://player.example.org"})
    assert "access-control-allow-origin" not in page.headers
