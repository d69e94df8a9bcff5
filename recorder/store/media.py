"""Chunks that are read from the store when the local files are gone."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Final

import obstore

from recorder.media import LocalMedia, MediaMissing
from recorder.store.failures import StoreError, errors_told

if TYPE_CHECKING:
    from obstore.store import ObjectStore

BLOCK: Final = 1024 * 1024
"""Bytes that are read at once, at least: what comes next is mostly asked for next."""
CACHE: Final = 32 * 1024 * 1024
"""Bytes of blocks that are kept."""

_Block = tuple[str, int]
"""Object and number of the block."""


class StoreDown(MediaMissing):
    """The store has it, perhaps, and does not give it now. Ask again later."""


class StoreMedia:
    """The chunks of one recording: local where the file is there, else from the store.

    A Media: blocking, for several threads. It can be sent to another process; the cache stays.
    """

    def __init__(
        self, folder: Path, store: ObjectStore, prefix: str, *, cache: int = CACHE
    ) -> None:
        """`prefix`: of the recording in the store, which is its id. `cache`: bytes."""
        self._folder = folder
        self._store = store
        self._prefix = prefix
        self._most = max(1, cache // BLOCK)
        self._local = LocalMedia(folder)
        self._lock = threading.Lock()
        self._blocks: OrderedDict[_Block, bytes] = OrderedDict()
        """The least used first."""
        self._coming: dict[_Block, Future[bytes]] = {}
        """Asked for by one thread; others wait for the same answer."""

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Raises MediaMissing, and StoreDown where it is only not to be had now."""
        try:
            return self._local.read(name, offset, size)
        except MediaMissing as missing:
            return self._read_stored(name, offset, size, missing)

    def local(self, name: str) -> Path | None:
        return self._local.local(name)

    def __reduce__(self) -> tuple[type[StoreMedia], tuple[Path, ObjectStore, str]]:
        return StoreMedia, (self._folder, self._store, self._prefix)

    def _read_stored(self, name: str, offset: int, size: int, missing: MediaMissing) -> bytes:
        if size == 0:
            return b""
        first, last = offset // BLOCK, (offset + size - 1) // BLOCK
        try:
            if last - first >= self._most // 2:
                data = self._fetch(name, offset, size)
            else:
                blocks = [self._block(name, number) for number in range(first, last + 1)]
                start = offset - first * BLOCK
                data = b"".join(blocks)[start : start + size]
        except StoreError as error:
            if error.kind in ("not found", "no bucket"):
                raise MediaMissing(f"{missing}; and the store does not have it") from error
            if error.kind == "beyond":
                raise MediaMissing(_too_short(name, offset + size)) from error
            raise StoreDown(f"{missing}; and {_within(str(error))}") from error
        if len(data) != size:
            raise MediaMissing(_too_short(name, offset + size))
        return data

    def _block(self, name: str, number: int) -> bytes:
        key = (name, number)
        with self._lock:
            if (found := self._blocks.get(key)) is not None:
                self._blocks.move_to_end(key)
                return found
            coming = self._coming.get(key)
            mine = coming is None
            if coming is None:
                coming = self._coming[key] = Future()
        if mine:
            self._bring(key, coming)
        return coming.result()

    def _bring(self, key: _Block, coming: Future[bytes]) -> None:
        name, number = key
        try:
            data = self._fetch(name, number * BLOCK, BLOCK)
        except BaseException as error:
            with self._lock:
                del self._coming[key]
            coming.set_exception(error)
            return
        with self._lock:
            del self._coming[key]
            self._blocks[key] = data
            while len(self._blocks) > self._most:
                self._blocks.popitem(last=False)
        coming.set_result(data)

    def _fetch(self, name: str, offset: int, size: int) -> bytes:
        """Up to `size` bytes; fewer where the object ends. Raises StoreError."""
        with errors_told():
            return obstore.get_range(
                self._store, f"{self._prefix}/{name}", start=offset, length=size
            ).to_bytes()


def _too_short(name: str, end: int) -> str:
    return f"{name}: in the store it ends before byte {end}"


def _within(sentence: str) -> str:
    """A sentence as the later half of another one."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")
