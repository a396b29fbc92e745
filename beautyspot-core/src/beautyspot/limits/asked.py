"""A limiter behind a circuit breaker, which is told of the pauses that it missed."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from beautyspot.concurrency.forks import reset_in_children
from beautyspot.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import LimiterBase
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
