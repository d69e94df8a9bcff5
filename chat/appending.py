"""What clients make, on its way into the log: one append at a time, with all that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from chat.counts import Counts
from chat.entry import Draft, RoomId
from chat.log import Appended, LogError, RoomLog
from chat.pace import Pace
from sluice.clock import Clock

log = structlog.get_logger(__name__)

Done = Callable[[Appended | None], None]
"""Called with what became of the first draft; None where the log failed."""

_BATCH: Final = 1_000
_TRIES: Final = 3
_AGAIN_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class _Made:
    drafts: Sequence[Draft]
    done: Done


class Appender:
    """Keeps a room's tick: at once while the room is quiet, a batch each tick when it is busy."""

    def __init__(
        self, room: RoomId, history: RoomLog, most: int, clock: Clock, counts: Counts
    ) -> None:
        self._room = room
        self._history = history
        self._most = most
        self._clock = clock
        self._counts = counts
        self._pace = Pace()
        self._waiting: list[_Made] = []
        self._some = asyncio.Event()

    def add(self, drafts: Sequence[Draft], done: Done) -> bool:
        """False: too much waits already, and `done` is not called."""
        if len(self._waiting) >= self._most:
            return False
        self._waiting.append(_Made(drafts, done))
        self._pace.count(1, self._clock.now_ms())
        self._some.set()
        return True

    async def run(self) -> None:
        """Until it is cancelled. Then everybody who waits is told that nothing came of it."""
        taken: list[_Made] = []
        try:
            while True:
                await self._some.wait()
                wait_ms = self._pace.wait_ms(self._clock.now_ms())
                if wait_ms:
                    await asyncio.sleep(wait_ms / 1000)
                self._pace.sent(self._clock.now_ms())
                taken, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
                if not self._waiting:
                    self._some.clear()
                await self._append(taken)
                taken = []
        finally:
            for one in (*taken, *self._waiting):
                one.done(None)
            self._waiting = []

    async def _append(self, made: Sequence[_Made]) -> None:
        drafts = [draft for one in made for draft in one.drafts]
        try:
            appended = await self._appended(drafts)
        except LogError as error:
            self._counts.log_failures += 1
            log.warning("entries were not appended", room=self._room, error=str(error))
            for one in made:
                one.done(None)
            return
        at = 0
        for one in made:
            one.done(appended[at])
            at += len(one.drafts)

    async def _appended(self, drafts: Sequence[Draft]) -> Sequence[Appended]:
        """Raises LogError. What may have been appended is tried again, if all have keys."""
        repeatable = all(draft.key is not None for draft in drafts)
        for attempt in range(1, _TRIES):
            try:
                return await self._history.append(self._room, drafts)
            except LogError as error:
                if not (error.maybe and repeatable):
                    raise
            await asyncio.sleep(_AGAIN_S * attempt)
        return await self._history.append(self._room, drafts)
