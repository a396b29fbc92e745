"""`Limits`: limits and their places in a Redis or Valkey server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot_redis.server import Script
from beautyspot_redis.timeline_script import SCRIPT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beautyspot_local.remote.keeping import Asked, Place

    from beautyspot_redis.server import Server

PLACES: Final = Script("""
-- For each key: a token, and how many places there are.
local now, lease = tonumber(ARGV[1]), tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1e6
end
local milliseconds, answer = math.ceil((lease + 60) * 1000), {}
for i, key in ipairs(KEYS) do
  local token, size = ARGV[2 * i + 1], tonumber(ARGV[2 * i + 2])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.17g', now))
  local held = redis.call('ZSCORE', key, token)
  if held or redis.call('ZCARD', key) < size then
    redis.call('ZADD', key, string.format('%.17g', now + lease), token)
    if redis.call('PTTL', key) < milliseconds then redis.call('PEXPIRE', key, milliseconds) end
    answer[i] = 1
  else
    answer[i] = 0
  end
end
return answer
""")
"""Takes a place under each key, or holds on to it: 1 where it has one, 0 where all are taken.

The places of one name are a sorted set: the token of each holder, with the time at which it falls.
"""


class Limits:
    """A `beautyspot_local.remote.keeping.Keeper`.

    Args:
        server: keeps them.
        prefix: how the names of their keys begin.
    """

    def __init__(self, server: Server, prefix: str) -> None:
        self._server = server
        self._prefix = prefix

    @property
    def where(self) -> object:
        """One server and one namespace, whose keys lie in one slot."""
        return self._server.url, self._prefix

    def run(self, asked: Asked) -> list[float]:
        """Run the script, which does all operations."""
        keys: list[str] = []
        values: list[Any] = [
            asked.operation, _text(asked.clock), asked.nonce, repr(asked.first), _text(asked.second)
        ]  # fmt: skip
        for limit, numbers in zip(asked.limits, asked.given, strict=True):
            keys += (limit.key, limit.pause_key)
            values += (repr(limit.tolerance), repr(limit.rate), *map(repr, numbers))
        keys.append(f"{self._prefix}:done:{asked.nonce}")
        with self._server.failures:
            return [float(number) for number in self._server.run(SCRIPT, keys, *values)]

    def hold(self, places: Sequence[Place], lease_time: float, clock: float | None) -> list[bool]:
        """Take each place, or hold on to it."""
        values: list[Any] = [_text(clock), repr(lease_time)]
        for place in places:
            values += (place.token, place.size)
        keys = [place.key for place in places]
        with self._server.failures:
            return [bool(has) for has in self._server.run(PLACES, keys, *values)]

    def drop(self, place: Place) -> None:
        """Have a place be free."""
        with self._server.failures:
            self._server.ask("ZREM", place.key, place.token)


def _text(number: float | None) -> str:
    return "" if number is None else repr(number)
