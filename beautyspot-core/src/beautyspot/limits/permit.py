"""`Permit`: the permission for one call, from when it is asked for until the call is over.

The limiter's refusals (`CostError`, `RateLimitError`) reach the caller before the call begins. A
limiter that *fails* lets the call through, with one warning: a broken limit is no reason to lose
the caller's work.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from beautyspot.concurrency import locks
from beautyspot.concurrency.jobs import Job
from beautyspot.errors import ConfigError, CostError, NotSupportedError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import LimiterBase, Reservation
    from beautyspot.limits.concurrency_cap import Cap
    from beautyspot.limits.limiting import Limiting

Cost = float | Mapping[str, float]
"""What a call costs: a number, or for several limits a table of numbers."""

_ANSWERS = (CostError, RateLimitError)


class Permit:
    """The permission for one call: ``with spot.limit(cost=500) as permit``, or ``async with``.

    What is reserved stays spent when the call raises, unless it is settled: nobody knows how much
    of it the server counted.

    Attributes:
        cost: what was asked for.
        waited: seconds that the permit took to come.
    """

    def __init__(
        self,
        limiting: Limiting,
        cost: Cost,
        timeout: float | None,
        *,
        key: str | None = None,
        cap: Cap | None = None,
    ) -> None:
        self.cost = cost
        self.waited = 0.0
        self._limiting = limiting
        self._bucket = limiting.bucket
        self._timeout = timeout
        self._by_key = None if key is None or limiting.bucket is None else limiting.by_key
        self._key = key
        self._cap = cap
        self._queued = False
        self._used = False
        self._asynchronous = False
        self._reservation: Reservation | None = None

    # --------------------------------------------------------------------- before the call

    def __enter__(self) -> Self:
        began = self._begin()
        try:
            if self._cap is not None:
                self._queued = self._cap.enter(self._timeout)
        except RateLimitError:
            self._limiting.stats.refused()
            raise
        try:
            self._hold_key()
            self._ask(began)
        except BaseException:
            self.end()
            raise
        return self

    async def __aenter__(self) -> Self:
        self._asynchronous = True
        began = self._begin()
        try:
            if self._cap is not None:
                self._queued = await self._cap.enter_async(self._timeout)
        except RateLimitError:
            self._limiting.stats.refused()
            raise
        except NotSupportedError as error:
            self._cap = None  # it is not in there
            self._failed(error)
        try:
            self._hold_key()
            await self._ask_async(began)
        except BaseException:
            self.end()
            raise
        return self

    def _begin(self) -> float:
        if self._used:
            raise ConfigError("a permit is for one call: ask for another by spot.limit()")
        self._used = True
        return time.monotonic()

    def _hold_key(self) -> None:
        """Take the limiter of the key, where there is one."""
        if self._by_key is None or self._key is None:
            return
        try:
            self._bucket = self._by_key.enter(self._key)
        except Exception as error:
            self._by_key = self._bucket = None
            self._failed(error)

    def _ask(self, began: float) -> None:
        if self._bucket is None:
            return self._granted(began, None)
        try:
            with self._limiting.breaker.watching():
                reservation = self._bucket.consume(self._cost, timeout=self._left(began))
        except _ANSWERS:
            self._limiting.stats.refused()
            raise
        except Exception as error:
            return self._failed(error)
        return self._granted(began, reservation)

    async def _ask_async(self, began: float) -> None:
        if self._bucket is None:
            return self._granted(began, None)
        try:
            with self._limiting.breaker.watching():
                reservation = await self._consume_async(self._bucket, self._left(began))
        except _ANSWERS:
            self._limiting.stats.refused()
            raise
        except Exception as error:
            return self._failed(error)
        return self._granted(began, reservation)

    async def _consume_async(self, bucket: LimiterBase, timeout: float | None) -> Reservation:
        if not bucket.blocking:
            return await bucket.consume_async(self._cost, timeout=timeout)
        ask = partial(bucket.consume, self._cost, timeout=timeout)  # a limiter on a network
        reservation: Reservation = await Job(ask).run_in(self._limiting.executor)
        return reservation

    @property
    def _cost(self) -> Any:
        """The cost, for limiters whose costs are numbers and those whose costs are tables."""
        return self.cost

    def _left(self, began: float) -> float | None:
        """What waiting for the cap left of the time-out; all of it where there is no cap."""
        if self._timeout is None or self._cap is None:
            return self._timeout
        return max(0.0, self._timeout - (time.monotonic() - began))

    def _granted(self, began: float, reservation: Reservation | None) -> None:
        self._reservation = reservation
        delayed = self._queued or (reservation is not None and reservation.delay > 0)
        self.waited = time.monotonic() - began if delayed else 0.0
        self._limiting.stats.granted(self.waited)

    def _failed(self, error: Exception) -> None:
        advice = "The call goes on unlimited"
        self._limiting.reporter.report("ask the limiter", "", error, advice)

    # --------------------------------------------------------------- while and after the call

    def settle(self, real_cost: Cost) -> None:
        """Say what the call really cost: calls that follow come sooner, or later, for it.

        What was granted already stays granted. Only the first call counts. With several limits
        `real_cost` is a table of those that it corrects.

        Raises:
            CostError: `real_cost` is no cost; it may be 0.
            NotSupportedError: the limiter can't correct a cost.
        """
        if self._reservation is None or self._bucket is None:
            return  # nothing was reserved: the limiter failed, or there is only a cap
        correct = partial(self._settle, self._bucket, self._reservation, real_cost)
        if self._asynchronous and self._bucket.blocking:
            locks.submit(
                self._limiting.executor(), partial(self._reporting, correct, "settle a cost")
            )
        else:
            self._reporting(correct, "settle a cost", (CostError, NotSupportedError))

    @staticmethod
    def _settle(bucket: LimiterBase, reservation: Reservation, real_cost: Any) -> None:
        bucket.settle(reservation, real_cost)

    def pause(self, seconds: float) -> None:
        """Let this call's limiter grant nothing for so many seconds: a server's ``Retry-After``.

        Of a limit for each key it holds that key; `Spot.bucket` has a `pause` that holds all.

        Raises:
            ConfigError: `seconds` is not a finite number.
            NotSupportedError: the limiter can't pause.
        """
        if self._bucket is not None:
            pause = partial(self._bucket.pause, seconds)
            self._reporting(pause, "pause the limiter", (ConfigError, NotSupportedError))

    def _reporting(
        self,
        work: Callable[[], None],
        what: str,
        mistakes: tuple[type[Exception], ...] = (),
    ) -> None:
        try:
            work()
        except mistakes:
            raise
        except Exception as error:
            self._limiting.reporter.report(what, "", error, "The limit is kept by the estimate")

    def __exit__(self, *_: object) -> None:
        self.end()

    async def __aexit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """The call is over; what the end of the ``with`` does."""
        if self._cap is not None:
            self._cap.leave()
        if self._by_key is not None and self._key is not None:
            self._by_key.leave(self._key)
