"""Waiting for media: all who wait for the same are woken as one, and there is a cap on them."""

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
    """Who waits for what of one rendition. To be woken only means: look again."""

    def __init__(self) -> None:
        self._futures: dict[Key, dict[asyncio.Future[bool], None]] = {}

    def __len__(self) -> int:
        return len(self._futures)

    async def until(self, key: Key, give_up_s: float, leaving: asyncio.Future[None] | None) -> bool:
        """Whether it is time to look again; otherwise `give_up_s` (loop time) came, or `leaving`.

        A future for each that waits, which wakes its task and nothing else: of a thousand that
        are woken together, the last one waits for what the others cost.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        late = loop.call_at(give_up_s, _wake, future)

        def left(_: asyncio.Future[None]) -> None:
            _wake(future)

        if leaving is not None:
            leaving.add_done_callback(left)
        self._futures.setdefault(key, {})[future] = None
        try:
            return await future
        finally:
            late.cancel()
            if leaving is not None:
                leaving.remove_done_callback(left)
            self._forget(key, future)

    def release(self, edge: Key | None) -> None:
        """Wake those who wait for what lies before `edge`; for None, everybody."""
        due = [key for key in self._futures if edge is None or key < edge]
        for key in due:
            for future in self._futures.pop(key):
                if not future.done():
                    future.set_result(True)

    def _forget(self, key: Key, future: asyncio.Future[bool]) -> None:
        """One that was not released leaves nothing behind."""
        present = self._futures.get(key)
        if present is not None and future in present:
            del present[future]
            if not present:
                del self._futures[key]


def _wake(future: asyncio.Future[bool]) -> None:
    if not future.done():
        future.set_result(False)
