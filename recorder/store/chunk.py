"""A sealed chunk goes into the store, as the index described it when it was sealed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.records import Sealed, chunk_name
from recorder.store.failures import StoreError
from recorder.store.transfer import Digest, digest_file, has, place

if TYPE_CHECKING:
    from obstore.store import ObjectStore


class ChunkDamaged(Exception):
    """The local file is not what was sealed, and the store has not got it either."""


def object_name(recording: str, file: str) -> str:
    """What a file of a recording is called in the store."""
    return f"{recording}/{file}"


async def place_chunk(
    store: ObjectStore, recording: str, folder: Path, sealed: Sealed, *, again: bool = False
) -> None:
    """Put a chunk, verified. Raises ChunkDamaged, StoreError, and OSError of the local disk.

    `again`: the store may have it already; then it is only verified.
    """
    file = chunk_name(sealed.rendition, sealed.number)
    path, name = folder / file, object_name(recording, file)
    try:
        digest = await asyncio.to_thread(digest_file, path, sealed.size)
    except FileNotFoundError:
        digest = Digest(0, "")
    if (digest.size, digest.sha256) != (sealed.size, sealed.sha256):
        what = "is not what was recorded" if digest.sha256 else "is missing"
        if await has(store, name, Digest(sealed.size, sealed.sha256)):
            return
        raise ChunkDamaged(f"{recording}: {file} {what}, and the store does not have it.")
    if again:
        try:
            if await has(store, name, digest):
                return
        except StoreError as error:
            # Asked for what is not there, S3 says 403 to keys that may not list.
            if error.kind != "refused":
                raise
    await place(store, name, await asyncio.to_thread(_source, path, sealed.size), digest)


def _source(path: Path, size: int) -> Path | bytes:
    """The file, or its first `size` bytes where a crash left something behind them."""
    if path.stat().st_size == size:
        return path
    with path.open("rb") as file:
        return file.read(size)
