"""A limiter that may block, asked from asynchronous code: threads ask, and the task waits.

A thread is taken for as long as the limiter is asked, and not while the call waits for its time. So
a thousand tasks may wait for one limit, and eight threads ask for all of them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency import deferred
from beautyspot.concurrency.queueing import queued
from beautyspot.concurrency.waiting import Alarm, Job, SpotExecutor

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from beautyspot.contracts.limiter import LimiterBase, Reservation

_threads: Final = SpotExecutor(None)
"""Where there is no Spot, whose executor it would be."""


async def consume(
    limiter: LimiterBase,
    cost: float,
    timeout: float | None,
    executor: Callable[[], Executor] = _threads,
) -> Reservation:
    """`LimiterBase.consume_async`, of a limiter that may block.

    Args:
        limiter, cost, timeout: see there.
        executor: gives the executor whose threads ask.

    Raises:
        CostError, RateLimitError: see there.
        NotSupportedError: there is no event loop of asyncio.
    """
    with queued():
        asked = _Asked(limiter, partial(limiter._reserve_within, cost, timeout))
        try:
            reservation: Reservation = await Job(asked).run_in(executor)
            if reservation.delay > 0:
                await _wait(limiter, reservation, timeout, executor)
        except BaseException:
            asked.give_back()
            raise
    limiter._mark_used(reservation)
    return reservation


class _Asked:
    """A reservation that a thread makes; it is given back where its task is gone."""

    def __init__(self, limiter: LimiterBase, reserve: Callable[[], Reservation]) -> None:
        self._limiter = limiter
        self._reserve = reserve
        self._gone = False
        self._made: list[Reservation] = []

    def __call__(self) -> Reservation:
        """Reserve, in a thread."""
        reservation = self._reserve()
        self._made.append(reservation)
        if self._gone:  # looked at after the other: one of the two gives it back
            self._release()
        return reservation

    def give_back(self) -> None:
        """Have nobody wait for what was reserved, or will be; a thread tells the limiter."""
        self._gone = True
        if self._made:
            deferred.later(self._release)

    def _release(self) -> None:
        try:
            reservation = self._made.pop()
        except IndexError:
            return
        self._limiter._release_quietly(reservation)


async def _wait(
    limiter: LimiterBase,
    reservation: Reservation,
    timeout: float | None,
    executor: Callable[[], Executor],
) -> None:
    alarm = await _alarm(limiter, reservation, executor)
    wait = limiter._wait(reservation, timeout)
    naps = iter(wait)
    seconds: Any = next(naps, None)  # it asks nothing yet
    while seconds is not None:
        if alarm is None:
            await limiter._sleep_async(seconds)
        else:
            wait.woken = await limiter._doze_async(seconds, alarm)
        seconds = await Job(partial(next, naps, None)).run_in(executor)


async def _alarm(
    limiter: LimiterBase, reservation: Reservation, executor: Callable[[], Executor]
) -> Alarm | None:
    """What the limiter rings where the permit comes sooner; None where it rings nothing."""
    if not limiter._wakes_early:
        return None
    alarm = Alarm()
    wakes = await Job(partial(limiter.wake_early, reservation, alarm)).run_in(executor)
    return alarm if wakes else None
