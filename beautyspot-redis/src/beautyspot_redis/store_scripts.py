"""The scripts of the metadata store.

Each touches keys of one slot of a cluster, but for `PUT` where it is given the log as well, which
lies elsewhere: a store in a cluster gives it none. What a script finds under a key of ours that is
of another type, a stranger put there; it makes way.
"""

from __future__ import annotations

from typing import Final

from beautyspot_redis.asking import Script
from beautyspot_redis.rows import HEAD, MADE_AT, MARK, USED_AT

_CLOCK: Final = """
local clock = redis.call('TIME')
local function micros() return tonumber(clock[1]) * 1000000 + tonumber(clock[2]) end
local function text(number) return string.format('%.0f', number) end
local function number(found) return tonumber(found or '') or 0 end
"""

_FIT: Final = """
local function fit(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then redis.call('DEL', key) end
end
"""

_RELEASE: Final = """
local function release(lease, token, channel, key)
  if redis.pcall('HGET', lease, 't') ~= token then return 0 end
  local waited = redis.call('HGET', lease, 'w')
  redis.call('DEL', lease)
  if waited then redis.pcall('PUBLISH', channel, key) end
  return 1
end
"""

# What was noted since a number: none is nil. Else whether some of it was forgotten, the present
# number, and the rest. The numbers in `meta` tell of a log that the server has evicted.
_NOTED: Final = """
local function noted(meta, log, since)
  fit(meta, 'hash')
  fit(log, 'zset')
  local state = redis.call('HMGET', meta, 'generation', 'base', 'forgotten')
  local generation, base = number(state[1]), number(state[2])
  local last = number(redis.call('ZREVRANGE', log, 0, 0, 'WITHSCORES')[2])
  last = math.max(last, base)
  local forgotten = since < number(state[3])
  forgotten = forgotten or (since < generation and last < generation)
  if since >= last and not forgotten then return nil end
  local entries = redis.call('ZRANGEBYSCORE', log, '(' .. text(since), '+inf')
  if #entries == 0 and not forgotten then return nil end
  return {forgotten and 1 or 0, text(math.max(generation, last)), entries}
end
"""

MAKE: Final = Script(
    f"""{_CLOCK}{_FIT}
local meta, log = KEYS[1], KEYS[2]
fit(meta, 'hash')
fit(log, 'zset')
redis.call('HSETNX', meta, 'store_id', ARGV[1])
redis.call('HSETNX', meta, 'readable_from', ARGV[3])
if ARGV[4] == '1' then redis.call('HSET', meta, 'demands_signing', '1') end
local readable = number(redis.call('HGET', meta, 'readable_from'))
local written = number(redis.call('HGET', meta, 'written_by'))
if written < tonumber(ARGV[2]) and readable <= tonumber(ARGV[2]) then
  redis.call('HSET', meta, 'written_by', ARGV[2])
end
if number(redis.call('HGET', meta, 'generation')) == 0 then
  local last = number(redis.call('ZREVRANGE', log, 0, 0, 'WITHSCORES')[2])
  local present = text(math.max(micros(), last))
  redis.call('HSET', meta, 'generation', present, 'base', present)
end
return redis.call('HGETALL', meta)
"""
)
"""Make what is not there of `meta`, and give all of it. KEYS: meta, log. ARGV: a fresh `store_id`,
the numbers of `written_by` and `readable_from`, 1 to demand signatures from now on."""

NOW: Final = Script("return redis.call('TIME')")
"""The clock of the server that has a key. KEYS: any."""

BEGIN: Final = Script(
    f"""{_CLOCK}{_FIT}
local lease, row, meta = KEYS[1], KEYS[2], KEYS[3]
fit(lease, 'hash')
local token = redis.call('HGET', lease, 't')
if token and token ~= ARGV[1] then
  redis.call('HSET', lease, 'w', 1)
  return false
end
redis.call('HSET', lease, 't', ARGV[1], 'h', ARGV[2])
redis.call('PEXPIRE', lease, ARGV[3])
if not row then return 1 end
local value = redis.pcall('GETRANGE', row, 0, ARGV[4])
if type(value) == 'table' then value = '' end
local generation = false
if meta then
  generation = redis.pcall('HGET', meta, 'generation')
  if type(generation) == 'table' then generation = false end
end
return {{value, generation, clock[1], clock[2]}}
"""
)
"""Take a lease, or note that another process waits for it.

KEYS: the lease; row and `meta` if they are to be read. ARGV: token, holder, milliseconds, the last
byte of the row that is read. It may be sent twice, where a connection breaks.
"""

