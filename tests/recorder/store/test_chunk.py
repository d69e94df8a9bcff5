"""A sealed chunk in the store: as the index described it, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recorder.records import chunk_name
from recorder.store.chunk import ChunkDamaged, place_chunk
from recorder.store.failures import StoreError
from tests.recorder.store.faulty_proxy import FaultyProxy, Reply
from tests.recorder.store.growing import ID, Growing, name_of
from tests.recorder.store.s3_server import Bucket

if TYPE_CHECKING:
    from obstore.store import ObjectStore


@pytest.fixture
def growing(tmp_path: Path) -> Growing:
    return Growing(tmp_path)


async def test_it_is_put(store: ObjectStore, bucket: Bucket, growing: Growing) -> None:
    sealed = growing.seal(1_000)
    await place_chunk(store, ID, growing.folder, sealed)
    assert bucket.read(name_of(sealed)) == growing.data(sealed)


async def test_what_a_crash_left_behind_its_end_is_not(
    store: ObjectStore, bucket: Bucket, growing: Growing
) -> None:
    sealed = growing.seal(1_000)
    with (growing.folder / chunk_name("source", 1)).open("ab") as file:
        file.write(b"half a part")
    await place_chunk(store, ID, growing.folder, sealed)
    assert bucket.sha256(name_of(sealed)) == sealed.sha256


async def test_again_it_is_only_verified(
    proxied: ObjectStore, proxy: FaultyProxy, growing: Growing
) -> None:
    sealed = growing.seal(1_000)
    await place_chunk(proxied, ID, growing.folder, sealed)
    await place_chunk(proxied, ID, growing.folder, sealed, again=True)
    assert [one.method for one in proxy.requests] == ["PUT", "HEAD", "HEAD"]


async def test_again_where_something_else_is_there(
    store: ObjectStore, bucket: Bucket, growing: Growing
) -> None:
    sealed = growing.seal(1_000)
    bucket.write(name_of(sealed), b"x" * 1_000)
    await place_chunk(store, ID, growing.folder, sealed, again=True)
    assert bucket.sha256(name_of(sealed)) == sealed.sha256


async def test_a_store_that_does_not_say_whether_it_is_there(
    proxied: ObjectStore, bucket: Bucket, proxy: FaultyProxy, growing: Growing
) -> None:
    """S3 says 403 for what is not there to keys that may not list."""
    sealed = growing.seal(1_000)
    proxy.rule = lambda seen: Reply(403) if len(proxy.requests) == 0 else None
    await place_chunk(proxied, ID, growing.folder, sealed, again=True)
    assert bucket.sha256(name_of(sealed)) == sealed.sha256
    proxy.rule = lambda seen: Reply(500)
    with pytest.raises(StoreError):
        await place_chunk(proxied, ID, growing.folder, sealed, again=True)


async def test_one_that_is_gone_here_and_there_is_damaged(
    store: ObjectStore, bucket: Bucket, growing: Growing
) -> None:
    sealed = growing.seal(1_000)
    data = growing.data(sealed)
    (growing.folder / chunk_name("source", 1)).unlink()
    with pytest.raises(ChunkDamaged, match="is missing"):
        await place_chunk(store, ID, growing.folder, sealed)
    bucket.write(name_of(sealed), data[:-1] + b"\0")
    with pytest.raises(ChunkDamaged, match="is missing"):
        await place_chunk(store, ID, growing.folder, sealed)
    bucket.write(name_of(sealed), data)
    await place_chunk(store, ID, growing.folder, sealed)  # it is there after all


async def test_a_store_that_is_away_does_not_make_it_damaged(
    proxied: ObjectStore, proxy: FaultyProxy, growing: Growing
) -> None:
    sealed = growing.seal(1_000)
    (growing.folder / chunk_name("source", 1)).write_bytes(b"flipped")
    await proxy.down()
    with pytest.raises(StoreError):
        await place_chunk(proxied, ID, growing.folder, sealed)
