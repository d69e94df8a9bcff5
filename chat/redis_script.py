"""The scripts that run inside Redis. Each is atomic: it happens whole, or not at all.

A replica gets a script's effects as one, too: numbers, entries and keys never disagree after a
promotion. The epoch is the fence token: who holds an old one appends nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the name by which Redis remembers it."""

    source: str
    digest: str

    @classmethod
    def of(cls, source: str) -> Script:
        return cls(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


_VIEW: Final = """
local function view(mine)
  local held = redis.call('HMGET', KEYS[1],
    'epoch', 'seq', 't', 'oldest', 'chain', 'inbox')
  local last = redis.call('XREVRANGE', KEYS[4], '+', '-', 'COUNT', 1)
  held[7] = last[1] and last[1][1] or '0-0'
  held[8] = mine
  return held
end
"""

LOOK: Final = Script.of(
    _VIEW
    + """
-- KEYS state lease log replies; ARGV node, its epoch or '', lease ms
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return view('taken') end
if ARGV[2] == '' or redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[2] then return view('free') end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
return view('mine')
"""
)
"""How the room stands and who has it: [epoch, seq, t, oldest, chain, inbox, reply, whose].

The lease is renewed where the epoch is the asking node's; otherwise, or lapsed, it is free to it.
"""

TAKE: Final = Script.of(
    _VIEW
    + """
-- KEYS state lease log replies acts lasting rest
-- ARGV node, new epoch, lease ms, birth, most of a chain
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return view('taken') end
local held = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'chain')
local seq, chain = held[2] or '0', held[3] or ''
if held[1] then
  chain = chain .. held[1] .. ' ' .. seq .. ','
  local _, epochs = string.gsub(chain, ',', '')
  for _ = epochs, ARGV[5] + 1, -1 do chain = string.gsub(chain, '^[^,]*,', '', 1) end
else  -- a new room; what may be left of one that lost its state has no meaning any more
  redis.call('DEL', KEYS[3], KEYS[5], KEYS[6], KEYS[7])
  redis.call('HSET', KEYS[1],
    'seq', 0, 't', 0, 'oldest', 1, 'born', ARGV[4], 'turn', 0, 'inbox', '0-0')
end
local turn = redis.call('HINCRBY', KEYS[1], 'turn', 1)
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'chain', chain)
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
redis.call('XADD', KEYS[3], seq .. '-' .. turn, 'e', ARGV[2])
return view('mine')
"""
)
"""Begin an epoch, unless another node has the lease: as LOOK."""

RELEASE: Final = Script.of(
    """
-- KEYS state lease replies; ARGV node
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', 1000, '*', 'free', 1)
return 1
"""
)
"""Let another node have the room, and wake the others."""

APPEND: Final = Script.of(
    """
-- KEYS state lease log acts lasting replies, then a key for each draft that has one
-- ARGV epoch, seq, node, lease ms, inbox id or '', requests 'id count ', then for each draft:
-- packed, t_recv, key or '', its ms or '' or 'lasting', 'act' or ''
local held = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 't', 'born')
if held[1] ~= ARGV[1] then return 'fenced' end
if held[2] ~= ARGV[2] then return 'moved' end
local function whole(number) return string.format('%.0f', number) end
local before, born = tonumber(held[3]), held[4]
local seq, shown, at_key = tonumber(held[2]), before, 6
local lasting = redis.call('EXISTS', KEYS[5]) == 1
local results, packed, acts = {}, {}, {}

local function known(stored, now)
  if not stored then return nil end
  local s, t, ends, birth = string.match(stored, '^(%d+) (%d+) (%S+) (%S+)$')
  if birth ~= born or (ends ~= 'never' and now >= tonumber(ends)) then return nil end
  return tonumber(s), tonumber(t)
end

for at = 7, #ARGV, 5 do
  local key, ms = ARGV[at + 2], ARGV[at + 3]
  local now = math.max(shown, tonumber(ARGV[at + 1]))
  local old_seq, old_shown
  if ms ~= '' then
    at_key = at_key + 1
    old_seq, old_shown = known(redis.call('GET', KEYS[at_key]), now)
    if not old_seq and lasting then
      old_seq, old_shown = known(redis.call('HGET', KEYS[5], key), now)
    end
  end
  if old_seq then
    results[#results + 1] = old_seq
    results[#results + 1] = old_shown
    results[#results + 1] = 1
  else
    local t_before = shown
    seq, shown = seq + 1, now
    if ms == 'lasting' then
      redis.call('HSET', KEYS[5], key, whole(seq) .. ' ' .. whole(shown) .. ' never ' .. born)
      lasting = true
    elseif ms ~= '' then
      redis.call('SET', KEYS[at_key],
        whole(seq) .. ' ' .. whole(shown) .. ' ' .. whole(shown + ms) .. ' ' .. born,
        'PX', ms + 60000)
    end
    packed[#packed + 1] = ARGV[at]
    if ARGV[at + 4] ~= '' then
      acts[#acts + 1] = {whole(seq) .. '-0', whole(t_before), whole(shown), '\\145' .. ARGV[at]}
    end
    results[#results + 1] = seq
    results[#results + 1] = shown
    results[#results + 1] = 0
  end
end

local n = #packed
if n > 0 then
  local high = math.floor(n / 256)
  local opening = '\\220' .. string.char(high) .. string.char(n - 256 * high)
  redis.call('XADD', KEYS[3], whole(seq) .. '-0', 'e', ARGV[1], 'n', n,
    'p', whole(before), 't', whole(shown), 'b', opening .. table.concat(packed))
  for _, act in ipairs(acts) do
    redis.call('XADD', KEYS[4], act[1], 'e', ARGV[1], 'n', 1, 'p', act[2], 't', act[3], 'b', act[4])
  end
  redis.call('HSET', KEYS[1], 'seq', whole(seq), 't', whole(shown))
end
local at = 0
for id, count in string.gmatch(ARGV[6], '(%S+) (%d+) ') do
  if id ~= '-' then
    local told = {}
    for i = at + 1, at + 3 * count do told[#told + 1] = whole(results[i]) end
    redis.call('XADD', KEYS[6], 'MAXLEN', '~', 1000, '*', 'r', id, 'v', table.concat(told, ' '))
  end
  at = at + 3 * count
end
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'inbox', ARGV[5]) end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ARGV[4])
return results
"""
)
"""Number and append a batch: seq, t_show, repeated of each draft; or 'fenced', or 'moved'.

'moved': the epoch is ours but its numbers are not where we left them.
"""

_FIND: Final = """
local held = redis.call('HMGET', KEYS[1], 'oldest', 'seq')
if not held[1] then return {} end
local oldest, newest = tonumber(held[1]), tonumber(held[2])
local function whole(number) return string.format('%.0f', number) end
local function last_of(record) return tonumber(string.match(record[1], '^%d+')) end
local function record_at(seq)
  local from = whole(seq) .. '-0'
  while true do
    local some = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', 4)
    for _, record in ipairs(some) do
      if record[2][10] then return record end
    end
    if #some < 4 then return nil end
    from = '(' .. some[#some][1]
  end
end
-- The last number of the first record whose time is `ms` or more (over: more than `ms`).
local function reaching(ms, over)
  local low, high = oldest, newest + 1
  while low < high do
    local middle = math.floor((low + high) / 2)
    local record = record_at(middle)
    if not record then
      high = middle
    else
      local t = tonumber(record[2][8])
      if t > ms or (t == ms and not over) then high = middle else low = last_of(record) + 1 end
    end
  end
  return low
end
-- Records from that number on: the first, and as many as have `count` entries.
local function forward(seq, count)
  local found, entries, from = {}, 0, whole(seq) .. '-0'
  while entries < count do
    local some = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', 32)
    for _, record in ipairs(some) do
      if record[2][10] then
        if #found > 0 then entries = entries + tonumber(record[2][4]) end
        found[#found + 1] = record
        if entries >= count then break end
      end
    end
    if #some < 32 then break end
    from = '(' .. some[#some][1]
  end
  return found
end
-- What is left of erased records from `from` on, in the command's direction: the first `count`
-- whose time fits.
local function rest(command, from, to, count, fits)
  local found, at = {}, 0
  while #found < count do
    local some = redis.call(command, KEYS[3], from, to, 'LIMIT', at, 64)
    for _, one in ipairs(some) do
      if fits(tonumber(string.match(one, '^%d+'))) then found[#found + 1] = one end
      if #found >= count then break end
    end
    if #some < 64 then break end
    at = at + 64
  end
  return found
end
"""

AFTER: Final = Script.of(
    _FIND
    + """
-- KEYS state log rest; ARGV seq, limit
local from, count = math.max(tonumber(ARGV[1]) + 1, oldest), tonumber(ARGV[2])
local function always() return true end
return {held[1], forward(from, count), rest('ZRANGEBYSCORE', from, '+inf', count, always)}
"""
)
"""[oldest, records, rest]: of both at least `limit` entries after a number, where there are any."""

BETWEEN: Final = Script.of(
    _FIND
    + """
-- KEYS state log rest; ARGV since, limit
local since, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local from = reaching(since, false)
local function fits(t) return t >= since end
return {held[1], forward(from, count), rest('ZRANGEBYSCORE', from, '+inf', count, fits)}
"""
)
"""The same from a time on."""

BEFORE: Final = Script.of(
    _FIND
    + """
-- KEYS state log rest; ARGV t_show, limit
local limit, entries, found = tonumber(ARGV[2]), 0, {}
local record = record_at(reaching(tonumber(ARGV[1]), true))
local to = record and record[1] or '+'
while entries < limit do
  local some = redis.call('XREVRANGE', KEYS[2], to, '-', 'COUNT', 32)
  for _, one in ipairs(some) do
    if one[2][10] then
      if not record or one[1] ~= record[1] then entries = entries + tonumber(one[2][4]) end
      table.insert(found, 1, one)
      if entries >= limit then break end
    end
  end
  if #some < 32 then break end
  to = '(' .. some[#some][1]
end
local shown, last = tonumber(ARGV[1]), record and last_of(record) or '+inf'
local function fits(t) return t <= shown end
return {held[1], found, rest('ZREVRANGEBYSCORE', last, oldest, limit, fits)}
"""
)
"""The same up to a time, the last of them."""

TRIM: Final = Script.of(
    """
-- KEYS state log minutes rest; ARGV before ms, where minutes begin, first number to keep or ''
local before = tonumber(ARGV[1])
local held = redis.call('HMGET', KEYS[1], 'oldest', 'seq')
if not held[1] then return 0 end
local function whole(number) return string.format('%.0f', number) end
-- The time of the last entry that there is.
local function last()
  local t, to = -1, '+'
  while to do
    local some = redis.call('XREVRANGE', KEYS[2], to, '-', 'COUNT', 4)
    to = some[4] and '(' .. some[4][1]
    for _, record in ipairs(some) do
      if record[2][10] then t, to = tonumber(record[2][8]), nil break end
    end
  end
  local rest = redis.call('ZREVRANGE', KEYS[4], 0, 0)[1]
  return math.max(t, rest and tonumber(string.match(rest, '^%d+')) or -1)
end
local oldest, kept = tonumber(held[1]), tonumber(ARGV[3])
if not kept then
  if last() >= before then return -1 end
  kept = tonumber(held[2]) + 1
end
kept = math.max(kept, oldest)
redis.call('XTRIM', KEYS[2], 'MINID', whole(kept) .. '-0')
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', '(' .. whole(kept))
redis.call('HSET', KEYS[1], 'oldest', whole(kept))
local partly = math.floor(before / 60000)
for _, minute in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', partly)) do
  local key = ARGV[2] .. minute
  if tonumber(minute) < partly then
    redis.call('DEL', key)
    redis.call('ZREM', KEYS[3], minute)
  else
    for _, field in ipairs(redis.call('HKEYS', key)) do
      local second = tonumber(string.match(field, '^%d+'))
      if 1000 * second < before then redis.call('HDEL', key, field) end
    end
  end
end
return kept - oldest
"""
)
"""How many numbers were forgotten; -1: none was to be kept, but now there is one."""

ADD_HEARTS: Final = Script.of(
    """
-- KEYS minutes; ARGV where minutes begin, then second, kind, count
for at = 2, #ARGV, 3 do
  local minute = string.format('%.0f', math.floor(ARGV[at] / 60))
  redis.call('ZADD', KEYS[1], minute, minute)
  redis.call('HINCRBY', ARGV[1] .. minute, ARGV[at] .. ' ' .. ARGV[at + 1], ARGV[at + 2])
end
return 1
"""
)

HEARTS: Final = Script.of(
    """
-- KEYS minutes; ARGV where minutes begin, first and last minute
local found = {}
for _, minute in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[2], ARGV[3])) do
  for _, part in ipairs(redis.call('HGETALL', ARGV[1] .. minute)) do found[#found + 1] = part end
end
return found
"""
)
"""'second kind', count, and so on."""

DROP: Final = Script.of(
    """
-- KEYS all of the room's, minutes the first; ARGV where minutes begin
for _, minute in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  redis.call('DEL', ARGV[1] .. minute)
end
return redis.call('DEL', unpack(KEYS))
"""
)