RENEW: Final = Script(
    """
if redis.pcall('HGET', KEYS[1], 't') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
)
"""KEYS: a lease. ARGV: its token, milliseconds. 0 if it was lost."""

RELEASE: Final = Script(f"{_RELEASE} return release(KEYS[1], ARGV[1], ARGV[2], ARGV[3])")
"""KEYS: a lease. ARGV: its token, the channel, its key."""

PUT: Final = Script(
    f"""{_CLOCK}{_FIT}{_RELEASE}{_NOTED}
local row, lease, meta, log = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local value, ends, keep, began, since = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local function is_newer()
  local head = redis.pcall('GETRANGE', row, 0, {HEAD.size - 1})
  if type(head) ~= 'string' or #head < {HEAD.size} then return false end
  if string.sub(head, 1, 3) ~= '{MARK[:3].decode()}' then return false end
  local made, other = struct.unpack('>dd', head, {MADE_AT + 1})
  return other > tonumber(began) and made <= micros() / 1000000
end
local answer = 1
if began ~= '' and is_newer() then answer = 0 end
if answer == 1 and log then
  local found = noted(meta, log, tonumber(since))
  if found then return found end
end
if answer == 1 then
  redis.call('SET', row, value)
  if keep ~= '' then
    local earliest = math.floor(micros() / 1000) + tonumber(keep)
    redis.call('PEXPIREAT', row, text(math.max(tonumber(ends) + tonumber(keep), earliest)))
  end
end
if ARGV[6] ~= '' then release(lease, ARGV[6], ARGV[7], ARGV[8]) end
return answer
"""
)
"""Put a row: 1, or 0 if there is a newer one, or what was noted since, by which the caller decides.

KEYS: row, lease; `meta` and log if they are to be asked. ARGV: the row; when it expires and how
long it stays after that, in milliseconds, or nothing; `began_at` or nothing; the generation; the
token of the lease to release or nothing, the channel, the key.
"""

SETTLE: Final = Script(
    f"""{_RELEASE}
local row, lease, answer = KEYS[1], KEYS[2], 0
local head = redis.pcall('GETRANGE', row, {MADE_AT}, {HEAD.size - 1})
if head == string.sub(ARGV[1], {MADE_AT + 1}) then
  if ARGV[2] ~= '' then
    redis.call('SETRANGE', row, 0, ARGV[2])
    answer = 1
  else
    redis.call('DEL', row)
  end
end
if ARGV[3] ~= '' then release(lease, ARGV[3], ARGV[4], ARGV[5]) end
return answer
"""
)
"""Make a row that was put a result, or remove it; 0 if it is none. It may be sent twice.

KEYS: row, lease. ARGV: the head of the row, its mark as a result or nothing; the token of the lease
to release or nothing, the channel, the key.
"""

SINCE: Final = Script(f"{_CLOCK}{_FIT}{_NOTED} return noted(KEYS[1], KEYS[2], tonumber(ARGV[1]))")
"""What was noted since a generation. KEYS: meta, log."""

NOTE: Final = Script(
    f"""{_CLOCK}{_FIT}
local meta, log, most = KEYS[1], KEYS[2], tonumber(ARGV[2])
fit(meta, 'hash')
fit(log, 'zset')
local generation = number(redis.call('HGET', meta, 'generation'))
local last = number(redis.call('ZREVRANGE', log, 0, 0, 'WITHSCORES')[2])
local present = text(math.max(micros(), generation + 1, last + 1))
redis.call('HSET', meta, 'generation', present)
redis.call('ZADD', log, present, present .. ':' .. ARGV[1])
local over = redis.call('ZCARD', log) - most
if over > 0 then
  local gone = redis.call('ZRANGE', log, over - 1, over - 1, 'WITHSCORES')
  redis.call('HSET', meta, 'forgotten', text(tonumber(gone[2])))
  redis.call('ZREMRANGEBYRANK', log, 0, over - 1)
end
return present
"""
)
"""Note what was invalidated. KEYS: meta, log. ARGV: what, how many notes stay."""

TOUCH: Final = Script(
    f"""
if redis.pcall('GETRANGE', KEYS[1], 0, 3) ~= '{MARK[:3].decode()}\\0' then return 0 end
redis.call('SETRANGE', KEYS[1], {USED_AT}, ARGV[1])
return 1
"""
)
"""Set when a row was used, unless it is no result yet: `SETTLE` knows that one by its head.

KEYS: row. ARGV: the time, as it stands in a head.
"""

WAITS: Final = Script(
    f"""{_CLOCK}{_FIT}
fit(KEYS[1], 'hash')
local now, others = micros() / 1000, {{}}
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], text(now + tonumber(ARGV[3])) .. ':' .. ARGV[2])
  local longest = math.max(tonumber(ARGV[3]), redis.call('PTTL', KEYS[1]))
  redis.call('PEXPIRE', KEYS[1], longest)
end
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local ends, what = string.match(all[i + 1], '^(%d+):(.*)$')
  if not ends or tonumber(ends) < now then
    redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= ARGV[1] then
    table.insert(others, what)
  end
end
return others
"""
)
"""Tell what a process waits for, and give what others wait for.

KEYS: waits. ARGV: the process, what or nothing, milliseconds.
"""

COUNT: Final = Script(
    f"""{_FIT}
fit(KEYS[1], 'set')
for i = 2, #KEYS do fit(KEYS[i], 'hash') end
for i = 1, #ARGV, 4 do
  redis.call('SADD', KEYS[1], ARGV[i + 1])
  redis.pcall('HINCRBYFLOAT', KEYS[tonumber(ARGV[i])], ARGV[i + 2], ARGV[i + 3])
end
"""
)
"""Add to counts. KEYS: hours, the counts of some hours. ARGV: of each number which of the keys, its
hour, the field, how much more."""
