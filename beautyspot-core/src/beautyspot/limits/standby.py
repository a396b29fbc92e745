"""What keeps the rate while the limiter can't be asked: this process's share of it.

A limiter on a network may be away. Calls go on then, and not without a limit: this process grants
by itself, at the rates divided by `workers`, behind a circuit breaker, so that no call waits for a
time-out that another one has just met. Whoever takes over grants behind what the other one granted,
counted at its own rates: so no change-over doubles the rate. A process that was granted nothing for
as long as its share takes for one call begins one at once, though: there may be that many too many.

A pause is kept here too. It holds while the limiter is away, and the limiter is told what is left
of it when it is back.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.locks import Lock
from beautyspot.contracts import SOON, Grant, LimiterBase, Schedule
from beautyspot.contracts.schedule import FEW, length_of
from beautyspot.errors import BeautyspotError, CostError, NotSupportedError, RateLimitError
from beautyspot.resilience.circuit_breaker import FAR_SLOW, Breaker, Resting
from beautyspot.resilience.reporting import ASKING, LIMITER, PAUSING, SETTLING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from beautyspot.contracts.schedule import Rate
    from beautyspot.resilience.reporting import Reporter

_ANSWERS: Final = (CostError, RateLimitError, NotSupportedError)


class _Granted:
    """What one of both, the limiter and the share, has granted, as the other one counts it.

    Args:
        rates: the other one's.

    Attributes:
        until: when the last of that ends at these rates: the other one grants nothing before.
    """

    __slots__ = ("_last", "_others", "_rates", "until")

    def __init__(self, rates: Mapping[str, Rate]) -> None:
        self._rates = rates
        self._last: Grant | None = None
        self.until = self._others = 0.0  # of all, and of those that end before the last one

    def note(self, start: float, grant: Grant) -> None:
        """Something was granted."""
        until = start + length_of(grant.costs, self._rates)
        self._others = max(self._others, min(self.until, until))
        if until >= self.until:
            self.until, self._last = until, grant

    def correct(self, grant: Grant, real: Mapping[str, float]) -> None:
        """The real costs of something are known."""
        more = length_of({**grant.costs, **real}, self._rates) - length_of(grant.costs, self._rates)
        if grant is self._last or more > 0:
            self.until = max(self.until + more, self._others)


class _Known:
    """What is known here of the limits of one key.

    Attributes:
        share: what this process grants by itself.
        by_limiter, by_share: what each of both has granted.
        paused: until when nothing is granted.
        untold: the same, where the limiter has missed it; 0.0 where it has not.
    """

    __slots__ = ("by_limiter", "by_share", "paused", "share", "untold")

    def __init__(self, share: Schedule, limits: Mapping[str, Rate]) -> None:
        self.share = share
        self.by_limiter, self.by_share = _Granted(share.limits), _Granted(limits)
        self.paused = self.untold = 0.0


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
        self._lock = Lock()  # nothing is called within it
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
        paused = max(known.paused, self._of("").paused) - now
        if paused > 0:
            return [], paused
        held, by_limiter = known.by_share.until - now, True
        if held > SOON:  # the limiter would grant too early
            by_limiter, (found, rest) = False, self._take_share(known, asked)
        elif held > 0:
            return [], held
        else:
            try:
                found, rest = self.breaker.guarding(self.real.take)(asked, key)
                if self.is_away:
                    self.is_away = False
                    self._reporter.recovered(LIMITER, f"the limiter {self.name!r} answers again")
            except _ANSWERS:
                raise
            except Exception as error:
                self._report(ASKING, error)
                by_limiter, (found, rest) = False, self._take_share(known, asked)
        now = self._clock()
        with self._lock:
            for grant in found:
                (known.by_limiter if by_limiter else known.by_share).note(now + grant.delay, grant)
        return [Grant(each.delay, each.costs, key, (by_limiter, each)) for each in found], rest

    def _take_share(
        self, known: _Known, asked: Sequence[Mapping[str, float]]
    ) -> tuple[list[Grant], float]:
        with self._lock:
            known.share.until = known.by_limiter.until
            return known.share.take(asked, self._clock())

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
                known = self._known[key] = _Known(Schedule(self._rates, self._clock()), self.limits)
            return known

    def _forget_idle(self) -> None:
        now = self._clock()
        for key, known in list(self._known.items()):
            until = max(known.by_limiter.until, known.by_share.until, known.paused)
            if until <= now and known.share.is_idle(now):
                del self._known[key]
        self._most = max(FEW, 2 * len(self._known))

    def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
        """Correct it where it was granted; the estimate stays where the limiter fails.

        Raises:
            CostError, NotSupportedError: as the limiter's.
        """
        by_limiter, inner = grant.stamp
        known = self._of(grant.key)
        with self._lock:
            (known.by_limiter if by_limiter else known.by_share).correct(inner, real)
            if not by_limiter:
                known.share.give_back(inner, real, self._clock())
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
