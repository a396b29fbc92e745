"""`RedisLimiter`: one rate for all machines, by the server's clock.

The limits of a key are a hash: ``seen`` is the time of the last write, ``made`` that of the first;
and the seconds from the last one on are, in ``taken:`` and a limit's name, until what was granted
ends at the limit's rate, in ``paused:`` and the name, until the pause ends, and in ``start``, until
the last call begins that was granted. So what is left stays where the clock was turned back, and
sums of many small numbers are not rounded as those of times would be. ``sum`` has the seconds that
were taken in all: see `Schedule.taken`. The hash expires a minute after all of it has passed. The
hash without a key has the pauses of all keys, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot import Finding
from beautyspot.contracts import SOON, checked
from beautyspot.errors import BeautyspotError
from beautyspot_local.remote.limiter import RemoteLimiter
from beautyspot_local.remote.remade import remembered

from beautyspot_redis.address import SCHEMES
from beautyspot_redis.scripts import NOW
from beautyspot_redis.server import Script, Server, prefix_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import timedelta
    from pathlib import Path

_BASE: Final = """
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] + time[2] / 1e6
end
local function exact(number) return string.format('%.17g', number) end
local function read(key)
  local fields, left, sums = redis.call('HGETALL', key), {}, {made = now, sum = 0}
  for i = 1, #fields, 2 do
    local kept = sums[fields[i]] and sums or left
    kept[fields[i]] = tonumber(fields[i + 1])
  end
  local passed = math.max(0, now - (left.seen or now))
  left.seen = nil
  for field, seconds in pairs(left) do
    left[field] = seconds - passed > -60 and seconds - passed or nil
  end
  return left, sums
