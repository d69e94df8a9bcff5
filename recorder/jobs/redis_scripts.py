"""The scripts that run inside Redis for jobs. Each is atomic: it happens whole, or not at all.

All keys begin with the namespace, which holds a hash tag:

| key | type | holds |
|---|---|---|
| `job:<key>` | hash | the job; it expires some days after its end |
| `of:<recording>` | set | keys of a recording's jobs |
| `waiting` | sorted set | keys of jobs that may be begun, most urgent first |
| `unfinished` | set | keys of all that wait or run |
| `turns` | hash | turn to key: which job a message stands for |
| `last` | string | the newest number given |
| `changes` | channel | keys of jobs as they change |

A message of the queue is a turn, and every unfinished job has one. Messages keep the order in
which they were sent; jobs have priorities. So whoever takes a turn gets the most urgent job that
waits, and the two jobs exchange their turns: none is ever without.

Times are Redis's own clock. The number of an attempt is the fence, as in the SQLite table.
"""

from __future__ import annotations

from typing import Final

_COMMON: Final = """
local base = KEYS[1] .. ':'
local clock = redis.call('TIME')
local function whole(number) return string.format('%.0f', number) end
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local function job(key) return base .. 'job:' .. key end
local function get(key, field) return redis.call('HGET', job(key), field) end
local function tell(key) redis.call('PUBLISH', base .. 'changes', key) end
local function held(key, attempt)
  return get(key, 'state') == 'running' and get(key, 'attempts') == attempt
end
local function wait(key)
  local score = tonumber(get(key, 'id')) - tonumber(get(key, 'priority')) * 4294967296
  redis.call('ZADD', base .. 'waiting', whole(score), key)
end
local function finish(key, state, error, keep_s)
  local turn = get(key, 'turn')
  if turn then redis.call('HDEL', base .. 'turns', turn) end
  redis.call('HDEL', job(key), 'turn')
  redis.call('HSET', job(key), 'state', state, 'error', error, 'ended_ms', whole(now),
    'progress', state == 'done' and '1' or '0')
  redis.call('ZREM', base .. 'waiting', key)
  redis.call('SREM', base .. 'unfinished', key)
  redis.call('EXPIRE', job(key), keep_s)
  tell(key)
end
"""

SUBMIT: Final = (
    _COMMON
    + """
-- ARGV key, recording, spec, version, priority, attempts, again, there, keep s
local key, state = ARGV[1], get(ARGV[1], 'state')
local again, there = ARGV[7] == '1', ARGV[8] == '1'
local function begin()
  local turn = whole(redis.call('INCR', base .. 'last'))
  redis.call('HSET', job(key), 'turn', turn)
  redis.call('HSET', base .. 'turns', turn, key)
  redis.call('SADD', base .. 'unfinished', key)
  redis.call('PERSIST', job(key))
  wait(key)
  tell(key)
  return turn
end
if not state then
  redis.call('HSET', job(key), 'id', whole(redis.call('INCR', base .. 'last')), 'key', key,
    'recording', ARGV[2], 'spec', ARGV[3], 'version', ARGV[4], 'state', 'waiting',
    'priority', ARGV[5], 'attempts', '0', 'most', ARGV[6], 'progress', '0',
    'made_ms', whole(now), 'not_before_ms', '0', 'worker', '', 'error', '')
  redis.call('SADD', base .. 'of:' .. ARGV[2], key)
  if there then finish(key, 'done', '', ARGV[9]) return '' end
  return begin()
end
if there and (state == 'waiting' or state == 'failed') then
  finish(key, 'done', '', ARGV[9])
elseif (state == 'done' and not there) or (state == 'failed' and again) then
  redis.call('HSET', job(key), 'state', 'waiting', 'progress', '0', 'error', '',
    'priority', ARGV[5], 'not_before_ms', '0',
    'most', whole(tonumber(get(key, 'attempts')) + tonumber(ARGV[6])))
  redis.call('HDEL', job(key), 'ended_ms')
  return begin()
elseif state == 'waiting' then
  if tonumber(ARGV[5]) > tonumber(get(key, 'priority')) then
    redis.call('HSET', job(key), 'priority', ARGV[5])
    if redis.call('ZSCORE', base .. 'waiting', key) then wait(key) end
    tell(key)
  end
  if again and tonumber(get(key, 'not_before_ms')) > now then
    redis.call('HSET', job(key), 'not_before_ms', '0')
    return get(key, 'turn')
  end
end
return ''
"""
)
"""The turn that is to be sent; empty where none is."""

