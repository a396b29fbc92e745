"""A cap on the calls under way in all processes: the places that a limiter keeps for them.

A call that the cap of its own process has admitted takes a place of all machines as well. While
none is free it asks again and again, at growing distances, and at once where a call of this process
gives one back. The heartbeat of the limiter renews what is held; a place falls with its process.

A call lends its place to a call that it makes, one at a time, where no other is free: else two
machines whose calls make further ones could each wait for the other.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from contextlib import contextmanager, suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency import deferred, holders, waiting
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.making import Making
from beautyspot.concurrency.queueing import queued, stopping
from beautyspot.concurrency.waiting import Alarm, Bell
from beautyspot.errors import RateLimitError
from beautyspot.resilience.circuit_breaker import Breaker
from beautyspot.resilience.heartbeat import Heartbeat
from beautyspot.resilience.reporting import LIMITER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    from beautyspot.contracts import Lease, LimiterBase
    from beautyspot.limits.concurrency_cap import Cap, Place
    from beautyspot.resilience.reporting import Reporter

    Tell = Callable[[Cap], object]
    """Is called where a call has waited for long."""

    Wake = Callable[[], object]

MEANING: Final = "More calls than max_concurrent= may be under way until they have others"

FIRST: Final = 0.01
GROWS: Final = 1.5
LONGEST: Final = 1.0
"""Seconds between two questions for a place: the first, by what each is longer, the longest."""


class MachinePlace:
    """One place among those of all machines.

    Attributes:
        lease: frees the place when it is released.
        users: the places, in this process, of the call that holds it and of those that it is lent
            to, the latest last. It is free once all of them have left.
    """

    __slots__ = ("lease", "users")

    def __init__(self, lease: Lease, user: Place) -> None:
        self.lease = lease
        self.users = [user]


class MachinePlaces:
    """The places of one limiter, as the calls of this process hold them and wait for them.

    Args:
        keeper: the limiter that keeps them.
        reporter: told where one can't be given back.
        executor: gives the executor that asks, for asynchronous code.
        breaker: the limiter's, so that an outage costs one time-out; None: one of its own.

    Attributes:
        breaker: says when the limiter is asked; meanwhile the cap of each process holds alone.
    """

    def __init__(
        self,
        keeper: LimiterBase,
        reporter: Reporter,
        executor: Callable[[], Executor],
        breaker: Breaker | None = None,
    ) -> None:
        self._keeper = keeper
        self.breaker = breaker or Breaker("the limiter's places", on_change=self._changed)
        self._reporter = reporter
        self._executor = executor
        self._heartbeat = Heartbeat(keeper, MEANING, spot=reporter.spot)
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """The calls that hold places and wait for some stayed in the parent."""
        self.breaker.reset_after_fork()
        self._lock = threading.RLock()
        self._held: dict[Place, MachinePlace] = {}  # by the place that the call has in this process
        self._waiting: dict[str, deque[Wake]] = {}
        self._kept: deque[Lease] = deque()  # over, and not given back: the limiter was away

    def _changed(self, opened: bool) -> None:
        if not opened:
            self._reporter.recovered(LIMITER, f"the limiter {self._keeper.name!r} answers again")

    # ------------------------------------------------------------------------------- entering

    def enter(self, place: Place, timeout: float | None, tell: Tell) -> bool:
        """Block this thread until the call has a place; whether it had to wait.

        Raises:
            RateLimitError: none was free within `timeout` seconds.
        """
        pauses = _pauses(place.cap, timeout, monotonic(), tell)
        if self._takes(place, self._borrowed(place) or self._ask(place)):
            return False
        bell = Bell()
        with self._woken(place, bell), queued(), stopping(bell) as stop:
            for pause in pauses:
                bell.wait(pause)
                if stop is not None:
                    stop.check()
                if self._takes(place, self._ask(place)):
                    break
        return True

    async def enter_async(self, place: Place, timeout: float | None, tell: Tell) -> bool:
        """`enter` for a task; threads ask for it, and a cancelled task keeps no place.

        Raises:
            RateLimitError: as there.
        """
        pauses = _pauses(place.cap, timeout, monotonic(), tell)
        if self._takes(place, self._borrowed(place) or await self._ask_async(place)):
            return False
        alarm = Alarm()
        with self._woken(place, alarm), queued():
            for pause in pauses:
                await alarm.wait(pause)
                if self._takes(place, await self._ask_async(place)):
                    break
        return True

    def _takes(self, place: Place, held: MachinePlace | None) -> bool:
        if held is None:
            return False
        self._held[place] = held
        return True

    def _ask(self, place: Place) -> MachinePlace | None:
        """A place that is free, or that a call around this one lends."""
        lease = self._take(place.cap)
        return self._lent(place) if lease is None else MachinePlace(lease, place)

    async def _ask_async(self, place: Place) -> MachinePlace | None:
        if not self._keeper.blocking:
            return self._ask(place)
        take = partial(self._take, place.cap)
        lease = await Making(take, self._drop, self._executor).run()
        return self._lent(place) if lease is None else MachinePlace(lease, place)

    def _take(self, cap: Cap) -> Lease | None:
        with self.breaker.watching():
            lease = self._keeper.try_slot(cap.name, cap.size)
            if self._kept:
                self._give_back_kept()
                lease = lease or self._keeper.try_slot(cap.name, cap.size)
        if lease is not None:
            self._heartbeat.hold(lease)
        return lease

    def _give_back_kept(self) -> None:
        with suppress(Exception):  # an empty deque; or the limiter fails again: it falls by itself
            while True:
                self._kept.popleft().release()

    def _borrowed(self, place: Place) -> MachinePlace | None:
        """The place of the call whose place in this process it uses."""
        return None if place.lender is None else self._lent_by(place, [place.lender])

    def _lent(self, place: Place) -> MachinePlace | None:
        """The place of that call, or of one that made this one."""
        lenders = [*reversed(place.around), *filter(None, [place.lender])]
        return self._lent_by(place, [one for one in lenders if one.cap is place.cap])

    def _lent_by(self, place: Place, lenders: list[Place]) -> MachinePlace | None:
        """The place of one of these calls, unless another call uses it already."""
        with self._lock:
            for lender in lenders:
                held = self._held.get(lender)
                if held is not None and held.users[-1:] == [lender]:
                    held.users.append(place)
                    return held
        return None

    # ------------------------------------------------------------------------------- waiting

    @contextmanager
    def _woken(self, place: Place, wake: Wake) -> Iterator[None]:
        """In the block one that waits is woken, in its turn, when a place is given back here."""
        name = place.cap.name
        with self._lock:
            self._waiting.setdefault(name, deque()).append(wake)
        try:
            yield
        finally:
            with self._lock, suppress(KeyError, ValueError):  # the former in a forked child
                self._waiting[name].remove(wake)
                if not self._waiting[name]:
                    del self._waiting[name]

    # ------------------------------------------------------------------------------- leaving

    def leave(self, place: Place, *, by_thread: bool) -> None:
        """End the use of a place; the last call that uses it gives it back.

        Args:
            place: the call's, in this process.
            by_thread: whether a thread of ours gives it back, and nobody waits for that.
        """
        held = self._held.pop(place, None)
        if held is None:
            return
        with self._lock:
            held.users.remove(place)
            is_over = not held.users
        if is_over and by_thread:
            deferred.later(partial(self._free, held.lease, place.cap.name))
        elif is_over:
            self._free(held.lease, place.cap.name)
        else:
            self._wake_first(place.cap.name)

    def _free(self, lease: Lease, name: str) -> None:
        self._drop(lease)
        self._wake_first(name)

    def _drop(self, lease: Lease | None) -> None:
        """Release it, now or once the limiter answers: else all would wait until it falls."""
        if lease is None:
            return
        self._heartbeat.drop(lease)
        try:
            with self.breaker.watching():
                lease.release()
        except Exception as error:
            self._kept.append(lease)
            advice = f"It is tried again, or falls by itself, within {self._keeper.lease_time:g} s"
            self._reporter.report("give back a place", "", error, advice)

    def _wake_first(self, name: str) -> None:
        with self._lock:
            queue = self._waiting.get(name)
            first = queue[0] if queue else None
        if first is not None:
            first()


def _pauses(cap: Cap, timeout: float | None, began: float, tell: Tell) -> Iterator[float]:
    """The seconds to wait before each question for a place; `tell` is told of a long wait, once.

    Raises:
        RateLimitError: `timeout` seconds have passed since the wait `began`.
    """
    pause, tells = FIRST, True
    while True:
        waited = monotonic() - began
        if timeout is not None and waited >= timeout:
            raise RateLimitError(
                f"{cap.size} calls were under way in all processes for all of {timeout:.3g} s: "
                "wait longer (timeout= of spot.limiter) or raise max_concurrent="
            )
        if tells and waited > waiting.PATIENCE:
            tells = False
            tell(cap)
        some = pause * random.uniform(0.75, 1.25)  # noqa: S311 - so that not all ask at once
        yield some if timeout is None else min(some, timeout - waited)
        pause = min(pause * GROWS, LONGEST)
        holders.end_orphans()
