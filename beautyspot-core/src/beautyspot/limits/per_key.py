"""A limit for each key, such as a host: made when the key comes, and forgotten when it is idle."""

from __future__ import annotations

import heapq
import time
from typing import TYPE_CHECKING

from beautyspot.concurrency import locks
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.errors import ConfigError, NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import LimiterBase


class _Entry:
    __slots__ = ("limiter", "queued", "users")

    def __init__(self, limiter: LimiterBase) -> None:
        self.limiter = limiter
        self.users = 0
        self.queued = False


class LimitsByKey:
    """The twins of a limiter, each for a key.

    A key is forgotten exactly when it no longer matters: no call of it is under way, which could
    still settle its cost, and all that was reserved has passed. Then a new limiter would answer
    just as the old one. So the memory is bounded by the keys of the calls that the rate covers.

    Args:
        limiter: shows how the limit of each key is to be.
        clock: gives seconds.

    Raises:
        ConfigError: that limiter can't have twins.
    """

    def __init__(self, limiter: LimiterBase, clock: Callable[[], float] = time.monotonic) -> None:
        try:
            limiter.busy_for()
        except NotSupportedError as error:
            raise ConfigError(
                f"limiter(key=) does not fit: {error}; use a limiter that can, such as 'gcra'"
            ) from error
        except Exception:  # noqa: S110 - it fails at the moment: the calls will tell
            pass
        self._limiter = limiter
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._queue: list[tuple[float, str]] = []  # when to look at a key that nobody uses
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """A forked child may have copied the lock while another thread held it."""
        self._lock = locks.reentrant()

    def __len__(self) -> int:
        """The keys that still matter."""
        with self._lock:
            self._forget()
            return len(self._entries)

    def enter(self, key: str) -> LimiterBase:
        """The limiter of `key`, which is kept until `leave`."""
        with self._lock:
            self._forget()
            entry = self._entries.get(key)
            if entry is None:
                made = _Entry(self._limiter.twin(key))
                entry = self._entries.setdefault(key, made)  # a handler may have been faster
            entry.users += 1
            return entry.limiter

    def leave(self, key: str) -> None:
        """One call less uses the limiter of `key`."""
        with self._lock:
            entry = self._entries[key]
            entry.users -= 1
            if not entry.users and not entry.queued:
                self._look_later(key, entry)

    def _look_later(self, key: str, entry: _Entry) -> None:
        try:
            wait = entry.limiter.busy_for()
        except Exception:
            wait = 1.0  # a shared file that is locked at the moment
        entry.queued = True
        heapq.heappush(self._queue, (self._clock() + wait, key))

    def _forget(self) -> None:
        now = self._clock()
        while self._queue and self._queue[0][0] <= now:
            _, key = heapq.heappop(self._queue)
            entry = self._entries.get(key)
            if entry is None:
                continue
            entry.queued = False
            if not entry.users:
                self._forget_if_idle(key, entry)

    def _forget_if_idle(self, key: str, entry: _Entry) -> None:
        try:
            idle = entry.limiter.busy_for() <= 0
        except Exception:
            idle = False
        if entry.users or entry.queued:
            return  # a handler had a call of it meanwhile
        if idle:
            del self._entries[key]
            entry.limiter.close()
        else:
            self._look_later(key, entry)
