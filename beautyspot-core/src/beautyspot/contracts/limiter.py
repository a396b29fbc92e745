"""The contract of a rate limiter: reserve first, then wait, holding no lock while waiting."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from beautyspot.contracts.backend import Backend, wrong_answer
from beautyspot.errors import CostError, NotSupportedError, PluginError, RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    from beautyspot.concurrency.waiting import Alarm, Bell
    from beautyspot.contracts.units import Pause

LONG: Final = 5.0
"""Seconds of waiting from which on the log says so."""

NAP: Final = 60.0
"""Longest single sleep in seconds: so often a long wait is logged, and `remaining` is asked.

What takes longer may be a mistake, and the first such wait is a warning.
"""

_BEFORE: Final = "what was granted before, or a pause, takes so long"
_MEANWHILE: Final = "a pause, or a cost that was settled meanwhile, put it off"
_ADVICE: Final = (
    "if you did not mean that, look at what cost= and settle= give, or limit the wait by timeout="
)


class Naps:
    """Iterate over it for the seconds to sleep, again and again, until the permit is granted.

    A plain sleep of the delay is not enough: it may end early by the clock's resolution, a pause
    may move the whole plan meanwhile, and after a suspend all waiters would go at once.

    Args:
        name: the limiter's.
        delay: how long the wait is, as far as is known.
        remaining: asks the limiter how long it still is.
        timeout: how long it may be.
        refusal: what to raise where it became longer, of how long it is.
        told: the causes of long waits that were warned of, which are added to it.

    Attributes:
        woken: whether the last sleep ended before its time, since the permit comes sooner. Who
            sleeps sets it.
    """

    def __init__(
        self,
        name: str,
        delay: float,
        remaining: Callable[[], float],
        timeout: float | None,
        refusal: Callable[[float], Exception],
        told: set[str],
    ) -> None:
        self.woken = False
        self._name = name
        self._delay = delay
        self._remaining = remaining
        self._timeout = timeout
        self._refusal = refusal
        self._told = told

    def __iter__(self) -> Iterator[float]:
        """The seconds to sleep; the first of them without asking the limiter.

        Raises:
            RateLimitError: the wait became longer than the time-out.
        """
        left, slept, cause = self._delay, 0.0, _BEFORE
        while left > 0:
            if left >= LONG:
                from beautyspot.logs import logger  # not needed to import the library

                text = f"waiting {left:.0f} s for the limiter {self._name!r}"
                if left > NAP and cause not in self._told:
                    self._told.add(cause)
                    logger.warning("%s, since %s: %s", text, cause, _ADVICE)
                else:
                    logger.info("%s", text)
            nap, began = min(left, NAP), time.monotonic()
            yield nap
            slept += min(nap, time.monotonic() - began) if self.woken else nap
            before, left = left, self._remaining()
            if left == before and not self.woken:
                return  # its clock stands still, as a test's may
            cause = _MEANWHILE if left > before else cause
            # The first wait was promised to be short enough; a later one comes from a pause.
            if self._timeout is not None and left > max(0.0, self._timeout - slept):
                raise self._refusal(left)


class Reservation:
    """A place in the limiter's time. A limiter may subclass it to remember what it needs.

    Attributes:
        delay: seconds from the reservation until it may be used; 0.0 is at once.
        cost: what was reserved.
    """

    __slots__ = ("cost", "delay")

    def __init__(self, delay: float, cost: float) -> None:
        self.delay = delay
        self.cost = cost


class LimiterBase(Backend):
    """Grants permits at a rate: reserve first, then wait, holding no lock while waiting.

    Class attributes:
        shared: True if several processes share one limit. Otherwise each process has the whole
            rate, and `Spot.stats` says so.
        max_cost: the largest single cost; an instance may set its own.
        workers: how many processes share the limit, as far as the user said so; see `share`.
    """

    blocking: ClassVar[bool] = False
    shared: ClassVar[bool] = False
    max_cost: float = math.inf
    workers: float = 1

    @abstractmethod
    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation | None:
        """Reserve `cost` at the earliest time, or None if that is over `max_wait` seconds away.

        None reserves nothing. It returns at once.

        Raises:
            CostError: `cost` is not a positive finite number, or above the largest single cost.
        """

    @abstractmethod
    def release(self, reservation: Reservation) -> None:
        """Give back a reservation that will not be used, so that no other caller waits for it."""

    def check_cost(self, cost: object) -> None:
        """Refuse a cost that `reserve` would refuse at every call.

        It is called where a decorator or a permit states a constant cost, before any call. Override
        it if costs are not plain numbers.

        Raises:
            CostError: says what is valid.
        """
        if isinstance(cost, Mapping):
            raise CostError(
                "there is one limit, without a name: give a number, or name the limits, "
                'limiter=[{"name": "requests", ...}]'
            )
        number = isinstance(cost, int | float) and not isinstance(cost, bool)
        if not number or not 0 < cost < math.inf:  # type: ignore[operator]  # `number` says so
            raise CostError(
                f"{cost!r:.80} is no positive finite number: give one, such as 1, or a function of "
                "the call's arguments that returns one"
            )
        if cost > self.max_cost:  # type: ignore[operator]  # as above
            raise CostError(
                f"{cost:g} is above max_cost={self.max_cost:g}, so no wait could grant it: give a "
                "smaller one, or raise the limiter's max_cost"
            )

    def settle(self, reservation: Reservation, real_cost: float) -> None:
        """Correct a reservation that was used, now that its `real_cost` is known."""
        raise NotSupportedError(f"the limiter {self.name!r} can't correct a cost ({real_cost})")

    def remaining(self, reservation: Reservation) -> float:
        """Seconds that `reservation` must still wait after its delay; 0.0 means granted.

        It is called after each sleep. Override it if the plan may change while a caller waits, by
        a pause or because the machine slept. Once it has returned 0.0, the reservation counts as
        used.
        """
        del reservation
        return 0.0

    def wake_early(self, reservation: Reservation, wake: Callable[[], object]) -> bool:
        """Call `wake` whenever `reservation` may be used sooner than was said; whether you will.

        `consume` calls it once, before it waits, and asks `remaining` each time that it is woken.
        Override it if time that is given back goes to callers that wait already. `wake` may be
        called from any thread, also while you hold a lock, until the reservation is used or given
        back.
        """
        del reservation, wake
        return False

    def pause(self, seconds: Pause) -> None:
        """Grant nothing for `seconds` from now: what a server's ``Retry-After`` asks for.

        Callers that wait already are held too. Pauses overlap; they do not add up. 0 or less, such
        as of a ``Retry-After`` whose time has passed, pauses nothing.

        Args:
            seconds: a number, a duration, or the header's own text, be it seconds or a date;
                None, where there is no header, pauses nothing. `beautyspot.contracts.pause_seconds`
                reads it for you. `Permit.pause` and combined limits give a number always.

        Raises:
            ConfigError: `seconds` is nothing of that, not finite, or longer than a year.
        """
        raise NotSupportedError(f"the limiter {self.name!r} can't pause ({seconds} s)")

    def reserve_after(
        self, cost: float, seconds: float, *, max_wait: float | None = None
    ) -> Reservation | None:
        """`reserve` a `cost`, at the earliest time that is `seconds` away or more.

        None if that is more than `max_wait` seconds away.

        The time before stays free for others. Combined limits need it: their reservations must
        begin at one moment, or calls that waited for one limit would run in a bunch that breaks
        another.
        """
        raise NotSupportedError(
            f"the limiter {self.name!r} can't be combined with others ({cost}, {seconds} s)"
        )

    def for_key(self, key: str) -> LimiterBase:
        """A new limiter like this one for what `key` names: a host, a customer.

        A pause of this limiter also pauses all limiters that it made for keys, and later ones. If
        processes share the limit, they also share that of each key.
        """
        raise NotSupportedError(f"the limiter {self.name!r} can't keep a limit a key ({key!r:.80})")

    def busy_for(self) -> float:
        """Seconds until all that is reserved has passed, and the limiter is like a new one.

        The limiter of a key may be dropped then.
        """
        raise NotSupportedError(f"the limiter {self.name!r} can't tell how long it is busy")

    def wait_for(self, cost: float = 1) -> float:
        """Seconds that a reservation of `cost` would have to wait now. It reserves nothing.

        It tells a refused caller when to try again.
        """
        raise NotSupportedError(f"the limiter {self.name!r} can't tell how long {cost} would wait")

    def share(self) -> LimiterBase | None:
        """A limiter of this process alone, to take this one's place while this one fails.

        It grants what is fair where others can't be asked: this process's share of the rate, which
        is the rate divided by `workers`, with costs up to the same `max_cost`. Made once, by core.
        None, as by the base class, if there is no such thing: then calls go on unlimited while this
        one fails, but for its pauses.
        """
        return None

    @classmethod
    def together(cls, limits: Mapping[str, LimiterBase]) -> LimiterBase | None:
        """One limiter that is all of these at once, by their names; None where core combines them.

        `limits` are instances of `cls`. Its costs are tables, as those of `spot.limiter`. A limiter
        that is asked over a network grants several limits in one round trip so.
        """
        del limits
        return None

    def consume(self, cost: float = 1, *, timeout: float | None = None) -> Reservation:
        """Wait until `cost` is granted; a `timeout` of 0 does not wait.

        Raises:
            CostError: see `reserve`.
            RateLimitError: not granted within `timeout` seconds; nothing is spent.
        """
        reservation = self._reserve_within(cost, timeout)
        if reservation.delay > 0:
            # Not needed to import the library:
            from beautyspot.concurrency.queueing import stopping
            from beautyspot.concurrency.waiting import Bell

            bell = Bell()
            with self._giving_back(reservation), stopping(bell) as stop:
                wakes = self.wake_early(reservation, bell) or (stop is not None and self._naps)
                wait = self._wait(reservation, timeout)
                for seconds in wait:
                    if wakes:
                        wait.woken = self._doze(seconds, bell)
                    else:
                        self._sleep(seconds)
                    if stop is not None:
                        stop.check()
        self._mark_used(reservation)
        return reservation

    async def consume_async(self, cost: float = 1, *, timeout: float | None = None) -> Reservation:
        """`consume` for asynchronous code; a waiter that is cancelled gives its place back.

        `cost` and `timeout` are those of `consume`.
        Where `blocking` is True, threads call `reserve`, `remaining` and `release`.
        """
        if self.blocking:
            from beautyspot.concurrency.waiting import NO_SPOT  # as in `consume`

            return await self._consume_by_threads(cost, timeout, NO_SPOT)
        reservation = self._reserve_within(cost, timeout)
        if reservation.delay > 0:
            from beautyspot.concurrency.waiting import Alarm, in_asyncio  # as in `consume`

            with self._giving_back(reservation):
                alarm = Alarm() if in_asyncio() else None
                if alarm is not None and not self.wake_early(reservation, alarm):
                    alarm = None
                wait = self._wait(reservation, timeout)
                for seconds in wait:
                    if alarm is None:
                        await self._sleep_async(seconds)
                    else:
                        wait.woken = await self._doze_async(seconds, alarm)
        self._mark_used(reservation)
        return reservation

    async def _consume_by_threads(
        self, cost: float, timeout: float | None, executor: Callable[[], Executor]
    ) -> Reservation:
        """`consume_async`: threads ask, and none is taken while the call waits for its time."""
        from beautyspot.concurrency import deferred
        from beautyspot.concurrency.waiting import Job

        make = partial(self._reserve_within, cost, timeout)
        reservation: Reservation = await Job(make, self._release_quietly).run_in(executor)
        try:
            if reservation.delay > 0:
                await self._wait_by_threads(reservation, timeout, executor)
        except BaseException:
            deferred.later(partial(self._release_quietly, reservation))
            raise
        self._mark_used(reservation)
        return reservation

    async def _wait_by_threads(
        self, reservation: Reservation, timeout: float | None, executor: Callable[[], Executor]
    ) -> None:
        from beautyspot.concurrency.waiting import Alarm, Job  # as in `consume`

        alarm: Alarm | None = None
        if type(self).wake_early is not LimiterBase.wake_early:
            alarm = Alarm()
            wakes = await Job(partial(self.wake_early, reservation, alarm)).run_in(executor)
            alarm = alarm if wakes else None
        wait = self._wait(reservation, timeout)
        naps = iter(wait)
        seconds = next(naps, None)
        while seconds is not None:
            if alarm is None:
                await self._sleep_async(seconds)
            else:
                wait.woken = await self._doze_async(seconds, alarm)
            seconds = await Job(partial(next, naps, None)).run_in(executor)

    def try_consume(self, cost: float = 1) -> bool:
        """Take `cost` if it is granted at once; never waits."""
        return self.reserve(cost, max_wait=0.0) is not None

    def _mark_used(self, reservation: Reservation) -> None:
        """Called when `consume` is granted: a limiter may note that no release comes any more."""

    def _reserve_within(self, cost: float, timeout: float | None) -> Reservation:
        reservation = self.reserve(cost, max_wait=timeout)
        if reservation is None:
            raise self._refusal(cost, timeout)
        if not isinstance(reservation, Reservation):
            what, advice = "the Reservation", "return one, or None"
            raise PluginError(wrong_answer(self, "reserve", reservation, what, advice))
        return reservation

    @contextmanager
    def _giving_back(self, reservation: Reservation) -> Iterator[None]:
        """Give the reservation back where the wait is given up, cancelled or interrupted."""
        try:
            yield
        except BaseException:
            self._release_quietly(reservation)
            raise

    def _release_quietly(self, reservation: Reservation) -> None:
        """Give it back; the interruption must arrive: a task that loses that never ends."""
        try:
            self.release(reservation)
        except Exception:
            from beautyspot.logs import logger  # as in `consume`

            logger.warning("a place in the limiter could not be given back", exc_info=True)

    def _refusal(
        self, cost: float, timeout: float | None, wait: float | None = None
    ) -> RateLimitError:
        """What to raise where `timeout` is too short; `wait`: how long it would take, if known."""
        if wait is None:
            with suppress(Exception):  # a refused caller is told so, whatever else fails
                wait = self.wait_for(cost)
        takes = "" if wait is None else f" (it would take {wait:.3g} s now)"
        return RateLimitError(
            f"no permit of cost {cost} within {timeout} s{takes}: wait longer (timeout= of "
            "spot.limiter or spot.limit), ask for less, or raise the limiter's rate",
            retry_after=wait,
        )

    def _sleep(self, seconds: float) -> None:
        """Wait; a limiter whose clock is not the system's overrides it."""
        if seconds > 0:
            time.sleep(seconds)

    async def _sleep_async(self, seconds: float) -> None:
        if seconds > 0:
            import asyncio  # takes 60 ms: synchronous programs never pay for it

            from beautyspot.concurrency.waiting import check_asyncio

            check_asyncio("to wait for a limit")
            await asyncio.sleep(seconds)

    def _wait(self, reservation: Reservation, timeout: float | None) -> Naps:
        """The sleeps until it is granted."""
        return Naps(
            self.name,
            reservation.delay,
            partial(self.remaining, reservation),
            timeout,
            partial(self._refusal, reservation.cost, timeout),
            self._told_of_waits,
        )

    @property
    def _told_of_waits(self) -> set[str]:
        """The causes of long waits that were warned of."""
        told: set[str] = vars(self).setdefault("_told", set())
        return told

    def _tell_with(self, other: LimiterBase) -> None:
        """Warn of no cause that `other` has warned of, and the other way round."""
        vars(self)["_told"] = other._told_of_waits

    def _busy_here(self) -> float:
        """`busy_for`, as far as another limiter that is made for the same key can't know it."""
        return 0.0 if self.remote else self.busy_for()

    @property
    def _naps(self) -> bool:
        """Whether it sleeps as any program does, so that a bell may end that."""
        return getattr(self._sleep, "__func__", None) is LimiterBase._sleep

    def _doze(self, seconds: float, bell: Bell) -> bool:
        """`_sleep`, but at most until the bell rings; whether it did."""
        return bell.wait(seconds)

    async def _doze_async(self, seconds: float, alarm: Alarm) -> bool:
        return await alarm.wait(seconds)
