"""Places for calls that are under way at once, in whatever process.

The places of one name are a sorted set: the token of each holder, with the time at which it falls
unless it is renewed. What has fallen is removed before anything is counted.
"""

from __future__ import annotations

import secrets
from collections import deque
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import Lease
from beautyspot.errors import BeautyspotError

from beautyspot_redis.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from beautyspot_redis.server import Server

UNKNOWN: Final = 100
"""So many places are given back of which the server gave no answer; others fall by themselves."""

SCRIPT: Final = Script("""
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

A holder whose place is gone, since it came too late or the server was emptied, takes one that is
free: it is at work all the same.
"""


class Slot(Lease):
    """A place, until it is released."""

    def __init__(self, key: str, size: int, slots: Slots) -> None:
        self.token = secrets.token_hex(12)
        self.key = key
        self.size = size
        self._slots: Slots | None = slots

    @property
    def is_released(self) -> bool:
        """Whether it was given back, or is about to be."""
        return self._slots is None

    def release(self) -> None:
        """Give the place to the next caller. A second release does nothing, unless this fails."""
        slots, self._slots = self._slots, None
        if slots is None:
            return
        try:
            slots.give_back(self)
        except BaseException:
            self._slots = slots
            raise


class Slots:
    """The places of one limiter.

    Args:
        server: keeps them.
        prefix: how the names of limits begin.
        lease_time: seconds for which a place is held unless it is renewed.
        clock: gives seconds; None is the server's own clock.
    """

    def __init__(
        self,
        server: Server,
        prefix: str,
        lease_time: float,
        clock: Callable[[], float] | None,
    ) -> None:
        self._server = server
        self._prefix = f"{prefix}:slots:"
        self._lease_time = lease_time
        self._clock = clock
        self._unknown: deque[Slot] = deque(maxlen=UNKNOWN)

    def take(self, name: str, size: int) -> Slot | None:
        """A place among `size` of that name, or None while all are taken."""
        digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        slot = Slot(f"{self._prefix}{digest}", size, self)
        has_one = self._has(slot)
        if self._unknown:
            self._give_back_unknown()
            has_one = has_one or self._has(slot)
        return slot if has_one else None

    def _has(self, slot: Slot) -> bool:
        try:
            [has_one] = self._ask([slot])
        except BaseException:  # the server may have given it all the same
            self._unknown.append(slot)
            raise
        return bool(has_one)

    def _give_back_unknown(self) -> None:
        with suppress(IndexError, BeautyspotError):  # it is empty; or fails again, and they fall
            while True:
                self.give_back(self._unknown.popleft())

    def renew(self, slots: Collection[Slot]) -> list[Slot]:
        """Hold on to places; those of them that are lost."""
        asked = list(slots)
        if not asked:
            return []
        kept = self._ask(asked)
        for slot in asked:
            if slot.is_released:  # while the server was asked, which may have given it again
                self.give_back(slot)
        return [slot for slot, has_one in zip(asked, kept, strict=True) if not has_one]

    def give_back(self, slot: Slot) -> None:
        """Have a place be free."""
        with self._server.translated:
            self._server.client.zrem(slot.key, slot.token)

    def _ask(self, slots: list[Slot]) -> list[int]:
        clock = "" if self._clock is None else repr(self._clock())
        values: list[Any] = [clock, repr(float(self._lease_time))]
        for slot in slots:
            values += (slot.token, slot.size)
        keys = [slot.key for slot in slots]
        with self._server.translated:
            answer: list[int] = SCRIPT.run(self._server.client, keys, *values)
            return answer
