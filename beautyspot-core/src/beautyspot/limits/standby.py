"""What keeps the rate while the limiter can't be asked: this process's share of it.

A limiter on a network may be away. Calls go on then, and never without a limit where one is known:
the limiter's `share` takes its place, behind a circuit breaker, so that no call waits for a
time-out that another one has just met. What was reserved before stays as it was planned: it may be
used when its time has come. The share grants behind that, and the limiter, once it is back, behind
what the share has granted.

A pause is kept here too. It holds while the limiter is away, and the limiter is told what is left
of it when it is back.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from beautyspot.concurrency.forks import reset_in_children
from beautyspot.contracts import LimiterBase, Reservation, pause_seconds
from beautyspot.contracts.backend import wrong_answer
from beautyspot.errors import (
    BeautyspotError,
    ConfigError,
    CostError,
    NotSupportedError,
    PluginError,
    RateLimitError,
)
from beautyspot.limits.granted import Asked, Granted, NoRate, Placed
from beautyspot.resilience.circuit_breaker import FAR_SLOW, Breaker, Resting
from beautyspot.resilience.reporting import ASKING, LIMITER, PAUSING, RETURNING, SETTLING

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts.units import Pause
    from beautyspot.resilience.reporting import Reporter

T = TypeVar("T")

_ANSWERS: Final = (CostError, RateLimitError, NotSupportedError)


class Standby(LimiterBase):
    """A limiter, whose share takes its place while it fails.

    Args:
        real: the limiter; of a key, the one that makes it.
        reporter: is told of failures.
        clock: gives seconds.
        parent: the one whose `for_key` made this.
        key: which key.

    Attributes:
        real: see above.
    """

    name: ClassVar[str] = "standby"

    def __init__(
        self,
        real: LimiterBase,
        reporter: Reporter,
        *,
        clock: Callable[[], float] = time.monotonic,
        parent: Standby | None = None,
        key: str = "",
    ) -> None:
        states = ["name", "blocking", "shared", "max_cost", "workers", "remote"]
        vars(self).update({name: getattr(real, name) for name in states})
        self.real = real
        self._reporter = reporter
        self._clock = clock
        self._parent = parent
        self._key = key
        self._is_told = False  # that the limiter fails
        self._ask: Asked = parent._ask.of_key(key) if parent else self._asked()
        self._share: LimiterBase | None = None
        self.reset_after_fork()
        reset_in_children(self)

    def _asked(self) -> Asked:
        what = f"the limiter {self.real.name!r}"
        breaker = Breaker(what, on_change=self._changed, clock=self._clock)
        if self.real.blocking:
            breaker.slow = FAR_SLOW
        return Asked(self.real, breaker, self._clock)

    def reset_after_fork(self) -> None:
        """The calls that wait stayed in the parent, where another thread may have held a lock."""
        self._lock = threading.RLock()
        self._granted = Granted(self._length)  # by the limiter
        self._shared_out = Granted(self._length)  # by the share

    @property
    def breaker(self) -> Breaker:
        """What says when the limiter is asked."""
        return self._ask.breaker

    def __repr__(self) -> str:
        return repr(self.real)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "real":
            raise AttributeError(name)  # not made yet
        return getattr(self.real, name)

    # ------------------------------------------------------------------------------- reports

    def _changed(self, opened: bool) -> None:
        if not opened:
            self._is_told = False
            self._reporter.recovered(LIMITER, f"the limiter {self.real.name!r} answers again")

    def _report(self, operation: str, error: Exception) -> None:
        whole = self._parent or self
        if isinstance(error, Resting) and not whole._is_told:  # it failed at a question for a place
            error = BeautyspotError(str(error))
        whole._is_told = True
        self._reporter.report(operation, "", error, self._advice())

    def _advice(self) -> str:
        if isinstance(self._substitute(), NoRate):
            return (
                "Calls go on unlimited until it answers again, but for its pauses: nothing else is "
                "known of it without a share()"
            )
        if self.workers <= 1:
            return (
                "Until it answers again, this process keeps the whole rate by itself; if several "
                "share it, say how many, as by workers=8"
            )
        return (
            f"Until it answers again, this process keeps its share by itself: 1/{self.workers:g} "
            f"of the rate, since workers={self.workers:g} share it"
        )

    # ------------------------------------------------------------------------------- the share

    def _substitute(self) -> LimiterBase:
        """What grants while the limiter fails; one that knows the rate is made once."""
        with self._lock:
            if self._share is not None:
                return self._share
            share = self._new_share()
            left = self._ask.pause_left()
            if left > 0:
                with suppress(NotSupportedError):
                    share.pause(left)
            if not isinstance(share, NoRate):
                self._share = share
            return share

    def _new_share(self) -> LimiterBase:
        share: object = None
        if self._parent is None:
            with suppress(Exception):  # it could not be made, and is out of reach
                share = self.real.share()
        else:
            share = self._parent._substitute()
            with suppress(Exception):  # then all keys have one share
                share = None if isinstance(share, NoRate) else share.for_key(self._key)
        return share if isinstance(share, LimiterBase) else NoRate(self._clock)

    # --------------------------------------------------------------------------- the contract

    def check_cost(self, cost: object) -> None:
        """See `LimiterBase.check_cost`."""
        self.real.check_cost(cost)

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation | None:
        """Reserve in the limiter, or in this process's share of it."""
        return self._reserve(None, cost, max_wait)

    def reserve_after(
        self, cost: float, seconds: float, *, max_wait: float | None = None
    ) -> Reservation | None:
        """`reserve`, at the earliest time that is `seconds` away or more."""
        return self._reserve(seconds, cost, max_wait)

    def _reserve(
        self, after: float | None, cost: float, max_wait: float | None
    ) -> Reservation | None:
        began = self._clock()
        try:
            return self._ask(partial(self._place_behind_share, after, cost, max_wait))
        except _ANSWERS:
            raise
        except Exception as error:
            self._report(ASKING, error)
            took = self._clock() - began
            most = None if max_wait is None else max(0.0, max_wait - took)
            behind = self._behind(after, began, self._granted)
            return self._place(behind, cost, most, self._substitute())

    def _place_behind_share(
        self, after: float | None, cost: float, max_wait: float | None, real: LimiterBase
    ) -> Placed | None:
        if self._shared_out:
            after = self._behind(after, self._clock(), self._shared_out)
        return self._place(after, cost, max_wait, real)

    def _behind(self, after: float | None, began: float, granted: Granted) -> float | None:
        """When one may grant: behind what the other one has granted; None is at once."""
        by = self._substitute() if granted is self._granted else self.real
        if type(by).reserve_after is LimiterBase.reserve_after:
            return after
        now = self._clock()
        rest = max(began + (after or 0.0), granted.ends(now)) - now
        return rest if rest > 0 else None

    def _length(self, placed: Placed) -> float:
        """Seconds that a cost takes at the whole rate; 0.0 where that is not known."""
        with suppress(Exception):
            fresh = self._substitute().for_key("")
            pause = fresh.busy_for()
            fresh.reserve(placed.cost)
            return (fresh.busy_for() - pause) / self.workers
        return 0.0

    def _place(
        self, after: float | None, cost: float, max_wait: float | None, by: LimiterBase
    ) -> Placed | None:
        if after is None:
            inner = by.reserve(cost, max_wait=max_wait)
        else:
            inner = by.reserve_after(cost, after, max_wait=max_wait)
        if inner is None:
            return None
        if not isinstance(inner, Reservation):
            advice = "return one, or None"
            raise PluginError(wrong_answer(by, "reserve", inner, "the Reservation", advice))
        placed = Placed(self, by, inner, self._clock(), after is not None)
        self._of(placed).add(placed)
        return placed

    def _of(self, placed: Placed) -> Granted:
        return self._granted if placed.by is self._ask.limiter else self._shared_out

    def remaining(self, reservation: Reservation) -> float:
        """Seconds that `reservation` must still wait.

        What the limiter granted before it failed may be used when it was due, after all pauses.
        """
        placed = self._own(reservation)
        left = max(0.0, self._left_of(placed))
        placed.due = self._clock() + left
        if not left:
            self._of(placed).begin(placed)
        return left

    def _left_of(self, placed: Placed) -> float:
        try:
            return self._where_granted(placed, lambda by: by.remaining(placed.inner))
        except Exception as error:
            self._report(ASKING, error)
            return max(placed.due - self._clock(), self._ask.pause_left())

    def wake_early(self, reservation: Reservation, wake: Callable[[], object]) -> bool:
        """See `LimiterBase.wake_early`; False where the limiter fails, or others come before it."""
        placed = self._own(reservation)
        if placed.is_fixed:
            return False
        try:
            return self._where_granted(placed, lambda by: by.wake_early(placed.inner, wake))
        except Exception as error:
            self._report(ASKING, error)
            return False

    def release(self, reservation: Reservation) -> None:
        """Give it back where it was granted; its time passes unused where the limiter fails."""
        placed = self._own(reservation)
        self._of(placed).forget(placed)
        self._correct(RETURNING, placed, lambda by: by.release(placed.inner))

    def settle(self, reservation: Reservation, real_cost: float) -> None:
        """Correct it where it was granted; the estimate stays where the limiter fails.

        Raises:
            CostError, NotSupportedError: as the limiter's.
        """
        placed = self._own(reservation)
        self._correct(SETTLING, placed, lambda by: by.settle(placed.inner, real_cost))

    def _where_granted(self, placed: Placed, work: Callable[[LimiterBase], T]) -> T:
        """Work with the limiter, behind its breaker, or with the share, which does not fail."""
        return self._ask(work) if placed.by is self._ask.limiter else work(placed.by)

    def _correct(self, what: str, placed: Placed, work: Callable[[LimiterBase], None]) -> None:
        try:
            self._where_granted(placed, work)
        except _ANSWERS:
            raise
        except Exception as error:
            self._report(what, error)

    def pause(self, seconds: Pause) -> None:
        """Pause both; the limiter is told once it answers again.

        Raises:
            ConfigError: see `LimiterBase.pause`.
            NotSupportedError: the limiter can't pause.
        """
        length = pause_seconds(seconds)
        if not length:
            return
        if self._share is not None:
            self._share.pause(length)
        try:
            self._ask.pause(length)
        except _ANSWERS:
            raise
        except Exception as error:
            self._report(PAUSING, error)

    def for_key(self, key: str) -> Standby:
        """The same for the limit of a key."""
        return Standby(self.real, self._reporter, clock=self._clock, parent=self, key=key)

    def busy_for(self) -> float:
        """Seconds until all that is reserved has passed, as far as that is known here.

        Raises:
            NotSupportedError: the limiter can't tell.
        """
        known = self._known_busy()
        try:
            return max(known, self._ask(lambda real: real.busy_for()))
        except _ANSWERS:
            raise
        except Exception:  # the next reservation meets it as well, and tells
            return known

    def _known_busy(self) -> float:
        known = self._granted.waits_until() - self._clock()
        share = 0.0 if self._share is None else self._share.busy_for()
        return max(known, self._ask.pause_left(), share)

    def _busy_here(self) -> float:
        return self._known_busy() if self.remote else self.busy_for()

    def wait_for(self, cost: float = 1) -> float:
        """Seconds that a reservation of `cost` would have to wait now."""
        now = self._clock()
        try:
            wait = self._ask(lambda real: real.wait_for(cost))
            return max(wait, self._behind(None, now, self._shared_out) or 0.0)
        except _ANSWERS:
            raise
        except Exception:  # as above
            wait = self._substitute().wait_for(cost)
            return max(wait, self._behind(None, now, self._granted) or 0.0)

    def close(self) -> None:
        """Close the limiter of a key; another one is closed by its maker."""
        if self._parent is not None and self._ask.limiter is not None:
            self._ask.limiter.close()

    # --------------------------------------------------------------------------- how it waits

    def _mark_used(self, reservation: Reservation) -> None:
        placed = self._own(reservation)
        self._of(placed).begin(placed)
        placed.by._mark_used(placed.inner)

    def _sleep(self, seconds: float) -> None:
        self.real._sleep(seconds)

    async def _sleep_async(self, seconds: float) -> None:
        await self.real._sleep_async(seconds)

    @property
    def _naps(self) -> bool:
        return self.real._naps

    def _doze(self, seconds: float, bell: Any) -> bool:
        return self.real._doze(seconds, bell)

    async def _doze_async(self, seconds: float, alarm: Any) -> bool:
        return await self.real._doze_async(seconds, alarm)

    def _own(self, reservation: Reservation) -> Placed:
        if not isinstance(reservation, Placed) or reservation.owner is not self:
            raise ConfigError(
                f"{reservation!r:.80} is not of this limiter: hand it to the one that granted it"
            )
        return reservation
