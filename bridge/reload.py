"""Waiting for media: one future for all who wait for the same, and a cap on who waits."""

from __future__ import annotations

import asyncio

from sluice.errors import Problem

Key = tuple[int, int]
"""(msn, part) that must be complete."""


class Holds:
    """Counts the requests that are held, of all presentations together. Enter it while one is."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def __enter__(self) -> Holds:
        self.held += 1
        return self

    def __exit__(self, *error: object) -> None:
        self.held -= 1

    def check(self) -> None:
        """Raises Problem `busy` when no more requests are held."""
        if self.held >= self.limit:
            raise Problem("busy", "Too many requests wait for media.", retry_after_s=1)


class Waiting:
    """The shared futures of one rendition. A released one only says: look again."""

    def __init__(self) -> None:
        self._futures: dict[Key, asyncio.Future[None]] = {}

    def __len__(self) -> int:
        return len(self._futures)

    def future(self, key: Key) -> asyncio.Future[None]:
        """What all who wait for `key` share. It must not be cancelled."""
        found = self._futures.get(key)
        if found is None:
            found = self._futures[key] = asyncio.get_running_loop().create_future()
        return found

    def release(self, edge: Key | None) -> None:
        """Wake those who wait for what lies before `edge`; for None, everybody."""
        due = [key for key in self._futures if edge is None or key < edge]
        for key in due:
            self._futures.pop(key).set_result(None)
