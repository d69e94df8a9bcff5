"""Chunks are read from here while they are here, and from the store afterwards."""

from __future__ import annotations

import asyncio
import pickle
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recorder.media import Media, MediaMissing
from recorder.store.address import FileAddress
from recorder.store.media import BLOCK, StoreDown, StoreMedia
from tests.recorder.store.faulty_proxy import Change, FaultyProxy, Reply, Stall
from tests.recorder.store.growing import ID
from tests.recorder.store.s3_server import Bucket, open_bucket

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CHUNK = "source-000001.mp4"
DATA = random.Random(1).randbytes(3 * BLOCK + 12_345)


@pytest.fixture
def stored(bucket: Bucket) -> Bucket:
    bucket.write(f"{ID}/{CHUNK}", DATA)
    return bucket


def gets(proxy: FaultyProxy) -> int:
    return sum(one.method == "GET" for one in proxy.requests)


def test_what_is_here_is_read_here(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / CHUNK).write_bytes(DATA)
    media: Media = StoreMedia(tmp_path, store, ID)
    assert media.read(CHUNK, 10, 100) == DATA[10:110]
    assert media.local(CHUNK) == tmp_path / CHUNK


@pytest.mark.parametrize(
    ("offset", "size"),
    [
        (0, 1),
        (0, BLOCK),
        (BLOCK - 1, 2),
        (5, 2 * BLOCK),
        (3 * BLOCK, 12_345),
        (len(DATA) - 1, 1),
        (0, len(DATA)),
        (7, 0),
    ],
)
@pytest.mark.parametrize("cache", [0, 2 * BLOCK, 100 * BLOCK])
def test_what_is_gone_is_read_from_the_store(
    store: ObjectStore, stored: Bucket, tmp_path: Path, offset: int, size: int, cache: int
) -> None:
    media = StoreMedia(tmp_path, store, ID, cache=cache)
    assert media.read(CHUNK, offset, size) == DATA[offset : offset + size]
    assert media.local(CHUNK) is None


def test_a_folder_as_the_store(tmp_path: Path) -> None:
    (tmp_path / "store" / ID).mkdir(parents=True)
    (tmp_path / "store" / ID / CHUNK).write_bytes(DATA)
    media = StoreMedia(tmp_path, FileAddress(tmp_path / "store").open(), ID)
    assert media.read(CHUNK, BLOCK, 2 * BLOCK) == DATA[BLOCK : 3 * BLOCK]
    for offset in (len(DATA), 9 * BLOCK):
        with pytest.raises(MediaMissing, match="ends before"):
            media.read(CHUNK, offset, 1)


def test_a_local_file_that_was_cut_off(store: ObjectStore, stored: Bucket, tmp_path: Path) -> None:
    (tmp_path / CHUNK).write_bytes(DATA[:1_000])
    assert StoreMedia(tmp_path, store, ID).read(CHUNK, 500, 1_000) == DATA[500:1_500]


async def test_small_reads_that_follow_each_other_are_one_request(
    proxied: ObjectStore, proxy: FaultyProxy, stored: Bucket, tmp_path: Path
) -> None:
    media = StoreMedia(tmp_path, proxied, ID)
    for offset in range(0, BLOCK, BLOCK // 8):
        data = await asyncio.to_thread(media.read, CHUNK, offset, 1_000)
        assert data == DATA[offset : offset + 1_000]
    assert gets(proxy) == 1


async def test_the_cache_keeps_no_more_than_it_may(
    proxied: ObjectStore, proxy: FaultyProxy, stored: Bucket, tmp_path: Path
) -> None:
    media = StoreMedia(tmp_path, proxied, ID, cache=2 * BLOCK)
    for block in (0, 1, 0, 2, 0, 1):  # 1 is the one not used for longest when 2 comes
        await asyncio.to_thread(media.read, CHUNK, block * BLOCK, 10)
    assert gets(proxy) == 4


async def test_many_viewers_of_one_place_are_one_request(
    proxied: ObjectStore, proxy: FaultyProxy, stored: Bucket, tmp_path: Path
) -> None:
    media = StoreMedia(tmp_path, proxied, ID)
    with ThreadPoolExecutor(8) as threads:
        loop = asyncio.get_running_loop()
        reads = [loop.run_in_executor(threads, media.read, CHUNK, n, 10) for n in range(8)]
        assert await asyncio.gather(*reads) == [DATA[n : n + 10] for n in range(8)]
    assert gets(proxy) == 1


async def test_a_chunk_that_is_nowhere(store: ObjectStore, stored: Bucket, tmp_path: Path) -> None:
    media = StoreMedia(tmp_path, store, ID)
    for size in (10, 40 * BLOCK):
        with pytest.raises(MediaMissing) as raised:
            media.read("source-000002.mp4", 0, size)
        assert str(raised.value) == (
            "source-000002.mp4: No such file or directory; and the store does not have it"
        )
        assert not isinstance(raised.value, StoreDown)


@pytest.mark.parametrize(("offset", "size"), [(len(DATA) - 5, 10), (len(DATA), 1), (9 * BLOCK, 1)])
def test_a_range_beyond_the_end(
    store: ObjectStore, stored: Bucket, tmp_path: Path, offset: int, size: int
) -> None:
    with pytest.raises(MediaMissing, match=f"ends before byte {offset + size}"):
        StoreMedia(tmp_path, store, ID).read(CHUNK, offset, size)


async def test_a_store_that_is_away_is_told_from_one_that_lost_it(
    bucket: Bucket, proxy: FaultyProxy, stored: Bucket, tmp_path: Path
) -> None:
    store = open_bucket(bucket, endpoint=proxy.endpoint, request_s=0.3)
    media = StoreMedia(tmp_path, store, ID)
    for rule, said in ((Reply(500), "an error"), (Stall(), "in time"), (Reply(403), "keys")):
        proxy.rule = lambda seen, rule=rule: rule  # type: ignore[misc]
        with pytest.raises(StoreDown, match=said):
            await asyncio.to_thread(media.read, CHUNK, 0, 10)
    proxy.rule = lambda seen: None
    assert await asyncio.to_thread(media.read, CHUNK, 0, 10) == DATA[:10], "nothing is kept of it"


async def test_an_answer_that_is_cut_off_is_not_taken_for_the_end(
    proxied: ObjectStore, proxy: FaultyProxy, stored: Bucket, tmp_path: Path
) -> None:
    proxy.rule = lambda seen: Change(answer=lambda answer: answer[:-1])
    media = StoreMedia(tmp_path, proxied, ID)
    with pytest.raises(StoreDown):
        await asyncio.to_thread(media.read, CHUNK, 0, 10)


def test_it_can_be_sent_to_a_worker(store: ObjectStore, stored: Bucket, tmp_path: Path) -> None:
    media = StoreMedia(tmp_path, store, ID)
    media.read(CHUNK, 0, 10)
    sent = pickle.loads(pickle.dumps(media))
    assert isinstance(sent, StoreMedia)
    assert sent.read(CHUNK, BLOCK, 10) == DATA[BLOCK : BLOCK + 10]
