"""What the store has of a recording, compared with what the recording's index says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import obstore

from recorder import index
from recorder.recording import ChunkFile, Recording
from recorder.store.address import refuse_own_folder
from recorder.store.chunk import ChunkDamaged, object_name, place_chunk
from recorder.store.failures import errors_told
from recorder.store.folder import index_bytes
from recorder.store.transfer import Digest, digest_file, digest_of, place, stored_sha256

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

Problem = Literal["missing", "wrong content", "not stored", "not sealed", "behind", "unknown"]
"""`missing`, `wrong content`: it was stored once. `not stored`: it never was. `not sealed`: the
recorder did not end it, so it was never to be uploaded. `behind`: an earlier index. `unknown`: no
chunk of this recording."""

DERIVED: Final = "derived"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in the store is not as it should be."""

    file: str
    problem: Problem
    local: bool
    """The local file is there and right, so it can be uploaded again."""
    text: str


async def verify_store(store: ObjectStore, folder: Path, *, deep: bool = False) -> list[Finding]:
    """Compare all chunks and the index of the recording in `folder`; empty: all is well.

    Chunks whose local files are there are compared by checksum, others by size. `deep` reads
    every object and compares its SHA-256. Raises StoreError, OSError, NotARecording.
    """
    recording = await asyncio.to_thread(Recording.read, folder)
    there = await _listed(store, folder.name)
    findings = []
    for captured in recording.renditions.values():
        for file in captured.chunks.values():
            meta = there.pop(file.name, None)
            found = await _verify_chunk(store, folder, file, meta, deep)
            if found is not None and (recording.closed or found.problem not in _GROWING):
                findings.append(found)
    found = await _verify_index(store, folder, there.pop(index.FILE, None), deep)
    if found is not None and (recording.closed or found.problem not in _GROWING):
        findings.append(found)
    for name in sorted(there):
        if not name.startswith(f"{DERIVED}/"):
            findings.append(
                Finding(name, "unknown", False, f"{name}: it is no file of this recording.")
            )
    return findings


async def mend_store(store: ObjectStore, folder: Path, findings: list[Finding]) -> list[Finding]:
    """Upload again what can be; what is left. Raises StoreError, OSError, NotARecording."""
    refuse_own_folder(store, folder)
    recording = await asyncio.to_thread(Recording.read, folder)
    sealed = {
        file.name: file.sealed
        for captured in recording.renditions.values()
        for file in captured.chunks.values()
    }
    left = []
    for one in findings:
        if one.file == index.FILE and one.local:
            data = await asyncio.to_thread(index_bytes, folder)
            await place(store, object_name(folder.name, index.FILE), data, digest_of(data))
        elif one.local and (chunk := sealed.get(one.file)) is not None:
            try:
                await place_chunk(store, folder.name, folder, chunk)
            except ChunkDamaged:
                left.append(one)
        else:
            left.append(one)
    return left


_GROWING: Final = {"not stored", "not sealed", "behind"}
"""What is as it should be while a recording grows."""


async def _listed(store: ObjectStore, recording: str) -> dict[str, ObjectMeta]:
    found: dict[str, ObjectMeta] = {}
    with errors_told():
        async for batch in obstore.list(store, recording, chunk_size=1_000):
            for one in batch:
                found[one["path"].removeprefix(f"{recording}/")] = one
    return found


async def _verify_chunk(
    store: ObjectStore, folder: Path, file: ChunkFile, meta: ObjectMeta | None, deep: bool
) -> Finding | None:
    name, sealed = file.name, file.sealed
    if sealed is None:
        return Finding(name, "not sealed", False, f"{name}: the recorder did not end it.")
    try:
        digest = await asyncio.to_thread(digest_file, folder / name, sealed.size)
    except FileNotFoundError:
        digest = Digest(0, "")
    local = (digest.size, digest.sha256) == (sealed.size, sealed.sha256)
    here = "it is here" if local else "and it is not here either"
    if meta is None:
        if file.stored:
            return Finding(name, "missing", local, f"{name}: the store lost it; {here}.")
        return Finding(name, "not stored", local, f"{name}: the store does not have it; {here}.")
    if meta["size"] == sealed.size:
        if local and not deep and _etag(meta) == digest.etag:
            return None
        if not local and not deep:
            return None
        stored = await stored_sha256(store, object_name(folder.name, name), sealed.size)
        if stored == sealed.sha256:
            return None
    return Finding(name, "wrong content", local, f"{name}: the store has something else; {here}.")


async def _verify_index(
    store: ObjectStore, folder: Path, meta: ObjectMeta | None, deep: bool
) -> Finding | None:
    data = await asyncio.to_thread(index_bytes, folder)
    name = index.FILE
    if meta is None:
        return Finding(name, "missing", True, f"{name}: the store does not have it.")
    size = meta["size"]
    if size <= len(data):
        part = await asyncio.to_thread(digest_of, data[:size])
        same = not deep and _etag(meta) == part.etag
        if not same:
            stored = await stored_sha256(store, object_name(folder.name, name), size)
            same = stored == part.sha256
        if same:
            if size == len(data):
                return None
            return Finding(name, "behind", True, f"{name}: the store has an earlier one.")
    return Finding(name, "wrong content", True, f"{name}: the store has something else.")


def _etag(meta: ObjectMeta) -> str:
    return (meta["e_tag"] or "").strip('"').lower()
