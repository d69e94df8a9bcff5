"""Fan-out: one sender, many readers, each with its own bounded queue.

A slow reader loses its own oldest items and knows how many; it never slows the sender or the
other readers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Reader(Generic[T]):
    """One reader's queue. Iterate over it; the iteration ends after `close`."""

    def __init__(self, owner: Fanout[T], limit: int) -> None:
        if limit < 1:
            raise ValueError("a reader needs room for at least one item")
        self._owner = owner
        self._items: deque[T] = deque()
        self._limit = limit
        self._woken = asyncio.Event()
        self._closed = False
        self.dropped = 0
        """Items lost because this reader was slow."""

    def __aiter__(self) -> Reader[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        return self._items.popleft()

    def close(self) -> None:
        """Take no more; items that wait can still be read. Idempotent."""
        self._closed = True
        self._woken.set()
        self._owner._forget(self)

    def _put(self, item: T) -> None:
        if len(self._items) >= self._limit:
            self._items.popleft()
            self.dropped += 1
            self._owner.dropped += 1
        self._items.append(item)
        self._woken.set()


class Fanout(Generic[T]):
    """The sender's side."""

    def __init__(self) -> None:
        self._readers: dict[int, Reader[T]] = {}
        self.dropped = 0
        """Items lost by all readers together."""

    def __len__(self) -> int:
        return len(self._readers)

    def open(self, limit: int) -> Reader[T]:
        """A new reader that gets what is sent from now on."""
        reader = Reader(self, limit)
        self._readers[id(reader)] = reader
        return reader

    def send(self, item: T) -> None:
        """Hand `item` to every reader. Never waits."""
        for reader in list(self._readers.values()):
            reader._put(item)

    def send_to(self, reader: Reader[T], item: T) -> None:
        """Hand `item` to one reader alone. Never waits."""
        if id(reader) in self._readers:
            reader._put(item)

    def close(self) -> None:
        """Close every reader."""
        for reader in list(self._readers.values()):
            reader.close()

    def _forget(self, reader: Reader[T]) -> None:
        self._readers.pop(id(reader), None)
