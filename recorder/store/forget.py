"""Local chunks go once the store has them. When they may go is decided elsewhere."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from recorder import index
from recorder.recording import ChunkFile, Recording
from recorder.store.address import refuse_own_folder
from recorder.store.chunk import object_name
from recorder.store.folder import index_bytes
from recorder.store.transfer import Digest, digest_file, digest_of, has

if TYPE_CHECKING:
    from obstore.store import ObjectStore


async def forget_local(store: ObjectStore, folder: Path) -> int:
    """Delete the local chunks of a closed recording; bytes that were freed.

    Each is compared with the store's at this moment, as is the index, and stays where the store
    does not have exactly that. The local index and what was derived stay. What is kept for any
    reason can be tried again. Raises StoreError when the store does not answer, OSError,
    NotARecording, AddressError.
    """
    refuse_own_folder(store, folder)
    recording = await asyncio.to_thread(Recording.read, folder)
    if recording.closed is None:
        return 0
    data = await asyncio.to_thread(index_bytes, folder)
    digest = await asyncio.to_thread(digest_of, data)
    if not await has(store, object_name(folder.name, index.FILE), digest):
        return 0
    freed = 0
    for captured in recording.renditions.values():
        for file in captured.chunks.values():
            freed += await _forget(store, folder, file)
    await asyncio.to_thread(_sync, folder)
    return freed


def has_local(folder: Path) -> bool:
    """Whether chunks of a recording are here. Reads the disk. Raises OSError, NotARecording."""
    recording = Recording.read(folder)
    return any(
        (folder / file.name).exists()
        for captured in recording.renditions.values()
        for file in captured.chunks.values()
    )


async def _forget(store: ObjectStore, folder: Path, file: ChunkFile) -> int:
    sealed, path = file.sealed, folder / file.name
    if sealed is None or not file.stored:
        return 0
    try:
        digest = await asyncio.to_thread(digest_file, path, sealed.size)
    except FileNotFoundError:
        return 0
    if (digest.size, digest.sha256) != (sealed.size, sealed.sha256):
        digest = Digest(sealed.size, sealed.sha256)  # the store's is the better one
    if not await has(store, object_name(folder.name, file.name), digest):
        return 0
    size = path.stat().st_size
    path.unlink()
    return size


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
