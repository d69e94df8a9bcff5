"""What the store has is compared with what the index says, and mended where it can be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from recorder.index import FILE
from recorder.records import Sealed, chunk_name
from recorder.store.address import FileAddress
from recorder.store.chunk import place_chunk
from recorder.store.folder import index_bytes
from recorder.store.transfer import digest_of, place
from recorder.store.verify import mend_store, verify_store
from tests.recorder.store.growing import ID, Growing, name_of
from tests.recorder.store.s3_server import Bucket

if TYPE_CHECKING:
    from obstore.store import ObjectStore


class Stored:
    """A closed recording of three chunks, all of it in the store."""

    def __init__(self, recordings: Path) -> None:
        self.growing = Growing(recordings)
        self.chunks: list[Sealed] = []

    async def put(self, store: ObjectStore) -> Stored:
        for _ in range(3):
            sealed = self.growing.seal(1_000)
            await place_chunk(store, ID, self.growing.folder, sealed)
            self.growing.stored(sealed.rendition, sealed.number)
            self.chunks.append(sealed)
        self.growing.close()
        data = index_bytes(self.growing.folder)
        await place(store, f"{ID}/{FILE}", data, digest_of(data))
        return self

    @property
    def folder(self) -> Path:
        return self.growing.folder

    def path(self, number: int) -> Path:
        return self.folder / chunk_name("source", number)


@pytest.fixture
async def stored(store: ObjectStore, tmp_path: Path) -> Stored:
    return await Stored(tmp_path).put(store)


@pytest.mark.parametrize("deep", [False, True])
async def test_all_is_well(store: ObjectStore, stored: Stored, deep: bool) -> None:
    assert await verify_store(store, stored.folder, deep=deep) == []
    stored.path(1).unlink()
    assert await verify_store(store, stored.folder, deep=deep) == []


@pytest.mark.parametrize("deep", [False, True])
async def test_a_folder_as_the_store(tmp_path: Path, deep: bool) -> None:
    store = FileAddress(tmp_path / "store").open()
    stored = await Stored(tmp_path / "recordings").put(store)
    assert await verify_store(store, stored.folder, deep=deep) == []
    (tmp_path / "store" / name_of(stored.chunks[1])).write_bytes(b"x" * 1_000)
    (found,) = await verify_store(store, stored.folder, deep=deep)
    assert (found.file, found.problem) == (chunk_name("source", 2), "wrong content")


async def test_what_the_store_lost_is_uploaded_again(
    store: ObjectStore, bucket: Bucket, stored: Stored
) -> None:
    for number in (0, 1):
        bucket.delete(name_of(stored.chunks[number]))
    bucket.delete(f"{ID}/{FILE}")
    stored.path(2).unlink()
    findings = await verify_store(store, stored.folder)
    assert [(one.file, one.problem, one.local) for one in findings] == [
        (chunk_name("source", 1), "missing", True),
        (chunk_name("source", 2), "missing", False),
        (FILE, "missing", True),
    ]
    assert "not here either" in findings[1].text
    assert await mend_store(store, stored.folder, findings) == [findings[1]]
    assert bucket.sha256(name_of(stored.chunks[0])) == stored.chunks[0].sha256
    assert await verify_store(store, stored.folder) == [findings[1]]


async def test_what_the_store_has_wrong_is_replaced(
    store: ObjectStore, bucket: Bucket, stored: Stored
) -> None:
    bucket.write(name_of(stored.chunks[0]), b"x" * 1_000)
    bucket.write(name_of(stored.chunks[1]), b"short")
    bucket.write(f"{ID}/{FILE}", b"x" * len(index_bytes(stored.folder)))
    findings = await verify_store(store, stored.folder)
    assert [one.problem for one in findings] == ["wrong content"] * 3
    assert await mend_store(store, stored.folder, findings) == []
    assert await verify_store(store, stored.folder, deep=True) == []


async def test_only_a_deep_look_sees_a_flipped_bit_where_no_local_file_is(
    store: ObjectStore, bucket: Bucket, stored: Stored
) -> None:
    data = stored.growing.data(stored.chunks[0])
    bucket.write(name_of(stored.chunks[0]), data[:-1] + bytes([data[-1] ^ 1]))
    stored.path(1).unlink()
    assert await verify_store(store, stored.folder) == []
    (found,) = await verify_store(store, stored.folder, deep=True)
    assert (found.problem, found.local) == ("wrong content", False)


async def test_a_local_file_that_is_damaged_does_not_replace_anything(
    store: ObjectStore, bucket: Bucket, stored: Stored
) -> None:
    stored.path(1).write_bytes(b"x" * 1_000)
    assert await verify_store(store, stored.folder) == [], "the store's is right"
    bucket.delete(name_of(stored.chunks[0]))
    (found,) = await verify_store(store, stored.folder)
    assert not found.local
    assert await mend_store(store, stored.folder, [found]) == [found]


async def test_an_index_that_is_behind(store: ObjectStore, bucket: Bucket, stored: Stored) -> None:
    again = Growing(stored.folder.parent)
    again.session()
    again.close()
    (found,) = await verify_store(store, stored.folder)
    assert (found.file, found.problem) == (FILE, "behind")
    assert await mend_store(store, stored.folder, [found]) == []
    assert bucket.read(f"{ID}/{FILE}") == (stored.folder / FILE).read_bytes()


async def test_files_that_do_not_belong_there(
    store: ObjectStore, bucket: Bucket, stored: Stored
) -> None:
    bucket.write(f"{ID}/what.mp4", b"x")
    bucket.write(f"{ID}/derived/key/output.json", b"{}")
    (found,) = await verify_store(store, stored.folder)
    assert (found.file, found.problem) == ("what.mp4", "unknown")


async def test_what_was_never_uploaded(store: ObjectStore, tmp_path: Path) -> None:
    growing = Growing(tmp_path)
    growing.seal(1_000)
    (found,) = await verify_store(store, growing.folder)
    assert found.file == FILE, "while it grows, chunks may still be on their way"
    growing.close()
    first, second = await verify_store(store, growing.folder)
    assert (first.problem, first.local, second.problem) == ("not stored", True, "missing")
    assert await mend_store(store, growing.folder, [first, second]) == []
