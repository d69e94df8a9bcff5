"""A broadcast with all its troubles, and its replay: every picture once, and sound in step."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import av
import numpy as np
import pytest
from playwright.sync_api import BrowserContext

from mobile_sim import stamp
from mobile_sim.stamp import COUNTER_MODULUS
from recorder.media import LocalMedia
from recorder.recording import Recording
from recorder.records import chunk_name
from recorder.replay import Replay
from recorder.verify import verify
from tests.journeys.phone import Phone
from tests.journeys.replay_probe import Picture, probe
from tests.journeys.server import SluiceServer
from tests.journeys.vod_page import VodPage
from tests.journeys.waiting import until

pytestmark = pytest.mark.browser

SETTINGS = {"recorder": {"record": "always", "chunk_s": 4}}
IN_STEP_MS = 40


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SluiceServer]:
    with SluiceServer(tmp_path / "server", settings=SETTINGS) as server:
        yield server
        print(server.log())


@pytest.fixture
def vod_page(context: BrowserContext) -> VodPage:
    return VodPage(context.new_page())


def listed(server: SluiceServer, channel: str = "lina") -> list[dict[str, Any]]:
    answer: Any = server.request("GET", f"/api/channels/{channel}/vods")
    items: list[dict[str, Any]] = answer["items"]
    return items


def await_replay(server: SluiceServer, within_s: float = 20) -> dict[str, Any]:
    """The newest recording, when it can be played."""
    return until("a replay", lambda: _ready(listed(server)), within_s)


def _ready(items: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    return items[0] if items and items[0]["state"] in ("ready", "trouble") else None


def recorded_s(server: SluiceServer, seconds: float) -> None:
    """Wait until there is so much more of the newest recording's pictures on the disk."""
    folder = max((server.folder / "storage" / "recordings").iterdir())
    before_us = Replay.of(Recording.read(folder)).duration_us
    wanted_us = before_us + seconds * 1e6
    until(
        f"{seconds:g} s more",
        lambda: Replay.of(Recording.read(folder)).duration_us >= wanted_us,
        30 + seconds,
    )


def begun(server: SluiceServer) -> None:
    folder = server.folder / "storage" / "recordings"
    until("a recording", lambda: folder.is_dir() and any(folder.glob("*/source-*.mp4")), 20)


def download(url: str, path: Path) -> Path:
    with urlopen(url, timeout=30) as answer:
        path.write_bytes(answer.read())
    return path


def steps(pictures: Sequence[Picture]) -> list[int]:
    return [
        (after.counter - before.counter) % COUNTER_MODULUS for before, after in pairwise(pictures)
    ]


def test_every_picture_once_and_in_order_whatever_happened(
    server: SluiceServer, vod_page: VodPage, tmp_path: Path
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key, "h264") as phone:
        begun(server)
        recorded_s(server, 6)
        phone.kill()
    with Phone(server, "lina", key, "h264", size="480x270") as phone:
        recorded_s(server, 6)
        phone.kill()
    vod_page.page.wait_for_timeout(20_000)  # what is tried here is a gap of this length
    with Phone(server, "lina", key, "vp8") as phone:  # another codec
        recorded_s(server, 6)
        phone.stop()
    vod = await_replay(server)
    folder = server.folder / "storage" / "recordings" / vod["id"]
    replay = Replay.of(Recording.read(folder))
    assert verify(folder, LocalMedia(folder)) == []
    assert len(replay.periods) >= 3

    found = probe(download(f"{server.origin}/vod/{vod['id']}/video.mp4", tmp_path / "vod.mp4"))
    # What was encoded anew has an even rate, for which a busy machine repeats a picture or leaves
    # one out; so the recording itself says what was recorded.
    recorded = recorded_counters(folder, replay)
    assert [one.counter for one in found.pictures] == recorded
    assert steps(found.pictures).count(1) > 0.9 * len(recorded)
    assert {one.width for one in found.pictures} == {640, 480}
    times = [one.at_ms for one in found.pictures]
    assert times == sorted(set(times))
    offsets = found.offsets_ms()
    print("sound minus picture, ms:", [f"{at / 1_000:.1f} s: {off:.1f}" for at, off in offsets])
    thirds = [0.0] + [vod["duration_ms"] * part / 3 for part in (1, 2, 3)]
    for start, end in pairwise(thirds):
        here = [offset for at, offset in offsets if start <= at < end]
        assert here, f"no sound between {start} and {end} ms"
        assert max(abs(one) for one in here) <= IN_STEP_MS

    vod_page.open(f"{server.origin}/vod/{vod['id']}?stamps")
    vod_page.play()
    vod_page.until("the end", lambda: vod_page.get("ended"), vod["duration_ms"] / 1_000 + 30)
    shown = vod_page.counters
    # In the order of the recording, and none twice. What a busy browser drew too late to be read
    # is not counted as lost: the file above has it.
    missing = len(recorded) - len(shown)
    print(f"{len(shown)} of {len(recorded)} pictures were read from the screen")
    assert is_part_of(shown, recorded)
    assert missing <= len(recorded) * 0.05


