"""Recordings over HTTP: what viewers get, what owners change, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from chat.entry import Draft, RoomId
from recorder.captions import vtt
from recorder.captions.cues import Cue
from recorder.catalog.tracks import NewTrack
from tests.recorder.broadcast import ORIGIN_MS
from tests.signaling.door import Door, bearer
from tests.signaling.vod_world import CHANNEL, VOD, film, open_vods, owner

API = f"/api/vods/{VOD}"
LENGTH_MS = 7_000


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with open_vods(tmp_path) as opened:
        yield opened


async def details(door: Door) -> dict[str, Any]:
    response = await door.http.get(API)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_what_lay_in_the_folder_is_in_the_list_and_can_be_played(door: Door) -> None:
    listed = (await door.http.get(f"/api/channels/{CHANNEL}/vods")).json()
    assert [one["id"] for one in listed["items"]] == [VOD]
    found = await details(door)
    assert found["vod"]["state"] == "ready"
    assert found["vod"]["duration_ms"] == LENGTH_MS
    # The gap is left out of the VOD, and not of the stream's time.
    assert [one["at_ms"] for one in found["periods"]] == [0, 4_000]
    assert found["periods"][1]["stream_ms"] - found["periods"][0]["stream_ms"] == 24_000
    for address in (found["playlist"], found["mp4"], found["chapters_vtt"]):
        assert (await door.http.get(address)).status_code == 200, address


async def test_jobs_wait_for_each_recording_that_is_over(door: Door) -> None:
    await door.house.vods.aftermath.look(VOD)
    kinds = {one["kind"]: one["state"] for one in (await details(door))["jobs"]}
    assert kinds == dict.fromkeys(("poster", "storyboard", "chapters"), "waiting")


async def test_the_owner_retitles_and_keeps_it(door: Door) -> None:
    assert (await details(door))["keep_until_ms"] is not None
    changed = await door.http.patch(
        API, json={"title": " Roses\u202e ", "keep": True}, headers=owner(door)
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["vod"]["title"] == "Roses"
    assert changed.json()["keep_until_ms"] is None
    back = await door.http.patch(API, json={"keep": False}, headers=owner(door))
    assert back.json()["keep_until_ms"] is not None


async def test_chapters_are_edited_and_found_again(door: Door) -> None:
    wanted = [{"at_ms": 0, "title": "Begin"}, {"at_ms": 4_500, "title": "Back again"}]
    put = await door.http.put(f"{API}/chapters", json={"chapters": wanted}, headers=owner(door))
    assert put.status_code == 200, put.text
    assert [one["title"] for one in put.json()["chapters"]] == ["Begin", "Back again"]
    text = (await door.http.get(f"/vod/{VOD}/chapters.vtt")).text
    assert "00:00:04.500 --> 00:00:07.000\nBack again" in text
    again = await door.http.put(f"{API}/chapters", json={"chapters": []}, headers=owner(door))
    assert again.json()["chapters"] == []  # nothing was found: no job ran


@pytest.mark.parametrize(
    ("chapters", "why"),
    [
        ([{"at_ms": LENGTH_MS, "title": "x"}], "not within"),
        ([{"at_ms": 5, "title": "a"}, {"at_ms": 5, "title": "b"}], "not after"),
        ([{"at_ms": 5, "title": "\u202e"}], "no title"),
    ],
)
async def test_chapters_that_cannot_be(door: Door, chapters: object, why: str) -> None:
    put = await door.http.put(f"{API}/chapters", json={"chapters": chapters}, headers=owner(door))
    assert put.status_code == 422
    assert why in put.json()["detail"]


async def test_captions_are_uploaded_found_and_taken_away(door: Door) -> None:
    text = "1\n00:00:01,000 --> 00:00:02,500\nRed roses\n"
    headers = owner(door) | {"Content-Type": "application/x-subrip"}
    put = await door.http.put(f"{API}/captions/en?label=English", content=text, headers=headers)
    assert put.status_code == 201, put.text
    (shown,) = (await details(door))["captions"]
    assert (shown["language"], shown["label"], shown["kind"]) == ("en", "English", "upload")
    as_vtt = (await door.http.get(shown["vtt"])).text
    assert "00:00:01.000 --> 00:00:02.500\nRed roses" in as_vtt
    assert "Red roses" in (await door.http.get(shown["srt"])).text
    found = (await door.http.get(f"{API}/search", params={"q": "ROSES"})).json()["items"]
    assert [(one["at_ms"], one["text"][one["begin"] : one["end"]]) for one in found] == [
        (1_000, "roses")
    ]
    master = (await door.http.get(f"/vod/{VOD}/master.m3u8")).text
    assert 'TYPE=SUBTITLES,GROUP-ID="captions",NAME="English"' in master
    gone = await door.http.delete(f"{API}/captions/en", headers=owner(door))
    assert gone.status_code == 204
    assert (await details(door))["captions"] == []


async def test_captions_in_hls_stand_on_the_time_of_the_media(door: Door) -> None:
    cue = Cue(4_500, 5_500, "After the gap")
    new = NewTrack(VOD, "en", "upload", "English", text=vtt.write([cue]))
    await door.house.vods.catalog.tracks.put(new, [cue], 0)
    playlist = (await door.http.get(f"/vod/{VOD}/captions/en/index.m3u8")).text
    pictures = (await door.http.get(f"/vod/{VOD}/source/index.m3u8")).text
    for tag in ("#EXTINF", "#EXT-X-DISCONTINUITY\n"):
        assert playlist.count(tag) == pictures.count(tag), tag
    shown = [
        (await door.http.get(f"/vod/{VOD}/captions/en/{number}.vtt")).text
        for number in range(playlist.count("#EXTINF"))
    ]
    with_it = [text for text in shown if "After the gap" in text]
    # 4 s into the VOD the media is 24 s and some 13 ms further than its origin.
    assert with_it
    assert all("00:00:24.513 --> 00:00:25.513" in text for text in with_it)
    assert all("X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0" in text for text in with_it)


@pytest.mark.parametrize(
    ("kind", "body", "status", "why"),
    [
        ("text/vtt", b"not captions", 422, "line 1"),
        ("text/vtt", b"WEBVTT\n\n00:00:03.000 --> 00:00:01.000\nx\n", 422, "line 3"),
        ("text/vtt", b"\xff\xfe", 422, ""),
        ("text/html", b"<p>", 415, "text/vtt"),
        ("text/vtt", b"x" * (3 << 20), 413, ""),
    ],
)
async def test_hostile_caption_files(
    door: Door, kind: str, body: bytes, status: int, why: str
) -> None:
    headers = owner(door) | {"Content-Type": kind}
    put = await door.http.put(f"{API}/captions/en", content=body, headers=headers)
    assert put.status_code == status, put.text
    assert why in put.json()["detail"].lower()
    assert (await details(door))["captions"] == []


async def test_the_chat_stands_on_the_recordings_time(door: Door) -> None:
    chat = door.house.chat
    assert chat is not None
    moments = {"early": 1_000, "in the gap": 10_000, "late": 25_000}
    for text, after_ms in moments.items():
        body = b'{"id":"m","user":{"id":"u1","name":"Bea"},"text":"%s"}' % text.encode()
        at_ms = ORIGIN_MS + 13 + after_ms
        await chat.hub.append(RoomId(CHANNEL), Draft("message", body, at_ms, at_ms))
    page = (await door.http.get(f"{API}/chat")).json()
    assert [(one["at_ms"], one["entry"]["text"]) for one in page["items"]] == [
        (1_000, "early"),
        (4_000, "in the gap"),
        (5_000, "late"),
    ]
    some = (await door.http.get(f"{API}/chat?from=0&to=2000")).json()
    assert [one["entry"]["text"] for one in some["items"]] == ["early"]
    heat = (await door.http.get(f"{API}/heat")).json()
    assert max(heat["values"]) == 1.0


async def test_deleting_leaves_nothing_but_a_record(door: Door, tmp_path: Path) -> None:
    assert (await door.http.get(f"/vod/{VOD}/master.m3u8")).status_code == 200
    gone = await door.http.delete(API, headers=owner(door))
    assert gone.status_code == 204
    for address in (API, f"/vod/{VOD}/master.m3u8", f"/vod/{VOD}/source/000001.mp4"):
        assert (await door.http.get(address)).status_code == 404, address
    assert not (tmp_path / "recordings" / VOD).exists()
    record = await door.http.get(f"/api/channels/{CHANNEL}/deletions", headers=owner(door))
    (one,) = record.json()["items"]
    assert (one["what"], one["id"], one["by"], one["reason"]) == ("vod", VOD, "owner", "owner")
    assert one["size_bytes"] > 0
    assert one["chat"] == 0


async def test_recordings_go_with_their_channel(door: Door, tmp_path: Path) -> None:
    assert (await door.admin("DELETE", f"/api/channels/{CHANNEL}")).status_code == 204
    assert not (tmp_path / "recordings" / VOD).exists()
    assert (await door.http.get(API)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", API),
        ("DELETE", API),
        ("PUT", f"{API}/chapters"),
        ("PUT", f"{API}/captions/en"),
        ("DELETE", f"{API}/captions/en"),
        ("POST", f"/api/channels/{CHANNEL}/markers"),
        ("GET", f"/api/channels/{CHANNEL}/deletions"),
    ],
)
async def test_strangers_change_nothing(door: Door, method: str, path: str) -> None:
    assert (await door.http.request(method, path, json={})).status_code == 401
    wrong = await door.http.request(method, path, json={}, headers=bearer("sk_wrong"))
    assert wrong.status_code == 403


@pytest.mark.parametrize("vod", ["nothing-20250615-150640-abcdef", "..", "%2e%2e", "a" * 200])
async def test_names_that_are_no_recording(door: Door, vod: str) -> None:
    for path in (f"/api/vods/{vod}", f"/vod/{vod}/master.m3u8"):
        assert (await door.http.get(path)).status_code == 404, path


@pytest.mark.parametrize(
    "query", ["q=x&limit=x", "before=nonsense", "limit=-1", "limit=" + "9" * 30]
)
async def test_queries_that_cannot_be(door: Door, query: str) -> None:
    answer = await door.http.get(f"/api/channels/{CHANNEL}/vods?{query}")
    assert answer.status_code == 422


async def test_a_marker_needs_something_that_is_recorded(door: Door) -> None:
    answer = await door.http.post(
        f"/api/channels/{CHANNEL}/markers", json={"text": "Here"}, headers=owner(door)
    )
    assert answer.status_code == 409


async def test_a_channel_for_token_bearers_shows_nothing_to_others(tmp_path: Path) -> None:
    async with open_vods(tmp_path, access="token") as door:
        for path in (f"/api/channels/{CHANNEL}/vods", API, f"{API}/chat", f"{API}/search?q=x"):
            assert (await door.http.get(path)).status_code == 401, path
        assert (await door.http.get(f"/vod/{VOD}/master.m3u8")).status_code == 401
        made = await door.admin("POST", f"/api/channels/{CHANNEL}/viewer-tokens", {"ttl_s": 60})
        viewer = bearer(made.json()["token"])
        found = (await door.http.get(API, headers=viewer)).json()
        assert found["expires_ms"] is not None
        assert (await door.http.get(found["playlist"])).status_code == 200
        chunk = f"{found['folder']}source/000001.mp4"
        signed = await door.http.get(chunk)
        assert signed.headers["cache-control"].startswith("private")
        spoilt = chunk.replace("~", "~9", 1)
        assert (await door.http.get(spoilt)).status_code == 403


async def test_another_recordings_grant_opens_nothing(tmp_path: Path) -> None:
    other = "channel-20250616-150640-ghijkl"
    film(tmp_path, other)
    async with open_vods(tmp_path, access="token") as door:
        found = (await door.http.get(API, headers=owner(door))).json()
        moved = found["playlist"].replace(VOD, other)
        assert (await door.http.get(moved)).status_code == 403
