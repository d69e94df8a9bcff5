"""A recording is deleted from the store: all of it, nothing else, and again without harm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recorder.store.address import FileAddress
from recorder.store.deletion import delete_prefix, names_below
from recorder.store.failures import StoreError
from tests.recorder.store.faulty_proxy import FaultyProxy, Reply
from tests.recorder.store.growing import ID, names_in
from tests.recorder.store.s3_server import Bucket, open_bucket

if TYPE_CHECKING:
    from obstore.store import ObjectStore


async def test_all_of_it_and_nothing_else(bucket: Bucket) -> None:
    store = open_bucket(bucket, prefix="vods")
    for name in (f"{ID}/index.log", f"{ID}/derived/key/video.mp4", f"{ID}x/index.log"):
        bucket.write(f"vods/{name}", b"x")
    bucket.write(f"{ID}/index.log", b"not ours")
    assert await delete_prefix(store, ID) == 2
    assert bucket.names() == [f"{ID}/index.log", f"vods/{ID}x/index.log"]
    assert await delete_prefix(store, ID) == 0


async def test_more_than_one_answer_lists(
    store: ObjectStore, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "10")  # S3 has 1000
    for number in range(25):
        bucket.write(f"{ID}/source-{number:06d}.mp4", b"x")
    assert len(await names_below(store, ID)) == 25
    assert await delete_prefix(store, ID) == 25
    assert bucket.names() == []


async def test_a_folder_with_what_was_left_half_written(tmp_path: Path) -> None:
    store = FileAddress(tmp_path).open()
    for name in (f"{ID}/index.log", f"{ID}/derived/key/x", f"{ID}/index.log#1", "other/index.log"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    assert await delete_prefix(store, ID) == 2
    assert names_in(tmp_path) == ["other"]
    assert await delete_prefix(store, ID) == 0


@pytest.mark.parametrize("prefix", ["", "/", "..", "a", f"{ID}/", f"{ID}/..", f"/{ID}", "Kim"])
async def test_what_is_no_recording_is_refused(tmp_path: Path, prefix: str) -> None:
    (tmp_path / "keep").touch()
    with pytest.raises(ValueError, match="not below"):
        await delete_prefix(FileAddress(tmp_path).open(), prefix)
    assert (tmp_path / "keep").exists()


async def test_a_store_that_does_not_delete(
    proxied: ObjectStore, bucket: Bucket, proxy: FaultyProxy
) -> None:
    bucket.write(f"{ID}/index.log", b"x")
    proxy.rule = lambda seen: Reply(403, "AccessDenied") if seen.method == "POST" else None
    with pytest.raises(StoreError, match="AccessDenied"):
        await delete_prefix(proxied, ID)


async def test_objects_that_come_again_and_again(
    proxied: ObjectStore, bucket: Bucket, proxy: FaultyProxy
) -> None:
    bucket.write(f"{ID}/index.log", b"x")
    deleted = f"<Deleted><Key>{ID}/index.log</Key></Deleted>"
    answer = Reply(200, body=f"<DeleteResult>{deleted}</DeleteResult>")
    proxy.rule = lambda seen: answer if seen.method == "POST" else None
    with pytest.raises(StoreError, match="appear while"):
        await delete_prefix(proxied, ID)
