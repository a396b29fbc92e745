"""A cap on the calls under way in all processes: the places that a limiter keeps for them.

A call that the cap of its own process has admitted takes a place of all machines as well. While
none is free it asks again and again, at growing distances, and at once where a call of this process
gives one back. The heartbeat of the limiter renews what is held; a place falls with its process.

A call lends its place to a call that it makes, one at a time, where no other is free: else two
machines whose calls make further ones could each wait for the other.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency import deferred, locks
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.queueing import queued, stopping
from beautyspot.concurrency.waiting import Alarm, Bell
from beautyspot.contracts.asking import Making
from beautyspot.limits.machine_place import MachinePlace
from beautyspot.resilience.circuit_breaker import Breaker
from beautyspot.resilience.heartbeat import Heartbeat
from beautyspot.resilience.reporting import LIMITER

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from beautyspot.contracts import Lease, LimiterBase
    from beautyspot.limits.concurrency_cap import Cap, Place
    from beautyspot.limits.waits import Until
    from beautyspot.resilience.reporting import Reporter

    Wake = Callable[[], object]

MEANING: Final = "More calls than max_concurrent= may be under way until they have others"


class MachinePlaces:
    """The places of one limiter, as the calls of this process hold them and wait for them.

    Args:
        keeper: the limiter that keeps them.
        reporter: told where one can't be given back.
        executor: gives the executor that asks, for asynchronous code.

    Attributes:
        breaker: says when the limiter is asked; meanwhile the cap of each process holds alone.
    """

    def __init__(
        self,
        keeper: LimiterBase,
        reporter: Reporter,
        executor: Callable[[], Executor],
    ) -> None:
        self._keeper = keeper
        self.breaker = Breaker("the limiter's places", on_change=self._changed)
        self._reporter = reporter
        self._executor = executor
        self._heartbeat = Heartbeat(keeper, MEANING, spot=reporter.spot, insists=True)
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """The calls that hold places and wait for some stayed in the parent."""
        self.breaker.reset_after_fork()
        self._lock = locks.reentrant()
        self._waiting: dict[str, deque[Wake]] = {}

    def _changed(self, opened: bool) -> None:
        if not opened:
            self._reporter.recovered(LIMITER, f"the limiter {self._keeper.name!r} answers again")

    # ------------------------------------------------------------------------------- entering

    def enter(self, place: Place, until: Until, tell: Callable[[Cap], object]) -> bool:
        """Block this thread until the call has a place; whether it had to wait.

        Raises:
            RateLimitError: none was free in time.
        """
        if locks.inside() or self._takes(place, self._borrowed(place) or self._ask(place)):
            return False  # the former in a handler, which may have interrupted who holds it
        bell = Bell()
        with self._waits(place, bell), queued(), stopping(bell) as stop:
            for pause in until.pauses(place, tell):
                bell.wait(pause)
                if stop is not None:
                    stop.check()
                if self._takes(place, self._ask(place)):
                    break
        return True

    async def enter_async(self, place: Place, until: Until, tell: Callable[[Cap], object]) -> bool:
        """`enter` for a task; threads ask for it, and a cancelled task keeps no place.

        Raises:
            RateLimitError: as there.
        """
        if self._takes(place, self._borrowed(place) or await self._ask_async(place)):
            return False
        alarm = Alarm()
        with self._waits(place, alarm), queued():
            for pause in until.pauses(place, tell):
                await alarm.wait(pause)
                if self._takes(place, await self._ask_async(place)):
                    break
        return True

    def _takes(self, place: Place, held: MachinePlace | None) -> bool:
        place.machine_place = held
        return held is not None

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
        if lease is None:
            return None
        return self._heartbeat.hold(lease, self.breaker.guarding(lease.release))

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
                held = lender.machine_place
                if held is not None and held.users[-1:] == [lender]:
                    held.users.append(place)
                    return held
        return None

    # ------------------------------------------------------------------------------- waiting

    def _waits(self, place: Place, wake: Wake) -> _Waiting:
        return _Waiting(self, place.cap.name, wake)

    def join(self, name: str, wake: Wake) -> None:
        """Wake one that waits for a place of that name, in its turn."""
        with self._lock:
            self._waiting.setdefault(name, deque()).append(wake)

    def quit(self, name: str, wake: Wake) -> None:
        """Wake one no more."""
        with self._lock, suppress(KeyError, ValueError):
            self._waiting[name].remove(wake)
            if not self._waiting[name]:
                del self._waiting[name]

    # ------------------------------------------------------------------------------- leaving

    def leave(self, place: Place, *, by_thread: bool) -> None:
        """End the use of a place; the last who uses it gives it back.

        Args:
            place: the call's, in this process.
            by_thread: whether a thread of ours gives it back, and nobody waits for that.
        """
        held, place.machine_place = place.machine_place, None
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
        try:
            if lease is not None:
                lease.release()
        except Exception as error:
            advice = f"It falls by itself, within {self._keeper.lease_time:g} s"
            self._reporter.report("give back a place", "", error, advice)

    def _wake_first(self, name: str) -> None:
        with self._lock:
            queue = self._waiting.get(name)
            first = queue[0] if queue else None
        if first is not None:
            first()


class _Waiting:
    """In the block one waits, and is woken when a place is given back here."""

    def __init__(self, places: MachinePlaces, name: str, wake: Wake) -> None:
        self._places = places
        self._name = name
        self._wake = wake

    def __enter__(self) -> None:
        self._places.join(self._name, self._wake)

    def __exit__(self, *_: object) -> None:
        self._places.quit(self._name, self._wake)
