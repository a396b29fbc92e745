"""The script that keeps the time of limits in the server: GCRA as reservations.

What it does is in `beautyspot_local.remote.keeping`. The clock is the server's, read in the script.

The keys of a call are two for each limit, its state and the pause that it has to keep; and one that
says that the call was run, for those that must not be run twice. They all have one hash tag.

Its values are an operation, the clock's reading (empty for the server's own), a number for a new
epoch, two values of that operation, and for each limit its tolerance and rate and what the
operation needs.
"""

from __future__ import annotations

from typing import Final

from beautyspot_redis.server import Script

TEXT: Final = """
local VERSION, MOST_GAPS, SLACK, LATE, KEPT, RESENT = 1, 64, 1e-6, 0.1, 60, 30
local FIELDS = 10
local op, own_clock, nonce = ARGV[1], ARGV[2], tonumber(ARGV[3])
local first, second = tonumber(ARGV[4]), tonumber(ARGV[5])

local whole, part
if own_clock == '' then
  local time = redis.call('TIME')
  whole, part = tonumber(time[1]), tonumber(time[2]) / 1e6
else
  local reading = tonumber(own_clock)
  whole = math.floor(reading)
  part = reading - whole
end

local function rounding(time)
  local _, exponent = math.frexp(time)
  return math.ldexp(32, exponent - 53)
end

-- ------------------------------------------------------------------------------ one limit

local function wait_until(line, start, length)
  local begin = math.max(start, line.floor)
  local left = begin - line.tolerance - line.now
  if left > math.min(32 * rounding(begin), length / 2) then return left end
  return 0
end

local function pause(line, seconds)
  line.floor = math.max(line.floor, line.now + line.tolerance)
  local more = seconds - (line.floor - line.tolerance - line.now)
  if more > 0 then
    line.offset = line.offset + more
    line.now = line.now - more
  end
  line.tat = math.max(line.tat, line.floor)
end

local function earliest(line, length, since)
  since = math.max(since, line.now)
  local from = math.max(since, line.floor)
  for _, gap in ipairs(line.gaps) do
    local at = math.max(gap[1], from)
    if at < gap[2] and at + length <= gap[2] + rounding(gap[2]) then return at end
  end
  return math.max(since, line.tat)
end

local function add_gap(line, start, finish)
  local at = 1
  while line.gaps[at] and line.gaps[at][1] < start do at = at + 1 end
  if line.gaps[at] and line.gaps[at][1] == finish then
    finish = table.remove(line.gaps, at)[2]
  end
  if at > 1 and line.gaps[at - 1][2] == start then
    at = at - 1
    start = table.remove(line.gaps, at)[1]
  end
  table.insert(line.gaps, at, {start, finish})
end

local function append(line, start, length)
  if start > line.tat then
    line.carry = 0
    if start > line.now then add_gap(line, math.max(line.tat, line.now), start) end
  end
  length = length + line.carry
  line.tat = start + length
  line.carry = length - (line.tat - start)
  return line.tat
end

local function take(line, start, length)
  if start >= line.tat then return append(line, start, length) end
  local at = #line.gaps
  while line.gaps[at][1] > start do at = at - 1 end
  local gap = table.remove(line.gaps, at)
  local finish = start + length
  if math.abs(gap[2] - finish) <= rounding(gap[2]) then
    finish = gap[2]
  else
    table.insert(line.gaps, at, {finish, gap[2]})
  end
  if start > gap[1] and start > line.now then
    table.insert(line.gaps, at, {gap[1], start})
  end
  return finish
end

local function give_back(line, start, finish)
  if finish <= line.now or start >= finish then return end
  if finish ~= line.tat then return add_gap(line, start, finish) end
  while #line.gaps > 0 and line.gaps[#line.gaps][2] == start do
    start = table.remove(line.gaps)[1]
  end
  line.tat = math.max(start, line.floor)
end

-- ---------------------------------------------------------------------- where it is kept

local function begun()
  return {
    epoch = nonce, base = whole, tat = part, now = part, floor = part,
    offset = 0, carry = 0, paused = 0, gaps = {},
  }
end

local function read(data)
  if not data or #data < 8 * FIELDS or #data % 16 ~= 0 then return begun() end
  local v = {struct.unpack('>' .. string.rep('d', #data / 8), data)}
  if v[1] ~= VERSION then return begun() end
  local line = {
    epoch = v[2], base = v[3], was_rate = v[4], tat = v[5], now = v[6],
    offset = v[7], floor = v[8], carry = v[9], paused = v[10], gaps = {},
  }
  local reading = (whole - line.base) + part - line.offset
  if reading < line.now then
    line.offset = line.offset + reading - line.now
    line.has_moved = true
  else
    line.now = reading
  end
  local passed = math.max(line.now, line.floor)
  for i = FIELDS + 1, #data / 8, 2 do
    if v[i + 1] > passed then table.insert(line.gaps, {v[i], v[i + 1]}) end
  end
  return line
end

local function write(line)
  local gaps = line.gaps
  if #gaps > MOST_GAPS then
    table.sort(gaps, function(a, b) return a[2] - a[1] > b[2] - b[1] end)
    for i = #gaps, MOST_GAPS + 1, -1 do gaps[i] = nil end
    table.sort(gaps, function(a, b) return a[1] < b[1] end)
  end
  local v = {
    VERSION, line.epoch, line.base, line.rate, line.tat, line.now,
    line.offset, line.floor, line.carry, line.paused,
  }
  for _, gap in ipairs(gaps) do
    v[#v + 1] = gap[1]
    v[#v + 1] = gap[2]
  end
  local data = struct.pack('>' .. string.rep('d', #v), unpack(v))
  local seconds = math.min(math.max(line.tat - line.now, 0) + KEPT, 1e9)
  redis.call('SET', line.key, data, 'PX', string.format('%.0f', seconds * 1000))
end

local lines = {}
local each = (#ARGV - 5) / ((#KEYS - 1) / 2)
for i = 1, (#KEYS - 1) / 2 do
  local line = read(redis.call('GET', KEYS[2 * i - 1]))
  local at = 6 + (i - 1) * each
  line.key, line.pause_key = KEYS[2 * i - 1], KEYS[2 * i]
  line.tolerance, line.rate = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  line.given = {}
  for j = 1, each - 2 do line.given[j] = tonumber(ARGV[at + 1 + j]) end
  local paused = tonumber(redis.call('GET', line.pause_key) or 0)
  if paused ~= line.paused and paused > whole + part then
    pause(line, (paused - whole) - part)
    line.paused = paused
    line.has_moved = true
  end
  lines[i] = line
end

-- -------------------------------------------------------------------------- all of them

local function plan(begin)
  for _, line in ipairs(lines) do
    line.start = earliest(line, line.length, line.now + begin)
    line.wait = math.max(begin, wait_until(line, line.start, line.length))
  end
  local again
  repeat
    for _, line in ipairs(lines) do begin = math.max(begin, line.wait) end
    again = false
    for _, line in ipairs(lines) do
      if line.wait < begin - SLACK then
        line.start = earliest(line, line.length, line.now + begin)
        line.wait = math.max(begin, wait_until(line, line.start, line.length))
        again = true
      end
    end
  until not again
  return begin
end

local function is_first_run()
  return redis.call('SET', KEYS[#KEYS], '1', 'NX', 'PX', RESENT * 1000)
end

local function exact(number) return string.format('%.17g', number) end

local function taken(wait)
  local answer = {exact(wait)}
  for _, line in ipairs(lines) do
    local finish = take(line, line.start, line.length)
    for _, number in ipairs({line.epoch, line.start, finish, line.was_rate or line.rate}) do
      answer[#answer + 1] = exact(number)
    end
  end
  return answer
end

local operations = {}

function operations.look()
  local answer = {}
  for _, line in ipairs(lines) do
    answer[#answer + 1] = exact(math.max(0, line.tat - line.now))
    answer[#answer + 1] = exact(line.base + line.tat + line.offset)
  end
  return answer
end

function operations.reserve()
  for _, line in ipairs(lines) do line.length = line.given[1] end
  local wait = plan(first)
  if second and wait > second then return {exact(wait)} end
  return taken(wait)
end

function operations.remaining()
  local least, most, late = math.huge, 0, false
  for _, line in ipairs(lines) do
    local epoch, start, finish = unpack(line.given)
    line.length = finish - start
    late = late or epoch ~= line.epoch or line.now > finish + LATE
    local left = wait_until(line, start, line.length)
    least, most = math.min(least, left), math.max(most, left)
  end
  if not late and most - least <= SLACK then return {exact(most)} end
  operations.release()
  return taken(plan(0))
end

function operations.release()
  if not is_first_run() then return {} end
  for _, line in ipairs(lines) do
    local epoch, start, finish = unpack(line.given)
    if epoch == line.epoch then give_back(line, start, finish) end
  end
  return {}
end

function operations.settle()
  if not is_first_run() then return {} end
  for _, line in ipairs(lines) do
    local epoch, start, finish, real = unpack(line.given)
    if start + real > finish then
      if epoch ~= line.epoch then line.tat = math.max(line.tat, line.now) end
      line.tat = line.tat + (start + real - finish)
    elseif epoch == line.epoch then
      give_back(line, start + real, finish)
    end
  end
  return {}
end

function operations.pause()
  local finish = whole + part + first
  for _, line in ipairs(lines) do
    pause(line, first)
    local before = tonumber(redis.call('GET', line.pause_key) or 0)
    if second and finish > before then
      local milliseconds = string.format('%.0f', (first + KEPT) * 1000)
      redis.call('SET', line.pause_key, exact(finish), 'PX', milliseconds)
      line.paused = finish
    end
  end
  return {}
end

local answer = operations[op]()
local is_told_only = op == 'look' or (op == 'reserve' and #answer == 1)
for _, line in ipairs(lines) do
  if line.has_moved or not is_told_only then write(line) end
end
return answer
"""

SCRIPT: Final = Script(TEXT)
