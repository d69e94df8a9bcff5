"""What jobs made, in the store: all files of an output, or none, and of several makers the first.

The files go to names that nobody else uses; then a manifest is put, which only the first one can.
So a reader never sees files of two makers mixed, whatever they do at the same time.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import obstore

from recorder.store.deletion import delete_prefix
from recorder.store.failures import StoreError, errors_told
from recorder.store.transfer import Digest, digest_file, digest_of, part_size, place

if TYPE_CHECKING:
    from obstore.store import ObjectStore

MANIFEST: Final = "output.json"
_ATTEMPT: Final = re.compile(r"[0-9a-f]{16}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99})*")


class OutputFile(msgspec.Struct, frozen=True):
    """A file of an output."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What an output consists of."""

    attempt: str
    """The folder, below the output's prefix, that the files are in."""
    files: dict[str, OutputFile]


async def put_folder(store: ObjectStore, folder: Path, prefix: str) -> bool:
    """Put a folder's files as the output `prefix`. False: there is one already, and it stays.

    Raises StoreError, OSError, and ValueError for a file name that is not plain.
    """
    if await read_manifest(store, prefix) is not None:
        return False
    attempt = secrets.token_hex(8)
    files: dict[str, OutputFile] = {}
    for path in await asyncio.to_thread(_files, folder):
        name = path.relative_to(folder).as_posix()
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a file of an output.")
        digest = await asyncio.to_thread(digest_file, path)
        await place(store, f"{prefix}/{attempt}/{name}", path, digest)
        files[name] = OutputFile(digest.size, digest.sha256)
    data = msgspec.json.encode(Manifest(attempt, files))
    try:
        await place(store, f"{prefix}/{MANIFEST}", data, digest_of(data), mode="create")
    except StoreError as error:
        if error.kind not in ("there", "wrong content"):
            raise
    # A repeated request can meet what its first try put, so the manifest itself decides.
    standing = await read_manifest(store, prefix)
    if standing is not None and standing.attempt == attempt:
        return True
    await delete_prefix(store, f"{prefix}/{attempt}")
    return False


async def read_manifest(store: ObjectStore, prefix: str) -> Manifest | None:
    """None where there is no such output, or not yet all of it. Raises StoreError."""
    try:
        with errors_told():
            found = await obstore.get_async(store, f"{prefix}/{MANIFEST}")
            data = await found.bytes_async()
    except StoreError as error:
        if error.kind == "not found":
            return None
        raise
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError:
        raise _broken(prefix) from None
    if not _ATTEMPT.fullmatch(manifest.attempt) or not all(map(_NAME.fullmatch, manifest.files)):
        raise _broken(prefix)
    return manifest


async def get_folder(store: ObjectStore, prefix: str, folder: Path) -> bool:
    """Bring an output to this machine, as `folder`. False where the store does not have it.

    It appears whole or not at all. If it is there already, it stays. Raises StoreError, OSError.
    """
    if await asyncio.to_thread(folder.is_dir):
        return True
    manifest = await read_manifest(store, prefix)
    if manifest is None:
        return False
    part = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.part")
    try:
        for name, file in manifest.files.items():
            await _get_file(store, f"{prefix}/{manifest.attempt}/{name}", file, part / name)
        await asyncio.to_thread(_appear, part, folder, manifest.files)
    finally:
        await asyncio.to_thread(shutil.rmtree, part, ignore_errors=True)
    return True


async def _get_file(store: ObjectStore, name: str, file: OutputFile, path: Path) -> None:
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True, mode=0o700)
    await asyncio.to_thread(path.touch)
    step = part_size(file.size)
    for start in range(0, file.size, step):
        length = min(step, file.size - start)
        with errors_told():
            data = await obstore.get_range_async(store, name, start=start, length=length)
        await asyncio.to_thread(_append, path, data.to_bytes())
    digest = await asyncio.to_thread(digest_file, path)
    if digest != Digest(file.size, file.sha256, digest.etag):
        raise StoreError("wrong content", f"{name}: the store has other bytes than were put.")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def _appear(part: Path, folder: Path, files: Mapping[str, OutputFile]) -> None:
    part.mkdir(parents=True, exist_ok=True)
    for name in files:
        with (part / name).open("rb") as file:
            os.fsync(file.fileno())
    try:
        part.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise  # else another thread was quicker, with the same files


def _broken(prefix: str) -> StoreError:
    return StoreError("wrong content", f"{prefix}: its {MANIFEST} cannot be read.")
