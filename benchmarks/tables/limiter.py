"""Rate limiters: what a permit costs that is free, and how well a rate is kept."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from benchmarks.adapters import limiters
from benchmarks.measure import Candidate, compare
from benchmarks.table import Table
from benchmarks.workload import repeated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.adapters.limiters import Limiter
    from benchmarks.table import Settings

FAST = 1_000_000_000
"""Permits a second, so that nobody ever waits."""

RATE, WAITERS, PERMITS = 50, 20, 200


def tables(settings: Settings) -> Iterator[Table]:
    """The cost, then the accuracy."""
    chosen = [*limiters.FLOOR, *(limiters.PEERS if settings.peers else [])]
    installed = [one for one in chosen if one.installed]
    candidates = {one.name: Candidate(repeated(one.make(FAST)), most=2000) for one in installed}
    targets = {limiters.OURS: 1.5}
    yield Table(
        "limiter",
        "A permit that is free at once",
        limiters.GCRA,
        compare(candidates, limiters.GCRA, settings.pace, targets=targets),
    )
    permits = 40 if settings.small else PERMITS
    yield Table(
        "limiter-accuracy",
        f"{permits} permits for {WAITERS} waiters at {RATE} a second",
        "",
        [_accuracy(one, permits) for one in installed],
        f"An even rate takes {(permits - 1) / RATE:.2f} s and never lets more than {RATE + 1} "
        "through in a second. The last column is the processor's time for the waiting.",
    )


def _accuracy(limiter: Limiter, permits: int) -> dict[str, Any]:
    cpu = time.process_time()
    measure = _asynchronously if limiter.asynchronous else _in_threads
    began = time.monotonic()
    times = sorted(measure(limiter, permits // WAITERS))
    most = max(bisect_left(times, start + 1.0) - n for n, start in enumerate(times))
    return {
        "name": limiter.name,
        "seconds": f"{times[-1] - began:.2f}",
        "most in any second": str(most),
        "CPU, ms": (time.process_time() - cpu) * 1000,
    }


def _in_threads(limiter: Limiter, each: int) -> list[float]:
    acquire = limiter.make(RATE)
    times: list[float] = []

    def wait() -> None:
        for _ in range(each):
            acquire()
            times.append(time.monotonic())

    with ThreadPoolExecutor(WAITERS) as executor:
        for done in [executor.submit(wait) for _ in range(WAITERS)]:
            done.result()
    return times


def _asynchronously(limiter: Limiter, each: int) -> list[float]:
    times: list[float] = []

    async def wait(acquire: limiters.Acquire) -> None:
        for _ in range(each):
            await acquire()
            times.append(time.monotonic())

    async def together() -> None:
        acquire = limiter.make(RATE)
        await asyncio.gather(*[wait(acquire) for _ in range(WAITERS)])

    asyncio.run(together())
    return times
