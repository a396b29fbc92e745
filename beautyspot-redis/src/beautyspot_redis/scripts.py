"""The scripts of the metadata store, each of which is one step of the server.

The key that each is given is how all names of a namespace begin, with the hash tag that keeps them
in one slot of a cluster: the scripts make the names. A script that answers with nothing has done
nothing, since the server has lost what `MAKE` makes.

Beside rows and leases there is a sorted set. What the server may evict, it may not evict unnoticed
there: ``store`` has the counter, ``n``, and the number of each cover that was noted, as scores; and
with an infinite score what the store says of itself. Where it is gone, and not all rows with it,
nobody knows what was invalidated: then all results of runs that began before are refused.

What rows there are, the names of all keys in the database tell (SCAN): no save pays for an index.
"""

from __future__ import annotations

from typing import Final

from beautyspot.contracts.store import REMEMBERED

from beautyspot_redis.rows import HEAD, MARK
from beautyspot_redis.server import Script

MOST: Final = 16 * 2**20
"""Bytes of rows that one answer gives; the last row may exceed them."""

_BASE: Final = f"""
local P = KEYS[1]
local store = P .. 'store'
local function row_of(key) return P .. 'row:' .. key end
local function lease_of(key) return P .. 'lease:' .. key end
local function head_of(key)
  local head = redis.pcall('GETRANGE', row_of(key), 0, {HEAD.size + 3})
  if #head == {HEAD.size + 4} and string.sub(head, 1, 4) == '{MARK.decode()}' then return head end
end
local function micros()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
"""
"""KEYS: how all names begin. In a row, its times begin at 5, 13 and 21, its function at 29, and
at 61 is the length of its fields."""

MAKE: Final = Script(
    f"""{_BASE}
if ARGV[1] ~= '' and not redis.call('ZSCORE', store, 'n') then
  local now = micros()
  redis.call('ZADD', store, now, 'n', 'inf', 'id:' .. ARGV[1], 'inf', 'form:' .. ARGV[2])
  if ARGV[4] ~= '' then redis.call('ZADD', store, now, ARGV[4]) end
end
local is_new = ARGV[3] ~= '' and not redis.call('ZSCORE', store, ARGV[3])
if is_new and redis.call('ZSCORE', store, 'n') then
  redis.call('ZADD', store, 'inf', ARGV[3])
end
return redis.call('ZRANGEBYSCORE', store, 'inf', 'inf')
"""
)
"""Make what is not there, and tell what the store says of itself.

ARGV: an ID, or nothing to make nothing; the least form of those who can read it; what it is to say
of itself besides, or nothing; the cover of what is noted with it, or nothing.
"""

KEYS: Final = Script(
    f"""{_BASE}
local found, keys = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', 5000), {{}}
for _, name in ipairs(found[2]) do
  local key = string.sub(name, -32)
  if ARGV[3] == '' or string.sub(head_of(key) or '', 29, 60) == ARGV[3] then
    table.insert(keys, key)
  end
end
return {{found[1], table.concat(keys, ' ')}}
"""
)
"""The next cursor, 0 at the end, and some keys of rows, of which one may come twice, in one text.

ARGV: the cursor; what the names of rows match; the function's cover, or nothing for any.
"""

BEGIN: Final = Script(
    f"""{_BASE}
local n = redis.call('ZSCORE', store, 'n')
if not n and ARGV[1] ~= '' then return false end
local token, milliseconds = ARGV[1], ARGV[2]
local leased, answer, size, asked = {{}}, {{}}, 0, 0
for i = 3, #ARGV, 2 do
  local key, rejected = ARGV[i], ARGV[i + 1]
  local head = head_of(key)
  local made = head and struct.unpack('>d', head, 5)
  if made and (rejected == '' or made > struct.unpack('>d', rejected)) then
    local last = milliseconds == '' and {HEAD.size + 3} + struct.unpack('>I4', head, 61) or -1
    local row = redis.call('GETRANGE', row_of(key), 0, last)
    table.insert(answer, key)
    table.insert(answer, row)
    size = size + #row
  elseif token ~= '' then
    local holder = redis.pcall('GET', lease_of(key))
    if not holder or holder == token then
      redis.call('SET', lease_of(key), token, 'PX', milliseconds)
      table.insert(leased, key)
    end
  end
  asked = asked + 1
  if size >= {MOST} then break end
end
table.insert(answer, table.concat(leased, ' '))
table.insert(answer, table.concat({{asked, n or 0, unpack(redis.call('TIME'))}}, ' '))
return answer
"""
)
"""The rows of keys, and leases of the rest: keys with their rows, then the leased keys in one text,
and in another how many of the keys were looked at, the counter, and the time. A client takes longer
to read many small answers than the server to join them.

ARGV: token, or nothing for no leases; milliseconds, or nothing for rows without their data; of each
key the key, and the time up to which it is rejected, or nothing.
"""

