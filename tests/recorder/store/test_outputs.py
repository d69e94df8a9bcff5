"""Outputs of jobs in the store: whole or not there, and the first one stays."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from recorder.store.address import FileAddress
from recorder.store.deletion import names_below
from recorder.store.failures import StoreError
from recorder.store.outputs import MANIFEST, get_folder, put_folder, read_manifest
from tests.recorder.store.faulty_proxy import FaultyProxy, Reply
from tests.recorder.store.growing import ID, names_in
from tests.recorder.store.s3_server import Bucket

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PREFIX = f"{ID}/derived/0123456789abcdef0123456789abcdef"


def output(folder: Path, text: bytes) -> Path:
    (folder / "en").mkdir(parents=True)
    (folder / "video.mp4").write_bytes(text * 1_200_000)
    (folder / "en" / "captions.vtt").write_bytes(text)
    (folder / "empty.json").write_bytes(b"")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


async def test_there_and_back(store: ObjectStore, tmp_path: Path) -> None:
    made = output(tmp_path / "made", b"WEBVTT")
    for one in (store, FileAddress(tmp_path / "store").open()):
        back = tmp_path / f"back-{type(one).__name__}"
        assert await read_manifest(one, PREFIX) is None
        assert not await get_folder(one, PREFIX, back)
        assert not back.exists()
        assert await put_folder(one, made, PREFIX)
        assert await get_folder(one, PREFIX, back)
        assert content(back) == content(made)
        assert await get_folder(one, PREFIX, back), "what is here stays"
        assert not any(name.endswith(".part") for name in names_in(tmp_path))


async def test_the_first_one_stays(store: ObjectStore, bucket: Bucket, tmp_path: Path) -> None:
    assert await put_folder(store, output(tmp_path / "one", b"one"), PREFIX)
    names = bucket.names()
    assert not await put_folder(store, output(tmp_path / "two", b"two"), PREFIX)
    assert bucket.names() == names
    assert await get_folder(store, PREFIX, tmp_path / "back")
    assert content(tmp_path / "back") == content(tmp_path / "one")


async def test_two_at_once_are_never_mixed(store: ObjectStore, tmp_path: Path) -> None:
    folders = [output(tmp_path / f"made-{number}", b"%d" % number) for number in range(4)]
    for one in (store, FileAddress(tmp_path / "store").open()):
        first = await asyncio.gather(*[put_folder(one, folder, PREFIX) for folder in folders])
        assert first.count(True) == 1
        back = tmp_path / f"back-{type(one).__name__}"
        assert await get_folder(one, PREFIX, back)
        assert content(back) == content(folders[first.index(True)])
        assert len(await names_below(one, PREFIX)) == 4, "what came too late was taken away"


async def test_what_broke_off_is_not_there(
    proxied: ObjectStore, proxy: FaultyProxy, bucket: Bucket, tmp_path: Path
) -> None:
    made = output(tmp_path / "made", b"WEBVTT")
    proxy.rule = lambda seen: Reply(500) if seen.method == "PUT" and MANIFEST in seen.path else None
    with pytest.raises(StoreError):
        await put_folder(proxied, made, PREFIX)
    assert len(bucket.names()) == 3
    assert not await get_folder(proxied, PREFIX, tmp_path / "back")
    proxy.rule = lambda seen: None
    assert await put_folder(proxied, made, PREFIX)
    assert await get_folder(proxied, PREFIX, tmp_path / "back")


async def test_a_manifest_that_was_put_although_the_answer_was_lost(
    proxied: ObjectStore, proxy: FaultyProxy, tmp_path: Path
) -> None:
    made = output(tmp_path / "made", b"WEBVTT")
    proxy.rule = lambda seen: (
        Reply(412) if seen.method == "HEAD" and MANIFEST in seen.path else None
    )
    assert await put_folder(proxied, made, PREFIX), "the manifest itself says whose it is"


async def test_files_that_are_damaged_or_gone_do_not_come(
    store: ObjectStore, bucket: Bucket, tmp_path: Path
) -> None:
    await put_folder(store, output(tmp_path / "made", b"WEBVTT"), PREFIX)
    (name,) = [one for one in bucket.names() if one.endswith("captions.vtt")]
    bucket.write(name, b"WEBVTX")
    with pytest.raises(StoreError, match="other bytes"):
        await get_folder(store, PREFIX, tmp_path / "back")
    bucket.delete(name)
    with pytest.raises(StoreError):
        await get_folder(store, PREFIX, tmp_path / "back")
    assert names_in(tmp_path) == ["made"]


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"[]",
        {"attempt": "../..", "files": {}},
        {"attempt": "0" * 16, "files": {"../../index.log": {"size": 1, "sha256": ""}}},
        {"attempt": "0" * 16, "files": {"/etc/x": {"size": 1, "sha256": ""}}},
    ],
)
async def test_a_manifest_that_was_tampered_with(
    store: ObjectStore, bucket: Bucket, tmp_path: Path, manifest: object
) -> None:
    data = manifest if isinstance(manifest, bytes) else msgspec.json.encode(manifest)
    bucket.write(f"{PREFIX}/{MANIFEST}", data)
    with pytest.raises(StoreError, match="cannot be read"):
        await get_folder(store, PREFIX, tmp_path / "back")


async def test_a_file_with_a_strange_name_is_not_put(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "a b").write_bytes(b"x")
    with pytest.raises(ValueError, match="no name"):
        await put_folder(store, tmp_path / "made", PREFIX)
