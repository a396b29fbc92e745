"""Rate limiters: a rate in, a function out that returns once the permit is there."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module as load
from typing import Any

from beautyspot_local import TokenBucket

from benchmarks.adapters import version

Acquire = Callable[[], Any]

GCRA = "GCRA in ten lines"
OURS = "beautyspot, TokenBucket"


@dataclass(frozen=True)
class Limiter:
    """One library's limiter.

    Attributes:
        name: stands in the tables.
        make: of a rate in permits a second; may give a coroutine function.
        needs: the distribution that has to be installed.
    """

    name: str
    make: Callable[[int], Acquire]
    needs: str = ""

    @property
    def installed(self) -> bool:
        """Whether it can be measured here."""
        return not self.needs or version(self.needs) is not None

    @property
    def asynchronous(self) -> bool:
        """Whether it is for coroutines only."""
        return inspect.iscoroutinefunction(self.make(1))


def _gcra(rate: int) -> Acquire:
    """The least that keeps a rate between threads."""
    lock, interval = threading.Lock(), 1 / rate
    free_at = 0.0

    def acquire() -> None:
        nonlocal free_at
        with lock:
            now = time.monotonic()
            start = max(free_at, now)
            free_at = start + interval
        if start > now:
            time.sleep(start - now)

    return acquire


def _ours(rate: int) -> Acquire:
    return TokenBucket(rate).consume


def _limits(strategy: str) -> Callable[[int], Acquire]:
    """It has no way to wait: asked again after a millisecond."""

    def make(rate: int) -> Acquire:
        storage = load("limits.storage").MemoryStorage()
        limiter = getattr(load("limits.strategies"), strategy)(storage)
        hit, item = limiter.hit, load("limits").RateLimitItemPerSecond(rate)

        def acquire() -> None:
            while not hit(item, "key"):
                time.sleep(0.001)

        return acquire

    return make


def _pyrate_limiter(rate: int) -> Acquire:
    library = load("pyrate_limiter")
    rates = [library.Rate(rate, library.Duration.SECOND)]
    acquire = library.Limiter(library.InMemoryBucket(rates)).try_acquire
    return lambda: acquire("key")


def _throttled(rate: int) -> Acquire:
    library = load("throttled")
    quota, store = library.per_sec(rate), library.MemoryStore()
    limit = library.Throttled(key="key", using="gcra", quota=quota, store=store, timeout=60).limit
    return lambda: limit()


def _aiolimiter(rate: int) -> Acquire:
    acquire = load("aiolimiter").AsyncLimiter(rate, 1).acquire

    async def acquired() -> None:
        await acquire()

    return acquired


FLOOR = [Limiter(GCRA, _gcra), Limiter(OURS, _ours)]
PEERS = [
    Limiter("aiolimiter (async)", _aiolimiter, "aiolimiter"),
    Limiter("limits, fixed window", _limits("FixedWindowRateLimiter"), "limits"),
    Limiter("limits, moving window", _limits("MovingWindowRateLimiter"), "limits"),
    Limiter("pyrate-limiter", _pyrate_limiter, "pyrate-limiter"),
    Limiter("throttled-py, GCRA", _throttled, "throttled-py"),
]
