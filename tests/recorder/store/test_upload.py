"""Uploads while a recording grows, against a real S3 server that is away, full, slow or lying."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recorder import index
from recorder.index import FILE
from recorder.recording import Recording
from recorder.records import Sealed, Stored, chunk_name
from recorder.store.address import AddressError, FileAddress
from recorder.store.folder import index_bytes, unfinished
from recorder.store.plan import MOST_MS
from tests.recorder.store.faulty_proxy import Fault, FaultyProxy, Reply, Reset, Seen, Stall
from tests.recorder.store.growing import ID, Growing, name_of
from tests.recorder.store.live import live
from tests.recorder.store.s3_server import Bucket, open_bucket

if TYPE_CHECKING:
    from obstore.store import ObjectStore


def check_all_there(bucket: Bucket, growing: Growing, *sealed: Sealed) -> None:
    """Read every object and compare; nothing else is there."""
    for one in sealed:
        assert bucket.sha256(name_of(one, growing.id)) == one.sha256
    names = {name_of(one, growing.id) for one in sealed} | {f"{growing.id}/{FILE}"}
    assert set(bucket.names(f"{growing.id}/")) == names
    assert bucket.read(f"{growing.id}/{FILE}") == (growing.folder / FILE).read_bytes()


def stored_in_index(folder: Path) -> set[tuple[str, int]]:
    records = index.read(folder / FILE).records
    return {(one.rendition, one.number) for one in records if isinstance(one, Stored)}


async def test_chunks_go_while_the_stream_is_live(
    store: ObjectStore, bucket: Bucket, tmp_path: Path
) -> None:
    async with live(store, tmp_path) as world:
        growing = await world.begin()
        first = growing.seal(100_000)
        world.uploader.sealed(ID, first)
        await world.stored(first)
        assert bucket.sha256(name_of(first)) == first.sha256, "still live, and there already"
        large = growing.seal(6_000_000, "720p")
        world.uploader.sealed(ID, large)
        await world.stored(large)
        growing.close()
        world.uploader.close(ID)
        await world.uploader.finished(ID)
        check_all_there(bucket, growing, first, large)
        assert stored_in_index(growing.folder) == {("source", 1), ("720p", 2)}
        assert unfinished(tmp_path) == []
        assert world.uploader.health().waiting == 0


async def test_the_index_goes_while_it_grows(
    proxied: ObjectStore, bucket: Bucket, proxy: FaultyProxy, tmp_path: Path
) -> None:
    """So that another machine can show what this one had, should it never come back."""
    async with live(proxied, tmp_path) as world:
        growing = await world.begin()
        for number in (1, 2):
            sealed = growing.seal(1_000)
            world.uploader.sealed(ID, sealed)
            await world.stored(sealed)
            world.pass_ms(MOST_MS)
            await proxy.until(indexes(number))
            data = bucket.read(f"{ID}/{FILE}")
            assert data == index_bytes(growing.folder)[: len(data)]
            known = Recording.of(index.parse(data).records).renditions["source"].chunks
            assert number in known
        growing.abandon()


def indexes(count: int) -> Callable[[list[Seen]], bool]:
    """So many uploads of an index were verified."""
    return lambda seen: (
        count <= sum(one.method == "HEAD" and one.path.endswith(FILE) for one in seen)
    )


def requests(count: int) -> Callable[[list[Seen]], bool]:
    return lambda seen: len(seen) >= count


async def test_the_store_is_away_for_a_minute(
    proxied: ObjectStore, bucket: Bucket, proxy: FaultyProxy, tmp_path: Path
) -> None:
    async with live(proxied, tmp_path) as world:
        growing = await world.begin()
        chunks = [growing.seal(50_000)]
        world.uploader.sealed(ID, chunks[0])
        await world.stored(*chunks)
        await proxy.down()
        while world.clock.now_ms() < 60_000:
            if len(chunks) < 12:
                chunks.append(growing.seal(50_000))
                world.uploader.sealed(ID, chunks[-1])
            health = await world.failing()
            assert health.failures >= 1
            assert "cannot be reached" in health.error
            assert health.retry_ms <= MOST_MS
            world.pass_ms(health.retry_ms)
        assert health.failed < 12, "it was not hammered"
        assert world.uploader.health().oldest_ms >= 25_000
        await proxy.up()
        while (health := await world.failing()).failures:
            world.pass_ms(health.retry_ms)
        world.pass_ms(MOST_MS)
        await world.stored(*chunks)
        growing.close()
        world.uploader.close(ID)
        await world.uploader.finished(ID)
        check_all_there(bucket, growing, *chunks)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Reply(500, "InternalError"), "500 InternalError"),
        (Reply(403, "AccessDenied"), "AccessDenied"),
        (Reply(507, "InsufficientStorage"), "full"),
        (Reply(404, "NoSuchBucket"), "bucket does not exist"),
        (Reset(), "broke off"),
        (Stall(), "in time"),
    ],
)
async def test_a_store_that_fails_is_told_and_tried_again(
    bucket: Bucket, proxy: FaultyProxy, tmp_path: Path, fault: Fault, said: str
) -> None:
    store = open_bucket(
        bucket, endpoint=proxy.endpoint, request_s=0.5 if isinstance(fault, Stall) else 20
    )
    proxy.rule = lambda seen: fault if seen.method in ("PUT", "POST") else None
    async with live(store, tmp_path) as world:
        growing = await world.begin()
        chunks = [growing.seal(1_000), growing.seal(5_500_000)]
        for one in chunks:
            world.uploader.sealed(ID, one)
        health = await world.failing()
        assert said in health.error
        assert (health.failures, health.waiting, health.waiting_bytes) == (1, 2, 5_501_000)
        assert stored_in_index(growing.folder) == set(), "nothing is said to be there"
        proxy.rule = lambda seen: None
        growing.close()
        world.uploader.close(ID)
        finished = asyncio.create_task(world.uploader.finished(ID))
        while not finished.done():
            world.pass_ms(MOST_MS)
            await asyncio.wait([finished], timeout=0.05)
        check_all_there(bucket, growing, *chunks)
        assert world.uploader.health().error == ""


async def test_a_store_that_forgets_what_it_took(
    proxied: ObjectStore, bucket: Bucket, proxy: FaultyProxy, tmp_path: Path
) -> None:
    proxy.rule = lambda seen: Reply(200, headers=('ETag: "x"',)) if seen.method == "PUT" else None
    async with live(proxied, tmp_path) as world:
        growing = await world.begin()
        sealed = growing.seal(1_000)
        world.uploader.sealed(ID, sealed)
        assert "does not have the object" in (await world.failing()).error
        proxy.rule = lambda seen: None
        world.pass_ms(MOST_MS)
        await world.stored(sealed)
        assert bucket.sha256(name_of(sealed)) == sealed.sha256
        growing.abandon()


async def test_what_arrived_before_the_answer_was_lost_is_not_sent_twice(
    proxied: ObjectStore, bucket: Bucket, proxy: FaultyProxy, tmp_path: Path
) -> None:
    proxy.rule = lambda seen: Reply(500) if seen.method == "HEAD" else None
    async with live(proxied, tmp_path) as world:
        growing = await world.begin()
        sealed = growing.seal(1_000)
        world.uploader.sealed(ID, sealed)
        await world.failing()
        proxy.rule = lambda seen: None
        world.pass_ms(MOST_MS)
        await world.stored(sealed)
        methods = [one.method for one in proxy.requests if one.path.endswith(".mp4")]
        assert methods == ["PUT", "HEAD", "HEAD"]
        growing.abandon()


async def test_what_a_dead_process_left_is_taken_up(
    store: ObjectStore, bucket: Bucket, tmp_path: Path
) -> None:
    growing = Growing(tmp_path)
    chunks = [growing.seal(1_000), growing.seal(2_000)]
    growing.stored("source", 1)
    bucket.write(name_of(chunks[0]), growing.data(chunks[0]))
    growing.abandon()
    async with live(store, tmp_path) as world:
        (found,) = unfinished(tmp_path)
        assert not found.closed
        await world.uploader.resume(found)
        again = Growing(tmp_path)  # who recovers the recording closes it
        again.close()
        world.uploader.close(ID)
        await world.uploader.finished(ID)
        check_all_there(bucket, again, *chunks)
        assert stored_in_index(growing.folder) == {("source", 1), ("source", 2)}


async def test_only_the_index_is_missing(
    store: ObjectStore, bucket: Bucket, tmp_path: Path
) -> None:
    growing = Growing(tmp_path)
    growing.close()
    async with live(store, tmp_path) as world:
        (found,) = unfinished(tmp_path)
        await world.uploader.resume(found)
        await world.uploader.finished(ID)
        check_all_there(bucket, growing)
        assert unfinished(tmp_path) == []


async def test_a_damaged_chunk_is_not_uploaded_and_the_others_are(
    store: ObjectStore, bucket: Bucket, tmp_path: Path
) -> None:
    growing = Growing(tmp_path)
    chunks = [growing.seal(1_000), growing.seal(2_000), growing.seal(3_000)]
    data = growing.data(chunks[0])
    (growing.folder / chunk_name("source", 1)).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    (growing.folder / chunk_name("source", 2)).unlink()
    growing.close()
    async with live(store, tmp_path) as world:
        await world.uploader.resume(unfinished(tmp_path)[0])
        await world.uploader.finished(ID)
        check_all_there(bucket, growing, chunks[2])
        damaged, missing = sorted(world.uploader.health().refused)
        assert "source-000001.mp4 is not what was recorded" in damaged
        assert "source-000002.mp4 is missing" in missing
        assert len(unfinished(tmp_path)) == 1, "after a repair it goes on"
        (growing.folder / chunk_name("source", 1)).write_bytes(data)
        await world.uploader.resume(unfinished(tmp_path)[0])
        await world.uploader.finished(ID)
        assert bucket.sha256(name_of(chunks[0])) == chunks[0].sha256


async def test_a_stream_that_comes_back_goes_on_in_the_same_recording(
    store: ObjectStore, bucket: Bucket, tmp_path: Path
) -> None:
    async with live(store, tmp_path) as world:
        growing = await world.begin()
        first = growing.seal(1_000)
        world.uploader.sealed(ID, first)
        growing.close()
        world.uploader.close(ID)
        await world.uploader.finished(ID)
        growing = await world.begin()
        growing.session()
        second = growing.seal(2_000)
        world.uploader.sealed(ID, second)
        await world.stored(second)
        growing.close()
        world.uploader.close(ID)
        await world.uploader.finished(ID)
        check_all_there(bucket, growing, first, second)


async def test_while_another_writes_the_index_the_uploader_waits(
    store: ObjectStore, bucket: Bucket, tmp_path: Path
) -> None:
    growing = Growing(tmp_path)
    sealed = growing.seal(1_000)
    growing.close()
    other = Growing(tmp_path)
    async with live(store, tmp_path) as world:
        await world.uploader.resume(unfinished(tmp_path)[0])
        health = await world.failing()
        assert health.failures == 0, "it is not the store's fault"
        assert ID in health.error
        other.abandon()
        world.pass_ms(MOST_MS)
        await world.uploader.finished(ID)
        check_all_there(bucket, growing, sealed)


async def test_a_recording_that_is_being_deleted_is_left(
    proxied: ObjectStore, bucket: Bucket, proxy: FaultyProxy, tmp_path: Path
) -> None:
    proxy.rule = lambda seen: Stall()
    async with live(proxied, tmp_path) as world:
        growing = await world.begin()
        world.uploader.sealed(ID, growing.seal(1_000))
        await proxy.until(requests(1))
        waiting = asyncio.create_task(world.uploader.finished(ID))
        await world.uploader.drop(ID)
        await waiting
        world.uploader.sealed(ID, growing.seal(1_000))
        assert world.uploader.health().waiting == world.uploader.health().running == 0
        growing.abandon()
        other = await world.begin("mia-20260101-200000-abcdef")
        proxy.rule = lambda seen: None
        sealed = other.seal(1_000)
        world.uploader.sealed(other.id, sealed)
        await world.stored(sealed)
        assert bucket.names(ID) == []
        other.abandon()


async def test_many_recordings_at_once(
    proxied: ObjectStore, bucket: Bucket, proxy: FaultyProxy, tmp_path: Path
) -> None:
    async with live(proxied, tmp_path) as world:
        all_growing = [await world.begin(f"kim-2026-{number}") for number in range(4)]
        chunks = {one.id: [one.seal(10_000) for _ in range(4)] for one in all_growing}
        for growing in all_growing:
            for sealed in chunks[growing.id]:
                world.uploader.sealed(growing.id, sealed)
        assert world.uploader.health().waiting == 16
        for growing in all_growing:
            growing.close()
            world.uploader.close(growing.id)
        for growing in all_growing:
            await world.uploader.finished(growing.id)
            check_all_there(bucket, growing, *chunks[growing.id])


async def test_a_folder_as_the_store(tmp_path: Path) -> None:
    store = FileAddress(tmp_path / "store").open()
    async with live(store, tmp_path / "recordings") as world:
        growing = await world.begin()
        sealed = growing.seal(6_000_000)
        world.uploader.sealed(ID, sealed)
        await world.stored(sealed)
        growing.close()
        world.uploader.close(ID)
        await world.uploader.finished(ID)
        for file in (chunk_name("source", 1), FILE):
            stored = (tmp_path / "store" / ID / file).read_bytes()
            assert stored == (growing.folder / file).read_bytes()


async def test_the_folder_that_is_recorded_into_is_refused(tmp_path: Path) -> None:
    async with live(FileAddress(tmp_path).open(), tmp_path) as world:
        with pytest.raises(AddressError):
            await world.begin()


async def test_killed_again_and_again_and_the_store_away_in_between(
    bucket: Bucket, proxy: FaultyProxy, tmp_path: Path
) -> None:
    """kill -9 at random moments of a process that records and uploads: all objects there, and
    intact."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    chunks = 80  # some 200 requests; the kills come within the first 100

    async def start() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.recorder.store.uploading_process"),
            *(str(tmp_path), proxy.endpoint, bucket.name, str(chunks)),
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )

    for kill in range(6):
        process = await start()
        await proxy.until(requests(len(proxy.requests) + chance.randint(2, 16)))
        if kill in (2, 4):
            await proxy.down()
            await said(process, b"failing\n")
        if kill == 2:
            await proxy.up()
            await said(process, b"taking\n")
        process.kill()
        await process.wait()
        if kill == 4:
            await proxy.up()
    process = await start()
    await said(process, b"finished\n")
    assert await process.wait() == 0
    files = Recording.read(tmp_path / ID).renditions["source"].chunks
    assert sorted(files) == list(range(1, chunks + 1))
    assert all(one.stored for one in files.values())
    for one in files.values():
        assert one.sealed is not None
        assert bucket.sha256(name_of(one.sealed)) == one.sealed.sha256
    assert len(bucket.names()) == chunks + 1
    assert bucket.read(f"{ID}/{FILE}") == (tmp_path / ID / FILE).read_bytes()
    assert unfinished(tmp_path) == []


async def said(process: asyncio.subprocess.Process, line: bytes) -> None:
    """Wait until the process says this, between what it logs."""
    assert process.stdout is not None
    while found := await process.stdout.readline():
        if found == line:
            return
    raise AssertionError(f"it ended without {line!r}")
