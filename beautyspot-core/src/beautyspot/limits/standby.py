"""What keeps the rate while the limiter can't be asked: this process's share of it.

A limiter on a network may be away. Calls go on then, and not without a limit: this process grants
by itself, at the rates divided by `workers`, behind a circuit breaker, so that no call waits for a
time-out that another one has just met. Whoever takes over grants behind what the other one granted:
so no change-over doubles the rate.

A pause is kept here too. It holds while the limiter is away, and the limiter is told what is left
of it when it is back.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.concurrency.forks import reset_in_children
from beautyspot.contracts import SOON, Grant, LimiterBase, Schedule
from beautyspot.contracts.schedule import FEW, length_of
from beautyspot.errors import BeautyspotError, CostError, NotSupportedError, RateLimitError
from beautyspot.resilience.circuit_breaker import FAR_SLOW, Breaker, Resting
from beautyspot.resilience.reporting import ASKING, LIMITER, PAUSING, SETTLING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from beautyspot.resilience.reporting import Reporter

_ANSWERS: Final = (CostError, RateLimitError, NotSupportedError)


class _Known:
    """What is known here of the limits of one key.

    Attributes:
        share: what this process grants by itself.
        ends: when what was granted last ends, at the whole rates.
        by_limiter: whether the limiter granted that.
        paused: until when nothing is granted.
        untold: the same, where the limiter has missed it; 0.0 where it has not.
    """

    __slots__ = ("by_limiter", "ends", "paused", "share", "untold")

    def __init__(self, share: Schedule) -> None:
        self.share = share
        self.ends = self.paused = self.untold = 0.0
        self.by_limiter = True


class Standby(LimiterBase):
    """A limiter, and this process's share of its rates, which takes its place while it fails.

    Args:
        real: the limiter.
        reporter: is told of failures.
        clock: gives seconds.

    Attributes:
        real: see above.
        breaker: says when it is asked.
        is_away: whether it has failed, and has granted nothing since.
    """

    name: ClassVar[str] = "standby"

    def __init__(
        self, real: LimiterBase, reporter: Reporter, clock: Callable[[], float] = time.monotonic
    ) -> None:
        states = ["name", "blocking", "shared", "workers", "remote", "limits"]
        vars(self).update({name: getattr(real, name) for name in states})
        self.real = real
        self._reporter = reporter
        self._clock = clock
        self.is_away = False
        self.breaker = Breaker(f"the limiter {real.name!r}", clock=clock)
        if real.blocking:
            self.breaker.slow = FAR_SLOW
        part = real.workers
        self._rates = {
            name: rate._replace(per_second=rate.per_second / part, burst=rate.burst / part)
            for name, rate in real.limits.items()
        }
        self._known: dict[str, _Known] = {}
        self._most = FEW
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Another thread of the parent may have held a lock."""
        self._lock = threading.RLock()  # nothing is called within it
        self.breaker.reset_after_fork()

    def __repr__(self) -> str:
        return repr(self.real)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "real":
            raise AttributeError(name)  # not made yet
        return getattr(self.real, name)

    # ------------------------------------------------------------------------------- reports

    def _report(self, operation: str, error: Exception) -> None:
        if isinstance(error, Resting) and not self.is_away:  # it failed at another question
            error = BeautyspotError(str(error))
        self.is_away = True
        advice = (
            "Until it answers again, this process keeps the whole rate by itself; if several share "
            "it, say how many, as by workers=8"
            if self.workers <= 1
            else "Until it answers again, this process keeps its share by itself: "
            f"1/{self.workers:g} of the rate, since workers={self.workers:g} share it"
        )
        self._reporter.report(operation, "", error, advice)

    # --------------------------------------------------------------------------- the contract

    def take(
        self, asked: Sequence[Mapping[str, float]], key: str = ""
    ) -> tuple[list[Grant], float]:
        """Ask the limiter, or this process's share of it."""
        now, known = self._clock(), self._of(key)
        self._tell_pause(self._of(""), "")
        self._tell_pause(known, key)
        wait = self._held_back(known, now, by_limiter=True)
        if not known.by_limiter and wait > SOON:  # the limiter would grant too early
            found, rest = self._take_share(known, asked)
        elif wait > 0:
            return [], wait
        else:
            try:
                given, rest = self.breaker.guarding(self.real.take)(asked, key)
                if self.is_away:
                    self.is_away = False
                    self._reporter.recovered(LIMITER, f"the limiter {self.name!r} answers again")
                found = [(grant.delay, (True, grant)) for grant in given]
            except _ANSWERS:
                raise
            except Exception as error:
                self._report(ASKING, error)
                found, rest = self._take_share(known, asked)
        grants = [
            Grant(delay, costs, key, stamp)
            for (delay, stamp), costs in zip(found, asked, strict=False)
        ]
        now = self._clock()
        for grant in grants:
            self._note(
                known, grant.stamp[0], now + grant.delay + length_of(grant.costs, self.limits)
            )
        return grants, rest

    def _take_share(
        self, known: _Known, asked: Sequence[Mapping[str, float]]
    ) -> tuple[list[Any], float]:
        with self._lock:
            now = self._clock()
            known.share.until = now + self._held_back(known, now, by_limiter=False)
            delays, rest = known.share.take(asked, now)
        return [(delay, (False, None)) for delay in delays], rest

    def _tell_pause(self, known: _Known, key: str) -> None:
        """Tell the limiter of a pause that it has missed, as far as that is not over."""
        left = known.untold - self._clock()
        if left > 0 and self._tell(PAUSING, lambda: self.real.hold(left, key)):
            known.untold = 0.0

    def _of(self, key: str) -> _Known:
        """What is known of a key; that of those that are idle is forgotten."""
        with self._lock:
            known = self._known.get(key)
            if known is None:
                if len(self._known) >= self._most:
                    self._forget_idle()
                known = self._known[key] = _Known(Schedule(self._rates))
            return known

    def _forget_idle(self) -> None:
        now = self._clock()
        for key, known in list(self._known.items()):
            if max(known.ends, known.paused) <= now and known.share.is_idle(now):
                del self._known[key]
        self._most = max(FEW, 2 * len(self._known))

    def _held_back(self, known: _Known, now: float, *, by_limiter: bool) -> float:
        """Seconds for which nothing is granted: a pause, or what the other one has granted."""
        until = max(known.paused, self._of("").paused)
        if known.by_limiter is not by_limiter:
            until = max(until, known.ends)
        return max(0.0, until - now)

    def _note(self, known: _Known, by_limiter: bool, ends: float) -> None:
        with self._lock:
            if known.by_limiter is not by_limiter:
                known.by_limiter, known.ends = by_limiter, ends
            known.ends = max(known.ends, ends)

    def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
        """Correct it where it was granted; the estimate stays where the limiter fails.

        Raises:
            CostError, NotSupportedError: as the limiter's.
        """
        by_limiter, inner = grant.stamp
        known = self._of(grant.key)
        after = length_of({**grant.costs, **real}, self.limits)
        more = after - length_of(grant.costs, self.limits)
        with self._lock:
            if known.by_limiter is by_limiter:
                known.ends += more
            if not by_limiter:
                known.share.give_back(grant.costs, real, self._clock())
        if by_limiter:
            self._tell(SETTLING, lambda: self.real.give_back(inner, real))

    def hold(self, seconds: float, key: str = "") -> None:
        """Pause both; the limiter is told once it answers again.

        Raises:
            NotSupportedError: the limiter can't pause.
        """
        known = self._of(key)
        known.paused = known.untold = max(known.paused, self._clock() + seconds)
        self._tell_pause(known, key)

    def _tell(self, what: str, work: Callable[[], None]) -> bool:
        """Have the limiter do something; False where it failed, which is reported."""
        try:
            self.breaker.guarding(work)()
        except _ANSWERS:
            raise
        except Exception as error:
            self._report(what, error)
            return False
        return True
