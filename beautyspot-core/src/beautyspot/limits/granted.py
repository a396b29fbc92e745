"""What `Standby` is made of: the limiter behind a circuit breaker, which is told of the pauses that
it missed; what grants where no rate is known; and what both have granted, as far as it counts.

When one of them takes over, it grants behind what the other one has granted: else those who wait in
the one, and those who ask the other, would have twice the rate together.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING, ClassVar, TypeVar

from beautyspot.concurrency.forks import reset_in_children
from beautyspot.contracts import LimiterBase, Reservation, pause_seconds
from beautyspot.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts.units import Pause
    from beautyspot.resilience.circuit_breaker import Breaker

T = TypeVar("T")


class Asked:
    """A limiter, as `Standby` asks it.

    Args:
        limiter: which; None for that of a key, which is made when it is first asked.
        breaker: says when it may be asked.
        clock: gives seconds.
        parent: the one whose limiter makes that of the key.
        key: of which key it is.

    Attributes:
        limiter: see above.
        breaker: see above.
        until: the end of the longest pause that was asked for here, by the clock.
    """

    def __init__(
        self,
        limiter: LimiterBase | None,
        breaker: Breaker,
        clock: Callable[[], float],
        parent: Asked | None = None,
        key: str = "",
    ) -> None:
        self.limiter = limiter
        self.breaker = breaker
        self.until = self._untold = 0.0
        self._clock = clock
        self._parent = parent
        self._key = key
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Another thread of the parent may have held a lock."""
        self._lock = threading.RLock()
        if self._parent is None:
            self.breaker.reset_after_fork()

    def of_key(self, key: str) -> Asked:
        """The same for the limiter of a key, which may be away just now."""
        return Asked(None, self.breaker, self._clock, self, key)

    def __call__(self, work: Callable[[LimiterBase], T]) -> T:
        """What the limiter answers.

        Raises:
            Exception: what it raises; `Resting` where it is not asked at the moment.
        """
        return self.breaker.guarding(partial(self._do, work))()

    def _do(self, work: Callable[[LimiterBase], T]) -> T:
        limiter = self._made()
        if self._parent is not None:
            self._parent._tell_pause()
        self._tell_pause()
        return work(limiter)

    def _made(self) -> LimiterBase:
        if self.limiter is None:
            assert self._parent is not None  # noqa: S101 - see `of_key`
            with self._lock:
                self.limiter = self.limiter or self._parent._made().for_key(self._key)
        return self.limiter

    # -------------------------------------------------------------------------------- pauses

    def pause(self, seconds: float) -> None:
        """Pause the limiter, now or once it answers again.

        Raises:
            Exception: as in a call.
        """
        until = self._clock() + seconds
        self.until = max(self.until, until)
        try:
            self(lambda limiter: limiter.pause(seconds))
        except NotSupportedError:
            raise
        except Exception:
            self._untold = max(self._untold, until)
            raise

    def pause_left(self) -> float:
        """Seconds until all pauses that were asked for here are over, with those of the parent."""
        until = max(self.until, self._parent.until if self._parent else 0.0)
        return max(0.0, until - self._clock())

    def _tell_pause(self) -> None:
        """Tell of a pause that the limiter missed, as far as it is not over."""
        until = self._untold
        if until:
            left = until - self._clock()
            if left > 0:
                with suppress(NotSupportedError):
                    self._made().pause(left)
            if self._untold == until:
                self._untold = 0.0


class NoRate(LimiterBase):
    """Grants every call, but none during a pause."""

    name: ClassVar[str] = "unlimited"

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = 0.0

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation | None:
        """Reserve after the pause."""
        return self.reserve_after(cost, 0.0, max_wait=max_wait)

    def reserve_after(
        self, cost: float, seconds: float, *, max_wait: float | None = None
    ) -> Reservation | None:
        """The same, `seconds` away or more."""
        wait = max(seconds, self.busy_for())
        return None if max_wait is not None and wait > max_wait else Reservation(wait, cost)

    def release(self, reservation: Reservation) -> None:
        """Do nothing: no other call waits for it."""

    def settle(self, reservation: Reservation, real_cost: float) -> None:
        """Do nothing: no cost is counted."""

    def remaining(self, reservation: Reservation) -> float:
        """What is left of the pause."""
        del reservation
        return self.busy_for()

    def pause(self, seconds: Pause) -> None:
        """Grant nothing for so long."""
        self._until = max(self._until, self._clock() + pause_seconds(seconds))

    def busy_for(self) -> float:
        """What is left of the pause."""
        return max(0.0, self._until - self._clock())

    def wait_for(self, cost: float = 1) -> float:
        """What is left of the pause."""
        del cost
        return self.busy_for()


class Placed(Reservation):
    """A reservation, and who granted it.

    Attributes:
        owner: what asked for it.
        by: the limiter.
        inner: its reservation.
        due: when it may be used, or was, by the owner's clock.
        is_fixed: whether it may go no sooner, whatever others give back.
    """

    __slots__ = ("by", "due", "inner", "is_fixed", "owner")

    def __init__(
        self,
        owner: LimiterBase,
        by: LimiterBase,
        inner: Reservation,
        now: float,
        is_fixed: bool,
    ) -> None:
        super().__init__(inner.delay, inner.cost)
        self.owner = owner
        self.by = by
        self.inner = inner
        self.due = now + inner.delay
        self.is_fixed = is_fixed


class Granted:
    """What one of them has granted: the calls that wait, and the one that began last.

    Args:
        length: gives the seconds that what a reservation holds takes at the whole rate.
    """

    def __init__(self, length: Callable[[Placed], float]) -> None:
        self._length = length
        self._waiting: dict[Placed, None] = {}
        self._last: Placed | None = None

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self._last is not None or bool(self._waiting)

    def add(self, placed: Placed) -> None:
        """Note a reservation."""
        if placed.delay > 0:
            self._waiting[placed] = None
        else:
            self._last = placed

    def begin(self, placed: Placed) -> None:
        """Note that its call begins."""
        if placed in self._waiting:
            del self._waiting[placed]
            self._last = placed

    def forget(self, placed: Placed) -> None:
        """Note that it is given back."""
        self._waiting.pop(placed, None)
        if self._last is placed:
            self._last = None

    def waits_until(self) -> float:
        """When the last of those who wait may go."""
        return max((each.due for each in list(self._waiting)), default=-inf)

    def ends(self, now: float) -> float:
        """When all that it has granted is over, at the whole rate."""
        last = self._last
        latest = max(
            [*self._waiting, *([last] if last else ())], key=lambda placed: placed.due, default=None
        )
        end = -inf if latest is None else latest.due + self._length(latest)
        if end <= now and self._last is last:
            self._last = None
        return end
