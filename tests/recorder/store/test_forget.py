"""Local chunks go when the store has exactly them, and not a moment before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recorder.index import FILE
from recorder.records import chunk_name
from recorder.store.address import AddressError, FileAddress
from recorder.store.failures import StoreError
from recorder.store.folder import unfinished
from recorder.store.forget import forget_local
from recorder.store.media import StoreMedia
from recorder.store.upload import Uploader
from tests.recorder.store.faulty_proxy import FaultyProxy
from tests.recorder.store.growing import ID, Growing, name_of
from tests.recorder.store.s3_server import Bucket

if TYPE_CHECKING:
    from obstore.store import ObjectStore


async def uploaded(store: ObjectStore, recordings: Path) -> Growing:
    growing = Growing(recordings)
    for _ in range(3):
        growing.seal(1_000)
    growing.close()
    uploader = Uploader(store)
    uploader.start()
    await uploader.resume(unfinished(recordings)[0])
    await uploader.finished(ID)
    await uploader.stop()
    return growing


def chunks(growing: Growing) -> list[str]:
    return sorted(path.name for path in growing.folder.glob("*.mp4"))


async def test_they_go_and_can_still_be_played(store: ObjectStore, tmp_path: Path) -> None:
    growing = await uploaded(store, tmp_path)
    name = chunk_name("source", 2)
    data = (growing.folder / name).read_bytes()
    (growing.folder / "derived").mkdir()
    assert await forget_local(store, growing.folder) == 3_000
    assert chunks(growing) == []
    assert (growing.folder / FILE).exists()
    assert (growing.folder / "derived").exists()
    assert StoreMedia(growing.folder, store, ID).read(name, 0, 1_000) == data
    assert await forget_local(store, growing.folder) == 0


async def test_while_it_grows_nothing_goes(store: ObjectStore, tmp_path: Path) -> None:
    growing = await uploaded(store, tmp_path)
    again = Growing(tmp_path)
    again.session()
    assert await forget_local(store, growing.folder) == 0
    assert len(chunks(growing)) == 3


async def test_what_the_store_lost_meanwhile_stays(
    store: ObjectStore, bucket: Bucket, tmp_path: Path
) -> None:
    growing = await uploaded(store, tmp_path)
    bucket.delete(f"{ID}/{chunk_name('source', 1)}")
    bucket.write(f"{ID}/{chunk_name('source', 3)}", b"x" * 1_000)
    assert await forget_local(store, growing.folder) == 1_000
    assert chunks(growing) == [chunk_name("source", 1), chunk_name("source", 3)]


async def test_without_its_index_in_the_store_nothing_goes(
    store: ObjectStore, bucket: Bucket, tmp_path: Path
) -> None:
    growing = await uploaded(store, tmp_path)
    bucket.delete(f"{ID}/{FILE}")
    assert await forget_local(store, growing.folder) == 0
    assert len(chunks(growing)) == 3


async def test_what_was_not_said_to_be_stored_stays(
    store: ObjectStore, bucket: Bucket, tmp_path: Path
) -> None:
    growing = await uploaded(store, tmp_path)
    again = Growing(tmp_path)
    again.session()
    sealed = again.seal(1_000)
    again.close()
    bucket.write(name_of(sealed), growing.data(sealed))
    bucket.write(f"{ID}/{FILE}", (growing.folder / FILE).read_bytes())
    assert await forget_local(store, growing.folder) == 3_000
    assert chunks(growing) == [chunk_name("source", 4)]


async def test_a_store_that_does_not_answer(
    proxied: ObjectStore, proxy: FaultyProxy, tmp_path: Path
) -> None:
    growing = await uploaded(proxied, tmp_path)
    await proxy.down()
    with pytest.raises(StoreError):
        await forget_local(proxied, growing.folder)
    assert len(chunks(growing)) == 3


async def test_a_store_that_is_the_very_folder(tmp_path: Path) -> None:
    growing = Growing(tmp_path)
    growing.seal(1_000)
    growing.close()
    with pytest.raises(AddressError):
        await forget_local(FileAddress(tmp_path).open(), growing.folder)
    assert len(chunks(growing)) == 1