end
local function write(key, left, sums)
  local fields, longest = {'seen', exact(now)}, -60
  for field, number in pairs(sums) do
    fields[#fields + 1] = field
    fields[#fields + 1] = exact(number)
  end
  for field, seconds in pairs(left) do
    fields[#fields + 1] = field
    fields[#fields + 1] = exact(seconds)
    longest = math.max(longest, seconds)
  end
  redis.call('DEL', key)
  if longest > -60 then
    redis.call('HSET', key, unpack(fields))
    redis.call('PEXPIRE', key, string.format('%.0f', math.min(longest + 60, 1e9) * 1000))
  end
end
local left, sums = read(KEYS[1])
"""
"""KEYS: the hash of a key. ARGV: the time in seconds, or nothing for the server's own."""

TAKE: Final = Script(
    f"""{_BASE}
local all, its_sums = {{}}, {{}}
if KEYS[2] then all, its_sums = read(KEYS[2]) end
local limits, first = {{}}, 3 + 3 * ARGV[2]
for i = 3, first - 1, 3 do
  local taken, paused = 'taken:' .. ARGV[i], 'paused:' .. ARGV[i]
  local pause = math.max(left[paused] or 0, all[paused] or 0)
  local rate, burst = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  table.insert(limits, {{taken = taken, pause = pause, rate = rate, ahead = burst / rate}})
end
local answer = {{'0', exact(sums.made)}}
for i = first, #ARGV, #limits do
  local costs, start = {{}}, math.max(0, left.start or 0)
  for j, limit in ipairs(limits) do
    costs[j] = tonumber(ARGV[i + j - 1])
    if costs[j] > 0 then
      start = math.max(start, limit.pause, (left[limit.taken] or 0) - limit.ahead)
    end
  end
  if start > {SOON} then
    answer[1] = exact(start)
    break
  end
  local longest = 0
  for j, limit in ipairs(limits) do
    if costs[j] > 0 then
      left[limit.taken] = math.max(left[limit.taken] or 0, start) + costs[j] / limit.rate
      longest = math.max(longest, costs[j] / limit.rate)
    end
  end
  left.start, sums.sum = start, sums.sum + longest
  table.insert(answer, exact(start))
  table.insert(answer, exact(sums.sum))
end
write(KEYS[1], left, sums)
if next(all) then write(KEYS[2], all, its_sums) end
return answer
"""
)
"""What `RemoteLimiter._take` answers. KEYS: as above; the hash without a key, if that is another.

ARGV: as above; the number of limits; of each its name, its rate and its burst; the costs.
"""

CHANGE: Final = Script(
    f"""{_BASE}
for i = 4, #ARGV, 2 do
  local taken, more = 'taken:' .. ARGV[i], tonumber(ARGV[i + 1])
  local before = left[taken] or 0
  if more > 0 then
    left[taken], sums.sum = before + more, sums.sum + more
  elseif tonumber(ARGV[2]) == sums.made then
    local by_others = sums.sum - ARGV[3]
    local first = math.max(0, left.start or 0)
    left[taken] = math.max(before + more, math.min(before, first + by_others))
  end
end
write(KEYS[1], left, sums)
"""
)
"""ARGV: as above; what `made` and `sum` were when the call was granted; of each limit its name, and
the seconds that it ends later, or earlier."""

HOLD: Final = Script(
    f"""{_BASE}
for i = 3, #ARGV do
  local paused = 'paused:' .. ARGV[i]
  left[paused] = math.max(left[paused] or 0, tonumber(ARGV[2]))
end
write(KEYS[1], left, sums)
"""
)
"""ARGV: as above; for how many seconds; the names of limits."""


class RedisLimiter(RemoteLimiter):
    """A limiter in Redis or Valkey: one rate for all processes that name the same limit.

    Permits are spaced evenly (GCRA), by the server's clock: those of the machines do not matter.
    One round trip asks for all calls that wait in this process. What a call gives back goes to
    whoever asks next.

    Args:
        url: of the server; see `beautyspot_redis.address`. None is the environment's `REDIS_URL`.
        rate: ``"600/min"``, ``"10/s"``, ``"5/2s"``, or a number per second. All processes that
            share the limit should give the same.
        max_cost: the largest single cost. Default: the number in the text (``"600/min"``: 600) or
            per second, and at least 1.
        burst: how much may go at once after idling, beyond the call that always may; default none.
        namespace: keeps limits of the same name apart; default the Spot's name.
        limit: the name of the limit within it.
        workers: how many processes share the rate. While the server can't be reached, each keeps to
            its part of it.
        timeout: seconds within which the server has to answer.
        retries: how often a command is sent once more whose connection broke.
        connections: how many of them this process opens at most.
        db, username, password: as in the URL.
        sentinel_username, sentinel_password: what the Sentinels ask for.
        ssl_ca_certs, ssl_certfile, ssl_keyfile: files of certificates, for TLS.
        ssl_check_hostname: whether the server's certificate has to name its host.
        clock: gives seconds, for tests; default the server's clock.

    Attributes:
        rate: permits per second. Not to be assigned.
        burst: how much may go at once after idling. Not to be assigned.
        max_cost: the largest single cost. Not to be assigned.

    Raises:
        ConfigError: an option is out of its range, or unreadable.
    """

    name = "redis"
    schemes = SCHEMES

    @remembered
    def __init__(
        self,
        url: str | None = None,
        *,
        rate: str | float,
        max_cost: float | None = None,
        burst: float = 0.0,
        namespace: str = "beautyspot",
        limit: str = "rate",
        workers: int = 1,
        timeout: float | str | timedelta = 5.0,
        retries: int = 1,
        connections: int = 10,
        db: int | None = None,
        username: str | None = None,
        password: str | None = None,
        sentinel_username: str | None = None,
        sentinel_password: str | None = None,
        ssl_ca_certs: str | Path | None = None,
        ssl_certfile: str | Path | None = None,
        ssl_keyfile: str | Path | None = None,
        ssl_check_hostname: bool = True,
        clock: Callable[[], float] | None = None,
    ) -> None:
        server = Server(
            url,
            failed=BeautyspotError,
            busy=BeautyspotError,
            timeout=timeout,
            retries=retries,
            connections=connections,
            db=db,
            username=username,
            password=password,
            sentinel_username=sentinel_username,
            sentinel_password=sentinel_password,
            ssl_ca_certs=ssl_ca_certs,
            ssl_certfile=ssl_certfile,
            ssl_keyfile=ssl_keyfile,
            ssl_check_hostname=ssl_check_hostname,
        )
        self._prefix = f"{prefix_of(checked.name('namespace', namespace))}limit:"
        super().__init__(
            server,
            limit,
            rate=rate,
            max_cost=max_cost,
            burst=burst,
            workers=workers,
            clock=clock,
        )

    @property
    def _place(self) -> object:
        return self._server.url, self._prefix

    def _take(
        self, key: str, limits: Sequence[tuple[str, float, float]], asked: Sequence[float]
    ) -> Sequence[float]:
        keys = [self._prefix + key, self._prefix] if key else [self._prefix]
        flat = [part for limit in limits for part in limit]
        return [float(one) for one in self._run(TAKE, keys, len(limits), *flat, *asked)]

    def _change(self, key: str, made: float, taken: float, changes: Mapping[str, float]) -> None:
        flat = [part for change in changes.items() for part in change]
        self._run(CHANGE, [self._prefix + key], made, taken, *flat, once=True)

    def _hold(self, key: str, names: Sequence[str], seconds: float) -> None:
        self._run(HOLD, [self._prefix + key], seconds, *names)

    def _run(self, script: Script, keys: list[str], *values: Any, once: bool = False) -> Any:
        now = "" if self._clock is None else self._clock()
        with self._server.failures:
            return self._server.run(script, keys, now, *values, once=once)

    def examine(self) -> Iterator[Finding]:
        """Whether its server answers; see the base class."""
        with self._server.failures:
            self._server.run(NOW, [self._prefix])
        yield Finding("ok", f"limiter {self.name}", "its server answers")
