"""Has another node append what this one may not: by the room's inbox, and in the order of calls.

Nothing tells which node that is; whichever has the lease reads the inbox, also one that takes the
room over later. The reply comes by the stream that the tail reads.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chat.entry import Draft
from chat.log import Appended, LogError
from chat.redis_keys import RoomKeys
from chat.redis_records import request
from chat.redis_settings import RedisSettings
from chat.redis_store import Store
from sluice.clock import Clock

REQUEST_DRAFTS: Final = 500
"""In one record of the inbox, about."""
WAITING_DRAFTS: Final = 10_000
REQUESTS_KEPT: Final = 5_000


@dataclass(slots=True, eq=False)
class _Call:
    drafts: Sequence[Draft]
    done: asyncio.Future[Sequence[Appended]]
    record: str = ""


class Asker:
    """Of one room. What is asked while a request is being sent goes with the next one."""

    def __init__(self, store: Store, keys: RoomKeys, settings: RedisSettings, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._settings = settings
        self._clock = clock
        self._calls: list[_Call] = []
        self._sent: dict[str, Sequence[_Call]] = {}
        self._sending: asyncio.Task[None] | None = None
        self._waiting = 0

    def __len__(self) -> int:
        """Drafts that wait to be sent or for their reply."""
        return self._waiting

    async def ask(self, drafts: Sequence[Draft]) -> Sequence[Appended]:
        """Raises LogError; after the deadline nobody knows what became of the drafts."""
        if self._waiting > WAITING_DRAFTS:
            raise LogError("Too many entries wait for another node.")
        call = _Call(drafts, asyncio.get_running_loop().create_future())
        self._calls.append(call)
        self._waiting += len(drafts)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all(), name="chat asker")
        try:
            async with asyncio.timeout(self._settings.deadline_ms / 1_000):
                return await call.done
        except TimeoutError:
            raise LogError("The node that numbers the room did not answer.", maybe=True) from None
        finally:
            self._waiting -= len(drafts)
            self._forget(call)

    def replied(self, record: str, appended: Sequence[Appended]) -> None:
        """What became of a request; those of other nodes are passed over."""
        at = 0
        for call in self._sent.pop(record, ()):
            its = appended[at : at + len(call.drafts)]
            at += len(call.drafts)
            if not call.done.done():
                call.done.set_result(its)

    async def _send_all(self) -> None:
        while self._calls:
            calls = self._next()
            record = secrets.token_urlsafe(9)
            for call in calls:
                call.record = record
            self._sent[record] = calls
            drafts = [draft for call in calls for draft in call.drafts]
            blob = request(drafts, self._clock.wall_ms() + self._settings.deadline_ms)
            try:
                await self._store.add(self._keys.inbox, {"r": record, "d": blob}, REQUESTS_KEPT)
            except LogError as error:
                del self._sent[record]
                for call in calls:
                    if not call.done.done():
                        call.done.set_exception(error)
        self._sending = None

    def _next(self) -> Sequence[_Call]:
        size = count = 0
        for call in self._calls:
            if count and size + len(call.drafts) > REQUEST_DRAFTS:
                break
            size, count = size + len(call.drafts), count + 1
        calls, self._calls = self._calls[:count], self._calls[count:]
        return calls

    def _forget(self, call: _Call) -> None:
        """Nobody waits for this call; when that is so of its whole request, not for that either."""
        if call in self._calls:
            self._calls.remove(call)
        if all(one.done.done() for one in self._sent.get(call.record, ())):
            self._sent.pop(call.record, None)
