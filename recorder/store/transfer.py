"""One object goes into the store, and what the store then has is compared with what was sent.

On the way S3 checks the SHA-256 that comes with each request. Afterwards the size and the ETag
are compared: for S3 the ETag is the MD5 of the bytes, or of the MD5s of the parts. Where a store
makes its ETags otherwise (folders, encryption with own keys, other vendors), the object is read
back and its SHA-256 compared.

A process that dies between the parts of an object leaves them in the bucket, where nobody sees
them and they cost money: a bucket should have a rule that ends incomplete uploads after some days.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import md5, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import obstore
from obstore.store import LocalStore

from recorder.store.failures import StoreError, errors_told

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PART: Final = 5 * 1024 * 1024
"""Bytes of a request. What is larger goes in parts; S3 takes none that are smaller."""
PARTS_AT_ONCE: Final = 2
_MOST_PARTS: Final = 9_000
_READ: Final = 1024 * 1024
_GUARD_S: Final = 75.0
"""A part may take this long. Requests end earlier by themselves; a hanging mount does not."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What is known of some bytes."""

    size: int
    sha256: str
    etag: str = ""
    """As S3 makes it. Empty where it is not known; then the object is read back."""


def part_size(size: int) -> int:
    """Bytes of each part of an object of this size: there cannot be endlessly many."""
    most = -(-size // _MOST_PARTS)
    return max(PART, -(-most // _READ) * _READ)


def digest_of(data: bytes) -> Digest:
    return _digest(iter([data]), len(data))


def digest_file(path: Path, size: int | None = None) -> Digest:
    """Of its first `size` bytes, or of all. Blocking. Raises OSError."""
    with path.open("rb") as file:
        length = os.fstat(file.fileno()).st_size
        if size is not None:
            length = min(size, length)

        def pieces() -> Iterator[bytes]:
            left = length
            while left and (piece := file.read(min(_READ, left))):
                left -= len(piece)
                yield piece

        return _digest(pieces(), length)


async def place(
    store: ObjectStore,
    name: str,
    source: Path | bytes,
    digest: Digest,
    *,
    mode: Literal["create", "overwrite"] = "overwrite",
) -> None:
    """Put an object and make sure of it. Raises StoreError; of the kind `there` for `create`.

    `create` is for what is small: it goes in one request.
    """
    part = part_size(digest.size)
    with errors_told():
        async with asyncio.timeout(_GUARD_S * (1 + digest.size // part)):
            await obstore.put_async(
                store,
                name,
                source,
                mode=mode,
                chunk_size=part,
                max_concurrency=PARTS_AT_ONCE,
            )
    await confirm(store, name, digest)
    if isinstance(store, LocalStore):
        await asyncio.to_thread(_make_lasting, store, name)


async def confirm(store: ObjectStore, name: str, digest: Digest) -> None:
    """Raise StoreError unless the store has exactly these bytes."""
    with errors_told():
        async with asyncio.timeout(_GUARD_S):
            meta = await obstore.head_async(store, name)
    if meta["size"] != digest.size:
        raise StoreError(
            "wrong content", f"{name}: the store has {meta['size']} bytes of {digest.size}."
        )
    if digest.etag and (meta["e_tag"] or "").strip('"').lower() == digest.etag:
        return
    if await stored_sha256(store, name, digest.size) != digest.sha256:
        raise StoreError("wrong content", f"{name}: the store has other bytes than were sent.")


async def has(store: ObjectStore, name: str, digest: Digest) -> bool:
    """Whether the store has exactly these bytes. Raises StoreError where it does not say."""
    try:
        await confirm(store, name, digest)
    except StoreError as error:
        if error.kind in ("not found", "wrong content"):
            return False
        raise
    return True


async def stored_sha256(store: ObjectStore, name: str, size: int) -> str:
    """Read an object of `size` bytes back. Raises StoreError."""
    seen = sha256()
    for start in range(0, size, PART):
        with errors_told():
            async with asyncio.timeout(_GUARD_S):
                data = await obstore.get_range_async(
                    store, name, start=start, length=min(PART, size - start)
                )
        await asyncio.to_thread(seen.update, data)
    return seen.hexdigest()


def _digest(pieces: Iterator[bytes], length: int) -> Digest:
    """One pass for both: SHA-256 over all, MD5 as S3 would make its ETag."""
    part = part_size(length)
    whole, current, parts = sha256(), md5(usedforsecurity=False), []
    size = filled = 0
    for piece in pieces:
        whole.update(piece)
        size += len(piece)
        view = memoryview(piece)
        while view:
            taken = view[: part - filled]
            current.update(taken)
            filled += len(taken)
            view = view[len(taken) :]
            if filled == part:
                parts.append(current.digest())
                current, filled = md5(usedforsecurity=False), 0
    if size <= part:
        etag = parts[0].hex() if parts else current.hexdigest()
        return Digest(size, whole.hexdigest(), etag)
    if filled:
        parts.append(current.digest())
    of_parts = md5(b"".join(parts), usedforsecurity=False).hexdigest()
    return Digest(size, whole.hexdigest(), f"{of_parts}-{len(parts)}")


def _make_lasting(store: LocalStore, name: str) -> None:
    """The library does not fsync, and the local copy may go because of this one."""
    top = Path(store.prefix or "/")
    path = top / name
    with errors_told():
        for one in (path, *(parent for parent in path.parents if parent.is_relative_to(top))):
            file = os.open(one, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(file)
            finally:
                os.close(file)
