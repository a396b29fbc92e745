"""A cap on the calls under way in all processes: leases of a store that these share.

A call that the cap of its own process has admitted takes a lease of the store as well, one of as
many as the cap has places. While none is free it asks again and again, at growing distances, and at
once where a call of this process gives one back. Of the calls of a process that wait for one cap,
the first one asks. A lease is renewed as those of keys are, and falls with its process.

Where none is free, a call uses that of one around it, as in its own process: else two machines
whose calls make further ones could each wait for the other.
"""

from __future__ import annotations

import random
from collections import deque
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

from beautyspot.concurrency import deferred, holders, waiting
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.locks import Lock
from beautyspot.concurrency.queueing import stopping
from beautyspot.concurrency.single_flight import Lease
from beautyspot.concurrency.waiting import Alarm, Bell, Job
from beautyspot.errors import RateLimitError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from concurrent.futures import Executor

    from beautyspot.contracts.store import Begun
    from beautyspot.limits.concurrency_cap import Cap, Place
    from beautyspot.resilience.reporting import Reporter

    Tell = Callable[[Cap], object]
    """Is called where a call has waited for long."""

    Wake = Callable[[], object]

FIRST: Final = 0.01
GROWS: Final = 1.5
LONGEST: Final = 1.0
"""Seconds between two questions for a place: the first, by what each is longer, the longest."""

MORE: Final = 8
"""Where no lease of those that were asked for is free, so many times as many are asked for."""


class Leasing(Protocol):
    """The leases that a Spot holds of its store, in this process, which it renews."""

    lease_time: float
    ended: bool

    def begin(self, leases: Collection[Lease], rejected: Mapping[str, float]) -> Begun:
        """Take those of these that are free, in this process too."""
        ...

    def release(self, *leases: Lease) -> None:
        """Release those of these that are held."""
        ...


class MachinePlaces:
    """The places of all machines, as the calls of this process hold them and wait for them.

    Args:
        leases: of the store.
        most: so many leases are asked for at once.
        reporter: told where one can't be given back.
        executor: gives the executor that asks, for asynchronous code.

    Attributes:
        leases: see above.
    """

    def __init__(
        self,
        leases: Leasing,
        most: int,
        reporter: Reporter,
        executor: Callable[[], Executor],
    ) -> None:
        self.leases, self._most = leases, most
        self._reporter, self._executor = reporter, executor
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """The calls that hold places and wait for some stayed in the parent."""
        self._lock = Lock()
        self._lines: dict[str, deque[Wake]] = {}  # of those that wait, by cap
        self._awake: set[Wake] = set()  # those of them that were told to ask

    def enter(self, place: Place, timeout: float | None, tell: Tell) -> bool:
        """Block this thread until the call has a lease; whether it had to wait.

        Raises:
            RateLimitError: none was free within `timeout` seconds.
        """
        cap, bell = place.cap, Bell()
        if not place.lease and cap.name not in self._lines:
            place.lease = self._ask(cap)
        if place.lease or cap.move(place):
            return False
        with self._line(cap, bell) as line, stopping(bell) as stop:
            for pause in _pauses(cap, timeout, tell):
                woken = bell.wait(pause)
                if stop is not None:
                    stop.check()
                if woken or line[0] is bell:
                    place.lease = self._ask(cap)
                if place.lease or cap.move(place):
                    break
                self._awake.discard(bell)
        return True

    async def enter_async(self, place: Place, timeout: float | None, tell: Tell) -> bool:
        """`enter` for a task; threads ask for it, and a cancelled task keeps no lease.

        Raises:
            RateLimitError: as there.
        """
        cap, alarm = place.cap, Alarm()
        ask = Job(partial(self._ask, cap), self._drop)
        if not place.lease and cap.name not in self._lines:
            place.lease = await ask.run_in(self._executor)
        if place.lease or cap.move(place):
            return False
        with self._line(cap, alarm) as line:
            for pause in _pauses(cap, timeout, tell):
                woken = await alarm.wait(pause)
                if woken or line[0] is alarm:
                    place.lease = await ask.run_in(self._executor)
                if place.lease or cap.move(place):
                    break
                self._awake.discard(alarm)
        return True

    @contextmanager
    def _line(self, cap: Cap, wake: Wake) -> Iterator[deque[Wake]]:
        """The calls that wait for one cap, this one the last.

        The first one asks from time to time. For each lease that a call of this process gives back
        one more is woken, and asks.
        """
        with self._lock:
            line = self._lines.setdefault(cap.name, deque())
            line.append(wake)
        try:
            yield line
        finally:
            with self._lock:
                line.remove(wake)
                self._awake.discard(wake)
                if not line:
                    self._lines.pop(cap.name, None)
            self._wake_first(cap.name)

    def _wake_first(self, name: str) -> None:
        with self._lock:
            asleep = (wake for wake in self._lines.get(name, ()) if wake not in self._awake)
            first = next(asleep, None)
            if first is not None:
                self._awake.add(first)
        if first is not None:
            first()

    def _ask(self, cap: Cap) -> Lease | None:
        """A lease that was free; None where all are taken."""
        leases = [Lease(_name(cap, each)) for each in random.sample(range(cap.size), cap.size)]
        number = 1
        while leases:
            asked, leases = leases[:number], leases[number:]
            number = min(number * MORE, self._most)
            self.leases.begin(asked, {})
            held = [lease for lease in asked if lease.held]
            if held:
                with suppress(Exception):  # then they fall
                    self.leases.release(*held[1:])
                return held[0]
        return None

    def leave(self, place: Place, *, by_thread: bool) -> None:
        """End the use of a lease; the last call that uses it gives it back.

        Args:
            place: the call's.
            by_thread: whether a thread of ours gives it back, and nobody waits for that.
        """
        lease = place.last_lease()
        if lease and by_thread:
            deferred.later(partial(self._free, lease, place.cap.name))
        elif lease:
            self._free(lease, place.cap.name)
        else:
            self._wake_first(place.cap.name)  # it may use another call's now

    def _free(self, lease: Lease, name: str) -> None:
        self._drop(lease)
        self._wake_first(name)

    def _drop(self, lease: Lease | None) -> None:
        try:
            self.leases.release(*filter(None, [lease]))
        except Exception as error:
            advice = f"It falls by itself, within {self.leases.lease_time:g} s"
            self._reporter.report("give back a place", "", error, advice)


def _name(cap: Cap, number: int) -> str:
    """What one place of a cap is called among the keys of the store."""
    name = f"place {number} of {cap.name}"
    return sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _pauses(cap: Cap, timeout: float | None, tell: Tell) -> Iterator[float]:
    """The seconds to wait before each question for a place; `tell` is told of a long wait, once.

    Raises:
        RateLimitError: `timeout` seconds have passed.
    """
    pause, tells, began = FIRST, True, monotonic()
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
