"""The doctor's look at a store: nothing to say, or what is wrong with it; and nothing is left."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recorder.store.address import FileAddress
from recorder.store.doctor import check
from tests.recorder.store.faulty_proxy import Change, Fault, FaultyProxy, Reply, Seen
from tests.recorder.store.growing import names_in
from tests.recorder.store.s3_server import ACCESS_KEY, SECRET, Bucket, open_bucket

if TYPE_CHECKING:
    from obstore.store import ObjectStore


async def test_a_store_that_is_well(store: ObjectStore, bucket: Bucket) -> None:
    assert await check(store) == []
    assert bucket.names() == []


async def test_a_folder_that_is_well(tmp_path: Path) -> None:
    assert await check(FileAddress(tmp_path).open()) == []
    assert names_in(tmp_path) == []


async def test_no_bucket(bucket: Bucket) -> None:
    bucket.name = "no-such-bucket"
    assert await check(open_bucket(bucket)) == ["The bucket does not exist."]


async def test_nobody_there(proxied: ObjectStore, proxy: FaultyProxy) -> None:
    await proxy.down()
    (wrong,) = await check(proxied)
    assert "connection refused" in wrong


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("InvalidAccessKeyId", "access key"),
        ("SignatureDoesNotMatch", "secret"),
        ("RequestTimeTooSkewed", "clocks"),
        ("AccessDenied", "AccessDenied"),
    ],
)
async def test_wrong_keys(proxied: ObjectStore, proxy: FaultyProxy, code: str, said: str) -> None:
    proxy.rule = lambda seen: Reply(403, code)
    (wrong,) = await check(proxied)
    assert said in wrong
    assert ACCESS_KEY not in wrong
    assert SECRET not in wrong


async def test_keys_that_may_not_delete(proxied: ObjectStore, proxy: FaultyProxy) -> None:
    proxy.rule = lambda seen: Reply(403) if seen.path.endswith("?delete") else None
    (wrong,) = await check(proxied)
    assert "cannot be deleted" in wrong


async def test_clocks_that_differ(store: ObjectStore) -> None:
    (wrong,) = await check(store, now_s=time.time() + 3_600)
    assert "differ by 60 minutes" in wrong


async def test_a_store_without_put_if_absent(
    proxied: ObjectStore, proxy: FaultyProxy, bucket: Bucket
) -> None:
    """An old one, which does not know the header and overwrites."""

    def old(seen: Seen) -> Fault | None:
        return None if seen.method != "PUT" else Change(head=without_condition)

    proxy.rule = old
    (wrong,) = await check(proxied)
    assert "overwrites" in wrong
    assert bucket.names() == []


def without_condition(head: bytes) -> bytes:
    lines = head.split(b"\r\n")
    return b"\r\n".join(one for one in lines if not one.lower().startswith(b"if-none-match"))
