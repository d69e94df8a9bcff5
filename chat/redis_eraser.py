"""Takes what people wrote out of a room in Redis.

A record of the stream cannot be changed, only deleted. What is left of it, such as a ban among
messages, then stands by itself in the sorted set `rest`, and is read along with the stream.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final

from chat.entry import ACTS, SAID, Entry
from chat.log import seconds_of
from chat.redis_keys import RoomKeys
from chat.redis_records import Record, kept, read_found
from chat.redis_script import AFTER, BETWEEN, Script
from chat.redis_store import Argument, Store

PAGE: Final = 500
"""Entries that are looked at in one go, about."""

REPLACE: Final = Script.of(
    """
-- KEYS state log rest; ARGV for each record: id, epoch, how many are left, and of each its number
-- and itself
local oldest = tonumber(redis.call('HGET', KEYS[1], 'oldest') or '1')
local at = 1
while at <= #ARGV do
  local id, left = ARGV[at], tonumber(ARGV[at + 2])
  local found = redis.call('XRANGE', KEYS[2], id, id)[1]
  -- Numbers are used again after a promotion: then it is not the record that was read.
  if found and found[2][2] == ARGV[at + 1] then
    redis.call('XDEL', KEYS[2], id)
    for one = at + 3, at + 1 + 2 * left, 2 do
      if tonumber(ARGV[one]) >= oldest then
        redis.call('ZADD', KEYS[3], ARGV[one], ARGV[one + 1])
      end
    end
  end
  at = at + 3 + 2 * left
end
return 1
"""
)
"""Records go, and what is left of them stands by itself."""

TAKE_OUT: Final = Script.of(
    """
-- KEYS acts rest; ARGV numbers
for _, seq in ipairs(ARGV) do
  redis.call('XDEL', KEYS[1], seq .. '-0')
  redis.call('ZREMRANGEBYSCORE', KEYS[2], seq, seq)
end
return 1
"""
)
"""Acts, and what stood by itself."""

STILL_HEARTS: Final = Script.of(
    """
-- KEYS minutes; ARGV where minutes begin, first second, and the one after the last
local first, stop = tonumber(ARGV[2]), tonumber(ARGV[3])
local minutes = redis.call('ZRANGEBYSCORE', KEYS[1],
  math.floor(first / 60), math.floor((stop - 1) / 60))
for _, minute in ipairs(minutes) do
  local key = ARGV[1] .. minute
  for _, field in ipairs(redis.call('HKEYS', key)) do
    local second = tonumber(string.match(field, '^%d+'))
    if second >= first and second < stop then redis.call('HDEL', key, field) end
  end
  if redis.call('EXISTS', key) == 0 then redis.call('ZREM', KEYS[1], minute) end
end
return 1
"""
)
"""The totals of these seconds go."""


class Eraser:
    """Of one room. Raises LogError."""

    def __init__(self, store: Store, keys: RoomKeys) -> None:
        self._store = store
        self._keys = keys

    async def erase(
        self, since_ms: int, until_ms: int, also: Collection[int], acts: Sequence[Entry]
    ) -> int:
        """`acts`: all of the room. How many entries went."""

        def goes(entry: Entry) -> bool:
            within = since_ms <= entry.t_show < until_ms
            return entry.kind in SAID and (within or (entry.kind in ACTS and entry.seq in also))

        gone: set[int] = set()
        async for oldest, records, rest in self._pages(since_ms, until_ms, also):
            touched = [one for one in records if any(goes(entry) for entry in one.entries)]
            taken = [one.seq for one in rest if goes(one)]
            await self._replace(
                touched, [[e for e in one.entries if not goes(e)] for one in touched]
            )
            await self._take_out(taken)
            found = (entry for one in touched for entry in one.entries)
            gone.update(taken, (one.seq for one in found if one.seq >= oldest and goes(one)))
        told = [one.seq for one in acts if goes(one)]
        await self._take_out(told)
        seconds = seconds_of(since_ms, until_ms)
        await self._store.run(STILL_HEARTS, (self._keys.minutes,), (self._keys.hearts, *seconds))
        return len(gone.union(told))

    async def _pages(
        self, since_ms: int, until_ms: int, also: Collection[int]
    ) -> AsyncIterator[tuple[int, Sequence[Record], Sequence[Entry]]]:
        """Everything of that time, a little before and after, and of those numbers."""
        names = (self._keys.state, self._keys.log, self._keys.rest)
        page = read_found(await self._store.run(BETWEEN, names, (since_ms, PAGE)))
        while True:
            _, records, rest = page
            yield page
            # As far as both reach: each stops where it has enough.
            ends = [one[-1] for one in ([e for r in records for e in r.entries], rest) if one]
            if not ends:
                break
            last = min(ends, key=lambda one: one.seq)
            if last.t_show >= until_ms:
                break
            page = read_found(await self._store.run(AFTER, names, (last.seq, PAGE)))
        for seq in also:
            oldest, records, rest = read_found(await self._store.run(AFTER, names, (seq - 1, 1)))
            yield oldest, records, rest

    async def _replace(self, records: Sequence[Record], left: Sequence[Sequence[Entry]]) -> None:
        arguments: list[Argument] = []
        for record, entries in zip(records, left, strict=True):
            arguments += (record.id, record.epoch, len(entries))
            for one in entries:
                arguments += (one.seq, kept(one))
        if arguments:
            names = (self._keys.state, self._keys.log, self._keys.rest)
            await self._store.run(REPLACE, names, arguments)

    async def _take_out(self, numbers: Sequence[int]) -> None:
        if numbers:
            await self._store.run(TAKE_OUT, (self._keys.acts, self._keys.rest), numbers)
