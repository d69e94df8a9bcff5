"""Reads along one room: its entries, what other nodes ask for, and the replies.

Everything comes by streams and from an id on, so a broken connection loses nothing. A new epoch
stands in the stream as a mark between the entries; after a promotion, when streams may have gone
back, the chain says how much of what was read still counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from chat.entry import Entry, Position
from chat.followers import Followers
from chat.lineage import Lineage
from chat.log import Head, LogError
from chat.redis_asker import Asker
from chat.redis_keys import RoomKeys
from chat.redis_records import Record, View, read_appended, read_fields, read_record, read_request
from chat.redis_sequencer import Sequencer
from chat.redis_settings import RedisSettings
from chat.redis_store import Store
from sluice.clock import Clock

log = structlog.get_logger(__name__)

READ_RECORDS: Final = 200
PAUSES_S: Final = (0.02, 0.1, 0.3, 1.0)
"""After failures in a row."""


@dataclass(slots=True)
class Troubles:
    """Counted, and logged at most once a second; shared by all rooms."""

    clock: Clock
    count: int = 0
    _logged_ms: int = -1_000
    _unlogged: int = 0

    def met(self, error: LogError) -> None:
        self.count += 1
        self._unlogged += 1
        now_ms = self.clock.now_ms()
        if now_ms - self._logged_ms >= 1_000:
            log.warning("chat log in Redis", error=str(error), times=self._unlogged)
            self._logged_ms, self._unlogged = now_ms, 0


class Tail:
    """Of one room. `run` goes on until it is cancelled after `end`, or nobody uses the room."""

    def __init__(
        self,
        store: Store,
        keys: RoomKeys,
        sequencer: Sequencer,
        asker: Asker,
        followers: Followers,
        settings: RedisSettings,
        clock: Clock,
        troubles: Troubles,
    ) -> None:
        self._store = store
        self._keys = keys
        self._sequencer = sequencer
        self._asker = asker
        self._followers = followers
        self._settings = settings
        self._clock = clock
        self._troubles = troubles
        self._lineage: Lineage | None = None
        self._at = 0
        self._log_id = self._reply_id = "0-0"
        self._look_at_ms = 0
        self._ended = False
        self._used_ms = clock.now_ms()

    @property
    def at(self) -> int | None:
        """Up to here everything was handed on; None before the first look."""
        return None if self._lineage is None else self._at

    async def begin(self) -> Head:
        """Where the room stands. Begins where it was not begun. Raises LogError."""
        view = await self._sequencer.look()
        if view.head is None:
            raise LogError("The room is being made by another node.")
        if self._lineage is None:
            self._adopt(view)
            return view.head
        # As far as was handed on: what Redis has beyond that, followers are yet to get.
        known = self._lineage
        return replace(
            view.head, position=Position(known.epoch, self._at), chain=tuple(known.chain)
        )

    async def run(self) -> None:
        failures = 0
        while not self._ended and not self._idle():
            try:
                if self._clock.now_ms() >= self._look_at_ms:
                    await self._look()
                await self._read()
                failures = 0
            except LogError as error:
                self._troubles.met(error)
                self._look_at_ms = 0
                await self._store.reset()
                await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1

    def used(self) -> None:
        """Somebody asks for the room."""
        self._used_ms = self._clock.now_ms()

    def end(self) -> None:
        """Read no more. Cancelling alone is not enough: redis-py may swallow it (8.1)."""
        self._ended = True

    def _idle(self) -> bool:
        if len(self._followers) or len(self._asker):
            return False
        return self._clock.now_ms() - self._used_ms >= self._settings.idle_ms

    async def _look(self) -> None:
        self._adopt(await self._sequencer.look())
        self._look_at_ms = self._clock.now_ms() + self._settings.look_ms

    def _adopt(self, view: View) -> None:
        """Go on in the line that Redis has now. Raises LogError while there is none."""
        head = view.head
        if head is None:
            raise LogError("The room has no numbers yet.")
        lineage, before = Lineage.of(head), self._lineage
        if before is None:
            self._go_to(head.position.seq, view)
            self._lineage = self._followers.lineage = lineage
        elif lineage.epoch != before.epoch:
            self._go_to(before.shared(self._at, lineage), view)
            self._lineage = lineage
            self._followers.head(replace(head, position=Position(lineage.epoch, self._at)))
        elif head.position.seq < self._at:
            # A promotion took it back, and nobody has begun an epoch yet: its leader will.
            raise LogError("The room went back.")

    def _go_to(self, seq: int, view: View) -> None:
        self._at = seq
        self._log_id = f"{seq}-0"
        self._reply_id = view.reply

    async def _read(self) -> None:
        keys, term = self._keys, self._sequencer.term
        streams = {keys.log: self._log_id, keys.replies: self._reply_id}
        if self._sequencer.leads:
            streams[keys.inbox] = self._sequencer.inbox
        found = await self._store.read(streams, READ_RECORDS, self._settings.look_ms)
        self._requests(found.get(keys.inbox, ()), term)
        self._replies(found.get(keys.replies, ()))
        await self._entries([read_record(raw) for raw in found.get(keys.log, ())])

    async def _entries(self, records: Sequence[Record]) -> None:
        """Hand them on; at an epoch that we do not know, look first."""
        handed: list[Entry] = []
        for record in records:
            if not self._knows(record):
                self._hand_on(handed)
                await self._look_again(record)
                return
            self._log_id = record.id
            handed += [entry for entry in record.entries if entry.seq > self._at]
        self._hand_on(handed)

    def _hand_on(self, entries: Sequence[Entry]) -> None:
        if entries:
            self._at = entries[-1].seq
            self._followers.entries(entries)

    def _knows(self, record: Record) -> bool:
        lineage = self._lineage
        if lineage is None:
            return False
        if record.entries:
            return lineage.holds(record.entries[0]) and lineage.holds(record.entries[-1])
        known = {lineage.epoch, *(end.epoch for end in lineage.chain)}
        return record.epoch in known

    async def _look_again(self, record: Record) -> None:
        """The record is of a line that Redis tells us of, or this is not our Redis."""
        await self._look()
        if not self._knows(record):
            raise LogError("An entry belongs to no epoch that counts.")

    def _requests(self, raws: Sequence[object], term: int) -> None:
        for raw in raws:
            id, fields = read_fields(raw)
            deadline_ms, drafts = read_request(fields["d"])
            if deadline_ms + 1_000 < self._clock.wall_ms():  # nobody waits for it any more
                drafts = ()
            if not self._sequencer.request(drafts, fields["r"].decode(), id, term):
                return

    def _replies(self, raws: Sequence[object]) -> None:
        for raw in raws:
            self._reply_id, fields = read_fields(raw)
            if "free" in fields:
                self._look_at_ms = 0
                continue
            numbers = [int(number) for number in fields["v"].split()]
            self._asker.replied(fields["r"].decode(), read_appended(numbers))
