"""What `sluice doctor` says of recordings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.disk import LocalDisk
from recorder.index import FILE, IndexWriter
from recorder.records import Mark, Record, Stored
from signaling.doctor_recorder import (
    BYTES_AN_HOUR,
    check_captions,
    check_jobs,
    check_recordings,
    check_room,
    check_store,
    examine_recorder,
)
from signaling.recordings import FOLDER
from sluice.config import Settings
from sluice.recorder_config import CaptionsConfig
from tests.chat.redis_servers import RedisServer, free_port, redis_server
from tests.recorder.catalog.world import lay, records

VOD = "live-20260301-180000-abc234"
OTHER = "live-20260302-180000-xyz567"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


def settings(storage: Path, **recorder: object) -> Settings:
    return Settings(storage={"path": storage}, recorder=recorder)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hours", "status", "words"),
    [(24.0, "ok", "24.0 hours"), (1.5, "warn", "1.5 hours"), (-0.1, "fail", "nothing is recorded")],
)
def test_room_is_told_in_hours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hours: float, status: str, words: str
) -> None:
    free = (1_000 << 20) + int(hours * BYTES_AN_HOUR)
    monkeypatch.setattr(LocalDisk, "free", lambda self, folder: free)
    check = check_room(settings(tmp_path, reserve_mb=1_000))
    assert (check.status, words in check.detail) == (status, True), check
    assert ("keep_days" in check.todo) == (status != "ok")


def test_room_is_that_of_a_folder_that_is_still_to_be_made(tmp_path: Path) -> None:
    check = check_room(settings(tmp_path / "not" / "yet", reserve_mb=16))
    assert "hours at 6 Mbit/s" in check.detail or check.status == "fail"
    assert not (tmp_path / "not").exists()


def test_without_recordings_no_room_is_needed(tmp_path: Path) -> None:
    assert check_room(settings(tmp_path, record="never")).status == "ok"


def test_recordings_that_were_ended_in_order_are_well(tmp_path: Path) -> None:
    assert check_recordings(settings(tmp_path)).status == "ok"
    lay(tmp_path / FOLDER, VOD, records(VOD))
    stored = [Stored("source", number) for number in range(2_000)]
    after: list[Record] = [Mark(0, "marker", "x"), *stored]
    lay(tmp_path / FOLDER, OTHER, [*records(OTHER, seconds=100), *after])
    check = check_recordings(settings(tmp_path))
    assert (check.status, check.detail.startswith("2 in")) == ("ok", True), check


def test_what_a_crash_left_open_is_told(tmp_path: Path) -> None:
    lay(tmp_path / FOLDER, VOD, records(VOD, closed=None))
    check = check_recordings(settings(tmp_path))
    assert (check.status, VOD in check.detail) == ("warn", True)
    assert "next start" in check.todo


def test_what_is_being_written_is_well(tmp_path: Path) -> None:
    folder = lay(tmp_path / FOLDER, VOD, records(VOD, closed=None))
    with IndexWriter(folder / FILE):
        check = check_recordings(settings(tmp_path))
    assert (check.status, "1 being written" in check.detail) == ("ok", True), check


@pytest.mark.parametrize("rest", [b"01234567 {half a li", b"nonsense\n"])
def test_a_torn_index_is_told(tmp_path: Path, rest: bytes) -> None:
    folder = lay(tmp_path / FOLDER, VOD, records(VOD))
    with (folder / FILE).open("ab") as file:
        file.write(rest)
    check = check_recordings(settings(tmp_path))
    assert (check.status, "torn" in check.detail) == ("warn", True)
    assert "sluice vod repair" in check.todo


def test_an_index_that_says_nothing_is_told(tmp_path: Path) -> None:
    for number in range(5):
        folder = lay(tmp_path / FOLDER, f"live-{number}", [])
        (folder / FILE).write_bytes(os.urandom(100_000))
    check = check_recordings(settings(tmp_path))
    assert check.status == "warn"
    assert "live-0, live-1, live-2 and 2 more" in check.detail


async def test_a_store_is_tried(tmp_path: Path) -> None:
    assert (await check_store(settings(tmp_path))).status == "ok"
    url = (tmp_path / "objects").as_uri()
    assert (await check_store(settings(tmp_path, store={"url": url}))).status == "ok"
    assert list((tmp_path / "objects").iterdir()) == [], "nothing of it is left"


async def test_a_store_that_cannot_be_used_fails(tmp_path: Path) -> None:
    own = settings(tmp_path, store={"url": (tmp_path / FOLDER).as_uri()})
    assert "recorded into" in (await check_store(own)).detail
    s3 = {"url": "s3://bucket", "access_key": "key", "secret_key": "secret"}
    away = {**s3, "endpoint": f"http://127.0.0.1:{free_port()}"}
    check = await check_store(settings(tmp_path, store=away))
    assert (check.status, "cannot be reached" in check.detail) == ("fail", True), check
    keyless = await check_store(settings(tmp_path, store={"url": "s3://bucket"}))
    assert (keyless.status, "access key" in keyless.detail) == ("fail", True)


async def test_who_does_the_jobs_is_told(tmp_path: Path) -> None:
    assert "2 at a time" in (await check_jobs(settings(tmp_path, jobs={"workers": 2}))).detail
    nobody = await check_jobs(settings(tmp_path, jobs={"workers": 0}))
    assert "Another server" in nobody.todo


@pytest.mark.needs("redis-server")
async def test_redis_must_answer(tmp_path: Path, server: RedisServer) -> None:
    there = await check_jobs(settings(tmp_path, jobs={"redis_url": server.url}))
    assert (there.status, "sluice vod worker" in there.todo) == ("ok", True), there


async def test_a_redis_that_does_not_answer_fails(tmp_path: Path) -> None:
    url = f"redis://:secret@127.0.0.1:{free_port()}"
    away = await check_jobs(settings(tmp_path, jobs={"redis_url": url}))
    assert (away.status, "secret" in away.detail) == ("fail", False), away
    wrong = await check_jobs(settings(tmp_path, jobs={"redis_url": "http://x"}))
    assert (wrong.status, "redis_url" in wrong.detail) == ("fail", True)


def test_a_caption_engine_must_be_installed_and_have_its_model(tmp_path: Path) -> None:
    assert check_captions(CaptionsConfig()).status == "ok"
    assert check_captions(CaptionsConfig(engine="pocketsphinx")).status == "ok"
    german = check_captions(CaptionsConfig(engine="pocketsphinx", language="de"))
    assert (german.status, "model" in german.detail) == ("fail", True)
    gone = CaptionsConfig(engine="pocketsphinx", model=tmp_path / "gone")
    assert str(tmp_path / "gone") in check_captions(gone).detail


async def test_all_of_it_has_names_of_its_own(tmp_path: Path) -> None:
    names = [check.name for check in await examine_recorder(settings(tmp_path))]
    assert len(names) == len(set(names)) == 5
