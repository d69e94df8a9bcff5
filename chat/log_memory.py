"""The log in this process's memory: for tests, and for rooms that may end with the process.

It says what the others must do: they are tested to behave like this one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final

from chat.entry import ACTS, SAID, Draft, Entry, Position, RoomId
from chat.followers import Followers
from chat.lineage import Lineage, new_epoch
from chat.log import Appended, Head, Hearts, LogError, News, seconds_of
from chat.numbering import Known, number

KEPT_ENTRIES: Final = 50_000
"""Of one room, or a few more; older ones are forgotten as if trimmed."""


class MemoryLog:
    """A RoomLog without a disk. An epoch lasts as long as the room does."""

    def __init__(self, kept: int = KEPT_ENTRIES) -> None:
        self._kept = kept
        self._rooms: dict[RoomId, _Room] = {}
        self._closed = False

    async def open(self, room: RoomId) -> Head:
        return self._room(room).head()

    async def append(self, room: RoomId, drafts: Sequence[Draft]) -> Sequence[Appended]:
        return self._room(room).append(drafts)

    def follow(self, room: RoomId) -> AsyncIterator[News]:
        opened = self._room(room)
        return opened.followers.open(opened.seq)

    async def after(self, room: RoomId, seq: int, limit: int) -> Sequence[Entry]:
        return self._room(room).after(seq, limit)

    async def before(self, room: RoomId, t_show: int, limit: int) -> Sequence[Entry]:
        entries = self._room(room).entries
        end = bisect_right(entries, t_show, key=_t_show)
        return entries[max(0, end - max(0, limit)) : end]

    async def between(
        self, room: RoomId, since_ms: int, until_ms: int, limit: int
    ) -> Sequence[Entry]:
        entries = self._room(room).entries
        start = bisect_left(entries, since_ms, key=_t_show)
        end = bisect_left(entries, until_ms, key=_t_show)
        return entries[start : min(end, start + max(0, limit))]

    async def acts(self, room: RoomId) -> Sequence[Entry]:
        return list(self._room(room).acts)

    async def add_hearts(self, room: RoomId, hearts: Sequence[Hearts]) -> None:
        totals = self._room(room).hearts
        for one in hearts:
            totals[one.second, one.kind] += one.count

    async def hearts(self, room: RoomId, since_s: int, until_s: int) -> Sequence[Hearts]:
        totals = self._room(room).hearts
        return [
            Hearts(second, kind, count)
            for (second, kind), count in sorted(totals.items())
            if since_s <= second < until_s
        ]

    async def trim(self, room: RoomId, before_ms: int) -> int:
        return self._room(room).trim(before_ms)

    async def erase(
        self, room: RoomId, since_ms: int, until_ms: int, also: Collection[int] = ()
    ) -> int:
        return self._room(room).erase(since_ms, until_ms, also)

    async def drop(self, room: RoomId) -> None:
        if (dropped := self._rooms.pop(room, None)) is not None:
            dropped.followers.close()

    async def close(self) -> None:
        self._closed = True
        for room in self._rooms.values():
            room.followers.close()

    def _room(self, room: RoomId) -> _Room:
        if self._closed:
            raise LogError("The log is closed.")
        if room not in self._rooms:
            self._rooms[room] = _Room(self._kept)
        return self._rooms[room]


class _Room:
    def __init__(self, kept: int) -> None:
        self.kept = kept
        self.epoch = new_epoch()
        self.seq = 0
        self.t_show = 0
        self.oldest = 1
        self.entries: list[Entry] = []
        self.acts: list[Entry] = []
        self.keys: dict[str, Known] = {}
        self.hearts: Counter[tuple[int, str]] = Counter()
        self.followers = Followers(self._read)
        self.followers.lineage = Lineage((), self.epoch)
        self._swept_ms = 0

    def head(self) -> Head:
        return Head(Position(self.epoch, self.seq), self.t_show, self.oldest)

    def append(self, drafts: Sequence[Draft]) -> Sequence[Appended]:
        numbered = number(drafts, self.epoch, self.seq, self.t_show, self.keys.get)
        if numbered.entries:
            self.entries.extend(numbered.entries)
            self.acts.extend(entry for entry in numbered.entries if entry.kind in ACTS)
            self.keys.update(numbered.keys)
            self.seq = numbered.entries[-1].seq
            self.t_show = numbered.entries[-1].t_show
            if len(self.entries) > self.kept + self.kept // 8:
                del self.entries[: -self.kept]
                self.oldest = self.entries[0].seq
            self._sweep()
            self.followers.entries(numbered.entries)
        return numbered.appended

    def after(self, seq: int, limit: int) -> Sequence[Entry]:
        start = bisect_right(self.entries, seq, key=_seq)
        return self.entries[start : start + max(0, limit)]

    def trim(self, before_ms: int) -> int:
        del self.entries[: bisect_left(self.entries, before_ms, key=_t_show)]
        for second, kind in [key for key in self.hearts if key[0] * 1_000 < before_ms]:
            del self.hearts[second, kind]
        before, self.oldest = self.oldest, self.entries[0].seq if self.entries else self.seq + 1
        return self.oldest - before

    def erase(self, since_ms: int, until_ms: int, also: Collection[int]) -> int:
        def goes(entry: Entry) -> bool:
            within = since_ms <= entry.t_show < until_ms
            return entry.kind in SAID and (within or (entry.kind in ACTS and entry.seq in also))

        gone = {one.seq for one in (*self.entries, *self.acts) if goes(one)}
        self.entries = [one for one in self.entries if one.seq not in gone]
        self.acts = [one for one in self.acts if one.seq not in gone]
        seconds = range(*seconds_of(since_ms, until_ms))
        self.hearts = Counter({key: n for key, n in self.hearts.items() if key[0] not in seconds})
        return len(gone)

    async def _read(self, seq: int, limit: int) -> Sequence[Entry]:
        return self.after(seq, limit)

    def _sweep(self) -> None:
        """Forget keys that are free again, once in a minute of the room's time."""
        if self.t_show - self._swept_ms >= 60_000:
            self._swept_ms = self.t_show
            self.keys = {key: one for key, one in self.keys.items() if one.holds(self.t_show)}


def _t_show(entry: Entry) -> int:
    return entry.t_show


def _seq(entry: Entry) -> int:
    return entry.seq
