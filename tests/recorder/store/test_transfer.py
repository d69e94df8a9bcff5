"""An object is in the store when exactly its bytes are: whatever happens on the way, it is seen."""

from __future__ import annotations

import random
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.store.address import FileAddress
from recorder.store.failures import StoreError
from recorder.store.transfer import (
    PART,
    Digest,
    confirm,
    digest_file,
    digest_of,
    has,
    part_size,
    place,
    stored_sha256,
)
from tests.recorder.store.faulty_proxy import Change, Fault, FaultyProxy, Reply, Seen
from tests.recorder.store.s3_server import Bucket

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SIZES = [0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 7]


def bytes_of(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("size", SIZES)
async def test_the_digest_knows_the_etag_before(
    store: ObjectStore, bucket: Bucket, tmp_path: Path, size: int
) -> None:
    data = bytes_of(size)
    path = tmp_path / "chunk.mp4"
    path.write_bytes(data)
    digest = digest_file(path)
    assert digest == digest_of(data)
    await place(store, "a/chunk.mp4", path, digest)
    meta = await obstore.head_async(store, "a/chunk.mp4")
    assert (meta["size"], meta["e_tag"]) == (size, f'"{digest.etag}"')
    assert bucket.sha256("a/chunk.mp4") == digest.sha256 == sha256(data).hexdigest()


async def test_one_request_with_a_checksum_where_the_etag_says_enough(
    proxied: ObjectStore, proxy: FaultyProxy
) -> None:
    data = b"part of a picture"
    await place(proxied, "a", data, digest_of(data))
    assert [one.method for one in proxy.requests] == ["PUT", "HEAD"]
    assert "x-amz-checksum-sha256: " in proxy.requests[0].head.lower()


async def test_large_ones_go_in_parts(proxied: ObjectStore, proxy: FaultyProxy) -> None:
    data = bytes_of(2 * PART + 7)
    await place(proxied, "a", data, digest_of(data))
    assert [one.method for one in proxy.requests] == ["POST", "PUT", "PUT", "PUT", "POST", "HEAD"]


async def test_a_flipped_bit_on_the_way_is_seen(
    proxied: ObjectStore, proxy: FaultyProxy, bucket: Bucket
) -> None:
    """This server does not look at checksums, as one that is broken would not."""
    proxy.rule = lambda seen: (
        Change(body=lambda body: bytes([body[0] ^ 1]) + body[1:]) if seen.method == "PUT" else None
    )
    with pytest.raises(StoreError) as raised:
        await place(proxied, "a", b"picture", digest_of(b"picture"))
    assert raised.value.kind == "wrong content"
    assert bucket.read("a") == b"qicture"


async def test_a_torn_one_is_seen(proxied: ObjectStore, proxy: FaultyProxy) -> None:
    def torn(seen: Seen) -> Fault | None:
        shorter = seen.method == "HEAD"
        return Reply(200, headers=('ETag: "x"', DATE, "Content-Length: 3")) if shorter else None

    proxy.rule = torn
    with pytest.raises(StoreError, match="3 bytes of 7"):
        await place(proxied, "a", b"picture", digest_of(b"picture"))


async def test_a_store_that_forgets_is_seen(proxied: ObjectStore, proxy: FaultyProxy) -> None:
    proxy.rule = lambda seen: Reply(200, headers=('ETag: "x"',)) if seen.method == "PUT" else None
    with pytest.raises(StoreError) as raised:
        await place(proxied, "a", b"picture", digest_of(b"picture"))
    assert raised.value.kind == "not found"


async def test_where_etags_are_something_else_it_is_read_back(
    proxied: ObjectStore, proxy: FaultyProxy
) -> None:
    data = bytes_of(2 * PART + 7)
    digest = digest_of(data)

    def encrypted(answer: bytes) -> bytes:
        return answer.replace(digest.etag.encode(), b"0" * len(digest.etag))

    proxy.rule = lambda seen: Change(answer=encrypted)
    await place(proxied, "a", data, digest)
    assert [one.method for one in proxy.requests][-4:] == ["HEAD", "GET", "GET", "GET"]
    assert not await has(proxied, "a", Digest(digest.size, "0" * 64))


async def test_a_folder_is_a_store_too(tmp_path: Path) -> None:
    store = FileAddress(tmp_path / "store").open()
    data = bytes_of(PART + 1)
    path = tmp_path / "chunk.mp4"
    path.write_bytes(data)
    await place(store, "kim/derived/chunk.mp4", path, digest_of(data))
    assert (tmp_path / "store/kim/derived/chunk.mp4").read_bytes() == data
    (tmp_path / "store/kim/derived/chunk.mp4").write_bytes(data[:-1] + b"\0")
    with pytest.raises(StoreError, match="other bytes"):
        await confirm(store, "kim/derived/chunk.mp4", digest_of(data))


async def test_create_leaves_what_is_there(store: ObjectStore, tmp_path: Path) -> None:
    for one in (store, FileAddress(tmp_path).open()):
        await place(one, "a/b", b"first", digest_of(b"first"), mode="create")
        with pytest.raises(StoreError) as raised:
            await place(one, "a/b", b"other", digest_of(b"other"), mode="create")
        assert raised.value.kind == "there"
        assert await stored_sha256(one, "a/b", 5) == sha256(b"first").hexdigest()


async def test_whether_it_is_there(store: ObjectStore) -> None:
    assert not await has(store, "a", digest_of(b"x"))
    await place(store, "a", b"x", digest_of(b"x"))
    assert await has(store, "a", digest_of(b"x"))
    assert not await has(store, "a", digest_of(b"y"))
    assert not await has(store, "a", digest_of(b"xy"))


def test_only_what_counts_of_a_file_is_digested(tmp_path: Path) -> None:
    path = tmp_path / "chunk.mp4"
    path.write_bytes(b"sealed and torn")
    assert digest_file(path, 6) == digest_of(b"sealed")
    assert digest_file(path, 100) == digest_of(b"sealed and torn")


@given(st.integers(0, 5 * 2**40))
def test_parts_are_neither_too_many_nor_too_small(size: int) -> None:
    part = part_size(size)
    assert part >= PART
    assert size / part <= 10_000


DATE = "Last-Modified: Thu, 01 Jan 2026 20:00:00 GMT"