def recorded_counters(folder: Path, replay: Replay) -> list[int]:
    """The stamps of all pictures, each piece decoded by itself from its chunk."""
    media, line = LocalMedia(folder), replay.lines[replay.leader]
    found: list[int] = []
    for slot in replay.slots:
        for piece in slot.all_pieces(line.name):
            chunk = line.chunks[piece.chunk]
            name = chunk_name(line.name, piece.chunk)
            data = chunk.init + media.read(name, piece.offset, piece.size)
            with av.open(BytesIO(data), "r", format="mp4") as container:
                for frame in container.decode(video=0):
                    luma = frame.reformat(format="gray").to_ndarray()
                    said = stamp.read(luma.astype(np.uint8))
                    assert said is not None
                    found.append(said.counter)
    return found


def is_part_of(some: Sequence[int], whole: Sequence[int]) -> bool:
    """Whether `some` is `whole` with items left out."""
    rest = iter(whole)
    return all(any(one == other for other in rest) for one in some)


def test_a_server_that_is_killed_goes_on_with_the_same_recording(
    server: SluiceServer, tmp_path: Path
) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key):
        begun(server)
        recorded_s(server, 3)
        server.kill()
        server.start()
        recorded_s(server, 3)
    vod = await_replay(server)
    assert len(listed(server)) == 1
    folder = server.folder / "storage" / "recordings" / vod["id"]
    recording = Recording.read(folder)
    assert len(recording.sessions) == 2
    assert verify(folder, LocalMedia(folder)) == []
    found = probe(download(f"{server.origin}/vod/{vod['id']}/video.mp4", tmp_path / "vod.mp4"))
    assert sum(step != 1 for step in steps(found.pictures)) <= len(Replay.of(recording).periods) - 1
    assert all(abs(offset) <= IN_STEP_MS for _, offset in found.offsets_ms())


def test_a_clip_of_what_is_live(server: SluiceServer, tmp_path: Path) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key):
        begun(server)
        recorded_s(server, 6)
        wish = Request(
            f"{server.origin}/api/channels/lina/clips",
            method="POST",
            data=json.dumps({"seconds": 5, "title": "Look"}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urlopen(wish, timeout=10) as answer:
            clip = json.loads(answer.read())
        made: Any = until(
            "the clip",
            lambda: _made(server.request("GET", f"/api/clips/{clip['id']}")),
            40,
        )
    found = probe(download(f"{server.origin}{made['mp4']}", tmp_path / "clip.mp4"))
    assert set(steps(found.pictures)) == {1}
    lasts_ms = found.pictures[-1].at_ms - found.pictures[0].at_ms
    assert abs(lasts_ms - 5_000) <= 100
    assert all(abs(offset) <= IN_STEP_MS for _, offset in found.offsets_ms())


def _made(clip: Any) -> Any:
    assert clip["state"] != "failed"
    return clip if clip["state"] == "ready" else None


def test_a_full_pipe_of_jobs_ends_with_everything(server: SluiceServer, vod_page: VodPage) -> None:
    key = server.create_channel("lina")
    with Phone(server, "lina", key):
        begun(server)
        recorded_s(server, 8)  # a marker at the very start names the first chapter
        marker = Request(
            f"{server.origin}/api/channels/lina/markers",
            method="POST",
            data=b'{"text":"Here it begins"}',
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        urlopen(marker, timeout=10).close()
        recorded_s(server, 3)
    vod = await_replay(server)

    def details() -> Any:
        answer: Any = server.request("GET", f"/api/vods/{vod['id']}")
        states = {job["kind"]: job["state"] for job in answer["jobs"]}
        wanted = ("poster", "storyboard", "chapters", "mp4")
        return answer if all(states.get(kind) == "done" for kind in wanted) else None

    found = until("all jobs", details, 60)
    assert [one["title"] for one in found["chapters"]] == ["lina", "Here it begins"]
    vod_page.open(f"{server.origin}/vod/{vod['id']}")
    vod_page.play()
    assert [one["title"] for one in vod_page.get("chapters")] == ["lina", "Here it begins"]
    at_ms = found["chapters"][1]["at_ms"]
    vod_page.seek(at_ms + 500)
    vod_page.until("the second chapter", lambda: vod_page.get("chapter") == 1)
