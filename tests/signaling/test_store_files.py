"""Objects of a recording go with it, from a folder and from a real S3 server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import SecretStr

from recorder.files import FilesRemain
from recorder.store.address import parse
from signaling.store_files import StoreFiles
from tests.recorder.store.s3_server import new_bucket, open_bucket, s3_server

VOD = "live-20260101-120000-abcdef"
OTHER = "live-20260101-120000-abcdeg"
NAMES = [f"{VOD}/index.log", f"{VOD}/source-000001.mp4", f"{VOD}/audio-000001.mp4"]


def lay(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"data")


async def test_all_of_a_recording_and_nothing_else_is_deleted() -> None:
    with s3_server() as endpoint:
        bucket = new_bucket(endpoint)
        for name in (*NAMES, f"{OTHER}/index.log", f"{VOD}x/index.log"):
            bucket.write(name, b"data")
        files = StoreFiles(open_bucket(bucket))
        await files.remove(VOD, {"0" * 32})  # outputs are not kept there
        assert set(bucket.names()) == {f"{OTHER}/index.log", f"{VOD}x/index.log"}
        await files.remove(VOD, ())  # once more does no harm


async def test_of_a_folder_too(tmp_path: Path) -> None:
    lay(tmp_path, NAMES)
    await StoreFiles(parse(tmp_path.as_uri()).open()).remove(VOD, ())
    assert not (tmp_path / VOD).exists()


async def test_outputs_are_not_in_the_store(tmp_path: Path) -> None:
    lay(tmp_path, NAMES)
    await StoreFiles(parse(tmp_path.as_uri()).open()).remove_output(VOD, "0" * 32)
    assert (tmp_path / VOD / "index.log").exists()


async def test_a_store_that_is_down_keeps_them_for_now() -> None:
    address = parse("s3://bucket", endpoint="http://127.0.0.1:9", access_key="a",
                    secret=SecretStr("secret"))  # fmt: skip
    files = StoreFiles(address.open(request_s=1))
    with pytest.raises(FilesRemain) as remain:
        await files.remove(VOD, ())
    assert "secret" not in str(remain.value)


async def test_what_is_no_recordings_id_deletes_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"data")
    files = StoreFiles(parse(tmp_path.as_uri()).open())
    for name in ("", ".", "..", "/", "x/.."):
        with pytest.raises(ValueError, match="recording"):
            await files.remove(name, ())
    assert (tmp_path / "x").exists()