CLAIM: Final = (
    _COMMON
    + """
-- ARGV turn, worker, lease ms, keep s
local turn = ARGV[1]
local key = redis.call('HGET', base .. 'turns', turn)
if not key then return {} end
local state = get(key, 'state')
if state == 'running' then
  local rest = tonumber(get(key, 'heartbeat_ms')) + tonumber(ARGV[3]) - now
  if rest > 0 then return {'', whole(math.min(rest, tonumber(ARGV[3])))} end
  if tonumber(get(key, 'attempts')) >= tonumber(get(key, 'most')) then
    finish(key, 'failed', 'Its worker died.', ARGV[4])
    return {}
  end
elseif state == 'waiting' then
  local rest = tonumber(get(key, 'not_before_ms')) - now
  if rest > 0 then return {'', whole(rest)} end
  wait(key)
  local best = redis.call('ZRANGE', base .. 'waiting', 0, 0)[1]
  if best ~= key then
    local other = get(best, 'turn')
    redis.call('HSET', job(best), 'turn', turn)
    redis.call('HSET', job(key), 'turn', other)
    redis.call('HSET', base .. 'turns', turn, best, other, key)
    key = best
  end
  redis.call('ZREM', base .. 'waiting', key)
else
  redis.call('HDEL', base .. 'turns', turn)
  return {}
end
redis.call('HINCRBY', job(key), 'attempts', 1)
redis.call('HSET', job(key), 'state', 'running', 'progress', '0', 'worker', ARGV[2],
  'begun_ms', whole(now), 'heartbeat_ms', whole(now))
tell(key)
return {key}
"""
)
"""[key]: that job is the worker's now. ['', ms]: take the turn again after so long. []: over."""

BEAT: Final = (
    _COMMON
    + """
-- ARGV key, attempt, progress
if not held(ARGV[1], ARGV[2]) then return 0 end
local moved = get(ARGV[1], 'progress') ~= ARGV[3]
redis.call('HSET', job(ARGV[1]), 'heartbeat_ms', whole(now), 'progress', ARGV[3])
if moved then tell(ARGV[1]) end
return 1
"""
)
"""1 where the lease is kept; 0 where it is lost."""

DONE: Final = (
    _COMMON
    + """
-- ARGV key, attempt, keep s
if held(ARGV[1], ARGV[2]) then finish(ARGV[1], 'done', '', ARGV[3]) end
return 1
"""
)

FAILED: Final = (
    _COMMON
    + """
-- ARGV key, attempt, error, again, pause ms, keep s
local key = ARGV[1]
if not held(key, ARGV[2]) then return '' end
if ARGV[4] ~= '1' or tonumber(ARGV[2]) >= tonumber(get(key, 'most')) then
  finish(key, 'failed', ARGV[3], ARGV[6])
  return ''
end
redis.call('HSET', job(key), 'state', 'waiting', 'progress', '0', 'error', ARGV[3],
  'not_before_ms', whole(now + tonumber(ARGV[5])))
tell(key)
return get(key, 'turn')
"""
)
"""The turn that is to be sent after the pause; empty where none is."""

RELEASE: Final = (
    _COMMON
    + """
-- ARGV key, attempt
local key = ARGV[1]
if not held(key, ARGV[2]) then return '' end
redis.call('HSET', job(key), 'state', 'waiting', 'progress', '0')
redis.call('HINCRBY', job(key), 'most', 1)
wait(key)
tell(key)
return get(key, 'turn')
"""
)
"""Give it back as if it had not begun. The turn that is to be sent; empty where none is."""

FORGET: Final = (
    _COMMON
    + """
-- ARGV recording
for _, key in ipairs(redis.call('SMEMBERS', base .. 'of:' .. ARGV[1])) do
  local turn = get(key, 'turn')
  if turn then redis.call('HDEL', base .. 'turns', turn) end
  redis.call('ZREM', base .. 'waiting', key)
  redis.call('SREM', base .. 'unfinished', key)
  redis.call('DEL', job(key))
end
return redis.call('DEL', base .. 'of:' .. ARGV[1])
"""
)

LOST: Final = (
    _COMMON
    + """
-- ARGV queue, grace ms
if redis.call('LLEN', base .. ARGV[1]) > 0 then return {} end
local turns = {}
for _, key in ipairs(redis.call('SMEMBERS', base .. 'unfinished')) do
  local state, since = get(key, 'state'), nil
  if state == 'running' then since = get(key, 'heartbeat_ms') end
  if state == 'waiting' then
    since =
    math.max(tonumber(get(key, 'made_ms')), tonumber(get(key, 'not_before_ms'))) end
  if since and now - tonumber(since) > tonumber(ARGV[2]) then
    turns[#turns + 1] = get(key, 'turn')
  end
end
return turns
"""
)
"""Turns of jobs that should have been begun long ago, though no message waits: theirs are lost."""

ALL: Final = (SUBMIT, CLAIM, BEAT, DONE, FAILED, RELEASE, FORGET, LOST)
