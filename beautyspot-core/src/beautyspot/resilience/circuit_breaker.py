"""A circuit breaker: a backend that hangs is left alone for a while.

After one failure that took longer than `slow` seconds, or `limit` failures in a row, no operation
of the backend is tried for a pause, which doubles from one second to a minute. Then one caller
probes; if it succeeds, all are let in again. This is the pattern Circuit Breaker of Michael
Nygard's "Release It!".

A backend has one breaker, so that an outage costs one time-out. What fails quickly is tried again
at each call: a store that is full refuses saves at once, and goes on to answer look-ups.
"""

from __future__ import annotations

import signal
import time
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from beautyspot.concurrency.locks import Lock
from beautyspot.errors import (
    BeautyspotError,
    BlobLocationError,
    BlobNotFound,
    CostError,
    MetadataBusyError,
    MetadataError,
    NotSupportedError,
    RateLimitError,
    StorageError,
)
from beautyspot.messages import masked

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

LIMIT: Final = 3
"""Failures in a row after which a limiter is left alone."""

SLOW: Final = 1.0
"""Seconds; one failure that took longer is enough."""

FAR_SLOW: Final = 0.2
"""The same of a server on a network, where a failure is quick or is a time-out."""

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds until the backend is tried again, after the first and after many failed probes."""

PROBE: Final = 30.0
"""Seconds for which a probe keeps other callers out; after that another one probes."""

_ANSWERS: Final = (BlobNotFound, BlobLocationError, RateLimitError, NotSupportedError, CostError)
"""Errors of a backend that works: they are answers."""


class Resting(BeautyspotError):  # noqa: N818 - reads as a sentence where caught
    """The operation is not tried, since the backend hung just before; that was reported then."""


class MetadataResting(Resting, MetadataError):  # noqa: N818 - as above
    """The metadata store is left alone for a while."""


class StorageResting(Resting, StorageError):  # noqa: N818 - as above
    """The blob storage is left alone for a while."""


def is_of_handler(error: Exception) -> bool:
    """Whether a handler of a signal raised it, such as that of an alarm: it is the user's then."""
    codes: set[object] = set()
    for handler in filter(callable, map(signal.getsignal, signal.valid_signals())):
        called: Any = getattr(handler, "func", handler)  # of a `partial`
        codes |= {getattr(each, "__code__", None) for each in (called, type(called).__call__)}
    return any(frame.f_code in codes for frame, _ in walk_tb(error.__traceback__))


class Breaker:
    """Guards one backend.

    Args:
        what: names it in messages: "the metadata store".
        resting: the error that callers get while the backend is left alone.
        slow: seconds; one failure that took longer is enough.
        limit: so many failures in a row are enough; None: only slow ones count.
        on_change: called with True when a pause begins, and with False when it is over.
        on_recovery: called with a family of operations once one of it succeeds that had failed.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        what: str,
        resting: type[Resting] = Resting,
        *,
        slow: float = SLOW,
        limit: int | None = LIMIT,
        on_change: Callable[[bool], object] = lambda opened: None,
        on_recovery: Callable[[str], object] = lambda family: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.what = what
        self._resting = resting
        self.slow, self._limit = slow, limit
        self._on_change, self._on_recovery = on_change, on_recovery
        self._clock = clock
        self._lock = Lock()  # nothing is called within it
        self._failures: dict[str, int] = {}  # in a row, by family
        self._last = ""
        self._pause = FIRST_PAUSE
        self._until: float | None = None  # None: closed, everybody may

    @property
    def is_open(self) -> bool:
        """Whether the backend is left alone."""
        return self._until is not None

    def rest_left(self) -> float:
        """Seconds until the next caller may try; 0.0 where one may now."""
        until = self._until
        return 0.0 if until is None else max(0.0, until - self._clock())

    def insist(self) -> None:
        """End the pause: the next caller probes."""
        with self._lock:
            if self._until is not None:
                self._until = self._clock()

    def reset_after_fork(self) -> None:
        """Another thread of the parent may have held the lock, or have been probing."""
        self._lock = Lock()
        self.insist()

    def guarding(self, operation: Callable[P, T], family: str = "") -> Callable[P, T]:
        """`operation` behind this breaker, as one of a family of operations."""

        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            began = self._clock() if self._until is None else self.enter()
            try:
                result = operation(*args, **kwargs)
            except Exception as error:
                self.leave(began, error, family)
                raise
            if self._failures:
                self.leave(began, None, family)
            return result

        return guarded

    def enter(self) -> float:
        """Begin an operation: the time now.

        Raises:
            Resting: the backend is left alone.
        """
        now = self._clock()
        if self._until is None:
            return now
        with self._lock:
            rest = 0.0 if self._until is None else self._until - now
            if self._until is not None and rest <= 0:  # this caller probes
                self._until = now + max(self._pause, PROBE)
        if rest > 0:
            raise self._resting(
                f"{self.what} failed ({self._last}), and is not asked for {rest:.0f} s: mend it; "
                "it is tried again by itself"
            )
        return now

    def leave(self, began: float, error: Exception | None = None, family: str = "") -> None:
        """End an operation that began at `began`, with an error if it failed."""
        took = self._clock() - began
        if error is None or isinstance(error, _ANSWERS):
            self._succeed(family)
        elif isinstance(error, Resting) or is_of_handler(error):
            self.insist()  # a breaker further down counts for itself; of a handler nothing is known
        elif isinstance(error, MetadataBusyError) and took <= self.slow:
            self.insist()  # nothing is known: it may be busy for another reason
        else:
            self._fail(error, took, family)

    def _succeed(self, family: str) -> None:
        with self._lock:
            had_failed = bool(self._failures.pop(family, 0))
            was_open, self._until = self._until is not None, None
            self._pause = max(FIRST_PAUSE, self._pause / 2) if was_open else self._pause
        if was_open:
            self._on_change(False)
        if had_failed:
            self._on_recovery(family)

    def _fail(self, error: Exception, took: float, family: str) -> None:
        last = masked(f"{type(error).__name__}: {error}")[:300]
        with self._lock:
            count = self._failures[family] = self._failures.get(family, 0) + 1
            opens = took > self.slow or self._until is not None
            opens = opens or (self._limit is not None and count >= self._limit)
            self._last = last
            if opens:
                self._until = self._clock() + self._pause
                self._pause = min(self._pause * 2, LONGEST_PAUSE)
        if opens:
            self._on_change(True)