PUT: Final = Script(
    f"""{_BASE}
if not redis.call('ZSCORE', store, 'n') then return false end
local now, refused = micros() / 1000000, {{}}
for i = 1, #ARGV, 6 do
  local key, row, ends, since, token, covers = unpack(ARGV, i, i + 5)
  local mine = struct.unpack('>d', row, 13)
  local is_set = mine ~= mine
  if is_set then
    row = string.sub(row, 1, 12) .. struct.pack('>d', now) .. string.sub(row, 21)
  end
  local made, began = struct.unpack('>dd', head_of(key) or row, 5)
  local is_refused = began > mine and made <= now
  local named = {{}}
  for cover in string.gmatch(covers, '%S+') do table.insert(named, cover) end
  for _, number in ipairs(redis.call('ZMSCORE', store, unpack(named))) do
    is_refused = is_refused or (number and tonumber(number) > tonumber(since))
  end
  if is_refused and not is_set then
    table.insert(refused, key)
  else
    redis.call('SET', row_of(key), row)
    if ends ~= '' then redis.call('PEXPIREAT', row_of(key), ends) end
  end
  if redis.pcall('GET', lease_of(key)) == token then redis.call('DEL', lease_of(key)) end
end
return refused
"""
)
"""Put rows; the keys of those that were refused.

ARGV: of each row its key, the row, when it goes, in milliseconds, or nothing, since, token, covers.
"""

DELETE: Final = Script(
    f"""{_BASE}
local gone = {{}}
for i = 1, #ARGV, 2 do
  local key = ARGV[i]
  local head = head_of(key)
  if head and string.sub(head, 5, 12) == ARGV[i + 1] then
    redis.call('UNLINK', row_of(key))
    table.insert(gone, key)
  end
end
return gone
"""
)
"""Remove rows; the keys of those. ARGV: keys, and when each was made, as it stands in a row."""

HOLD: Final = Script(
    f"""{_BASE}
local lost = {{}}
for i = 3, #ARGV do
  if redis.pcall('GET', lease_of(ARGV[i])) ~= ARGV[1] then
    table.insert(lost, ARGV[i])
  else
    redis.call('PEXPIRE', lease_of(ARGV[i]), ARGV[2])
  end
end
return lost
"""
)
"""Renew leases; those that the token has not. ARGV: token, milliseconds, 0 to end them; keys."""

NOTE: Final = Script(
    f"""{_BASE}
local n, now = redis.call('ZSCORE', store, 'n'), micros()
if not n then return false end
n = math.max(now, n + 1)
redis.call('ZADD', store, n, 'n', n, ARGV[1])
redis.call('ZREMRANGEBYSCORE', store, '-inf', now - {REMEMBERED * 1e6:.0f})
return n
"""
)
"""Give a cover the next number. ARGV: the cover."""

TOUCH: Final = Script(
    f"""{_BASE}
for i = 1, #ARGV, 2 do
  if head_of(ARGV[i]) then redis.call('SETRANGE', row_of(ARGV[i]), 20, ARGV[i + 1]) end
end
return {{}}
"""
)
"""ARGV: keys, and when each was used, as it stands in a row."""

COUNT: Final = Script(
    """
for i = 1, #ARGV, 3 do
  local hour = KEYS[1] .. 'counts:' .. ARGV[i]
  local sums = cmsgpack.unpack(redis.call('HGET', hour, ARGV[i + 1]) or cmsgpack.pack({}))
  for j, more in ipairs(cmsgpack.unpack(ARGV[i + 2])) do sums[j] = (sums[j] or 0) + more end
  redis.call('SADD', KEYS[1] .. 'hours', ARGV[i])
  redis.call('HSET', hour, ARGV[i + 1], cmsgpack.pack(sums))
end
return {}
"""
)
"""Add to counts. ARGV: hours, and of each the function, and how much more of each number."""

NOW: Final = Script("return redis.call('TIME')")
HOURS: Final = Script("return redis.call('SMEMBERS', KEYS[1] .. 'hours')")
COUNTED: Final = Script("return redis.call('HGETALL', KEYS[1] .. 'counts:' .. ARGV[1])")
REMARK: Final = Script("return redis.call('HSET', KEYS[1] .. 'remarks', unpack(ARGV))")
REMARKS: Final = Script("return redis.call('HGETALL', KEYS[1] .. 'remarks')")
INFO: Final = Script("return redis.call('INFO')")
"""What the server says of itself; of a cluster, the one that has the namespace."""
