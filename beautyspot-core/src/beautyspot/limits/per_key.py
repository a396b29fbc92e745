"""A limiter for each key, such as a host: made when the key comes, and dropped when it is idle."""

from __future__ import annotations

import sys
import threading
from typing import Final

from beautyspot.concurrency.forks import reset_in_children
from beautyspot.contracts import LimiterBase
from beautyspot.errors import ConfigError, NotSupportedError

FEW: Final = 32
"""Keys up to which none is dropped."""


class _Entry:
    __slots__ = ("calls", "limiter")

    def __init__(self, limiter: LimiterBase) -> None:
        self.limiter = limiter
        self.calls: set[object] = set()


class LimitsByKey:
    """The limiters of single keys, each made by `LimiterBase.for_key`.

    The limiter of a key is dropped only while no call of the key is under way, which could still
    settle its cost, and once all that was reserved has passed: then a new limiter would answer as
    the old one. Idle ones are looked for whenever the number of keys has doubled, so there are at
    most twice as many as the rate keeps busy (or `FEW`).

    Args:
        limiter: makes the limiter of each key.

    Raises:
        ConfigError: that limiter can't make one for a key.
    """

    def __init__(self, limiter: LimiterBase) -> None:
        try:
            _check(limiter)
        except NotSupportedError as error:
            raise ConfigError(
                f"limiter(key=) does not fit: {error}; use a limiter that can, such as 'gcra'"
            ) from error
        except Exception:  # noqa: S110 - it fails at the moment: the calls will tell
            pass
        self._limiter = limiter
        self._entries: dict[str, _Entry] = {}
        self._most = FEW
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """A forked child may have copied the lock while another thread held it."""
        self._lock = threading.RLock()

    def __len__(self) -> int:
        """The keys whose limiters are kept."""
        return len(self._entries)

    def enter(self, key: str, call: object) -> LimiterBase:
        """The limiter of `key`, which is kept until the call leaves."""
        with self._lock:
            if len(self._entries) >= self._most:
                self._drop_idle()
            entry = self._entries.get(key)
            if entry is None:
                made = _Entry(self._limiter.for_key(key))
                made.limiter._tell_with(self._limiter)
                entry = self._entries.setdefault(key, made)  # a handler may have been faster
            entry.calls.add(call)
            return entry.limiter

    def leave(self, key: str, call: object) -> None:
        """End a call of `key`. A second call does nothing."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                entry.calls.discard(call)

    def _drop_idle(self) -> None:
        self._most = sys.maxsize  # a handler that comes meanwhile drops none
        for key, entry in list(self._entries.items()):
            idle = not entry.calls and _is_idle(entry.limiter)
            if idle and not entry.calls:  # a handler may have begun a call of it meanwhile
                del self._entries[key]
                entry.limiter.close()
        self._most = max(FEW, 2 * len(self._entries))


def _check(limiter: LimiterBase) -> None:
    """Ask what only limiters that can have keys can tell; one on a network is not asked for that.

    Raises:
        NotSupportedError: it can't.
    """
    real: LimiterBase = getattr(limiter, "real", limiter)  # beneath what takes its place
    if not real.remote or type(real).busy_for is LimiterBase.busy_for:
        limiter.busy_for()


def _is_idle(limiter: LimiterBase) -> bool:
    try:
        return limiter._busy_here() <= 0
    except Exception:  # it can't tell at the moment, such as a shared file that is locked
        return False
