"""How a caller waits for what it reserved: sleep without a lock, then look at the clock again.

A plain `sleep(delay)` is not enough. It may end early by the clock's resolution, a pause may have
moved everything in the meantime, and after a suspend or a stall a whole queue would wake up at the
same moment. So a waiter asks `remaining` after each sleep, and goes on only when that is 0.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Final

from beautyspot.contracts import LimiterBase, Reservation
from beautyspot.errors import ConfigError
from beautyspot.logs import logger

from beautyspot_local.rate import checked_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG: Final = 5.0
"""Seconds of waiting from which on the log says so."""

NAP: Final = 60.0
"""Longest single sleep in seconds: so often a long wait is logged, and the clock looked at."""

LATE: Final = 0.1
"""Seconds after the end of its interval up to which a waiter may still use it.

Threads and event loops wake up late by milliseconds, and must not lose their turn for it. One that
comes later than this (a suspended machine, a blocked event loop) is given a new interval: whoever
slept with it would otherwise start at the same moment.
"""


class Held(Reservation):
    """A reservation that knows its interval of the limiter's time.

    Attributes:
        start: where the interval starts, in seconds of the limiter's time.
        end: where it ends; what lies between is `cost / rate`.
        owner: the limiter that granted it.
        open: it can still be given back; false once used, given back or settled.
        settled: its real cost is known, or it was given back.
    """

    __slots__ = ("end", "open", "owner", "settled", "start")

    def __init__(
        self, delay: float, cost: float, start: float, end: float, owner: WaitingLimiter
    ) -> None:
        self.delay = delay
        self.cost = cost
        self.start = start
        self.end = end
        self.owner = owner
        self.open = True
        self.settled = False


class WaitingLimiter(LimiterBase):
    """`consume` and `consume_async` of a limiter whose reservations are `Held`."""

    _clock: Callable[[], float]

    @abstractmethod
    def _reserve(self, cost: float, max_wait: float | None) -> Held | None:
        """See `reserve`. Without keywords a call is much faster (CPython 3.11 specialises it)."""

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Held | None:
        """Reserve `cost` at the earliest time, or None where that is over `max_wait` seconds away.

        Raises:
            CostError: `cost` is not a positive finite number, or above `max_cost`.
            ConfigError: `max_wait` is not a number.
        """
        return self._reserve(cost, max_wait)

    @abstractmethod
    def remaining(self, reservation: Reservation) -> float:
        """Seconds that `reservation` must still wait; 0.0 means granted, and from then on used.

        To be asked after each sleep by whoever reserves and waits without `consume`.
        """

    def consume(self, cost: float = 1, *, timeout: float | None = None) -> Held:
        """Wait until `cost` is granted; with a `timeout` of 0 a try that does not wait.

        Raises:
            CostError: see `reserve`.
            RateLimitError: not granted within `timeout` seconds; nothing is spent.
        """
        held = self._reserve(cost, timeout)
        if held is None:
            raise self._refusal(cost, timeout)
        if held.delay:
            self._wait(held, timeout)
        held.open = False
        return held

    async def consume_async(self, cost: float = 1, *, timeout: float | None = None) -> Held:
        """`consume` for asynchronous code; a waiter that is cancelled gives its place back."""
        held = self._reserve(cost, timeout)
        if held is None:
            raise self._refusal(cost, timeout)
        if held.delay:
            await self._wait_async(held, timeout)
        held.open = False
        return held

    def try_consume(self, cost: float = 1) -> bool:
        """Take `cost` if it is granted at once; never waits."""
        return self._reserve(cost, 0.0) is not None

    def _wait(self, held: Held, timeout: float | None) -> None:
        try:
            for seconds in self._naps(held, timeout):
                self._sleep(seconds)
        except BaseException:  # Ctrl-C while waiting: the place goes back before it propagates
            self._give_up(held)
            raise

    async def _wait_async(self, held: Held, timeout: float | None) -> None:
        try:
            for seconds in self._naps(held, timeout):
                await self._sleep_async(seconds)
        except BaseException:
            self._give_up(held)
            raise

    def _give_up(self, held: Held) -> None:
        try:
            self.release(held)
        except Exception:
            # The interruption must arrive: a task whose cancellation is lost never ends.
            logger.warning("a place in the limiter could not be given back", exc_info=True)

    def _naps(self, held: Held, timeout: float | None) -> Iterator[float]:
        """How long to sleep, again and again, until the time has come.

        Or until it must have: a clock that stands still, such as a test's, would have no end.
        """
        began, slept = self._clock(), 0.0
        deadline = None if timeout is None else began + checked_seconds(timeout, "timeout")
        left = held.delay
        while left > 0:
            if left >= LONG:
                logger.info("waiting %.0f s for the limiter", left)
            yield min(left, NAP)
            slept += min(left, NAP)
            if slept >= held.delay and self._clock() == began:
                return
            left = self.remaining(held)
            if deadline is not None and left > max(0.0, deadline - self._clock()):
                raise self._refusal(held.cost, timeout, left)

    def _own(self, reservation: Reservation) -> Held:
        if not isinstance(reservation, Held) or reservation.owner is not self:
            raise ConfigError(
                f"{reservation!r:.80} is not of this limiter: hand it to the one that granted it"
            )
        return reservation
