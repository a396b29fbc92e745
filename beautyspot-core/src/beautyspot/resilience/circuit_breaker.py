"""A circuit breaker: a backend that keeps failing is left alone for a while.

After `LIMIT` failures in a row, or one that took longer than `SLOW` seconds, an operation is not
tried for a pause, which doubles from one second to a minute. Then one caller probes; if it
succeeds, all callers are let in again. This is the pattern Circuit Breaker of Michael Nygard's
"Release It!".

One breaker guards one family of operations of one backend: a full disk stops saves, but no
look-ups. Those of one server are kin: where one of them met a failure that took long, such as a
time-out, all of them rest, so that no call waits for a time-out in each family.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

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
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
T = TypeVar("T")

LIMIT: Final = 3
"""Failures in a row after which the backend is left alone."""

SLOW: Final = 1.0
"""Seconds; one failure that took longer is enough."""

FAR_SLOW: Final = 0.2
"""The same of a server on a network, where a failure is quick or is a time-out."""

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds until the backend is tried again, after the first and after many failed probes."""

PROBE: Final = 30.0
"""Seconds for which a probe keeps other callers out; after that another one probes."""

_ANSWERS: Final = (BlobNotFound, BlobLocationError, RateLimitError)
"""Errors of a backend that works: they are answers."""

_UNASKED: Final = (NotSupportedError, CostError)
"""What is refused before the backend is asked: that it works is not known."""


class Resting(BeautyspotError):  # noqa: N818 - reads as a sentence where caught
    """The operation is not tried, since it failed just before; the cause was reported then.

    Attributes:
        is_news: whether another operation of the same server failed, and this one is not tried for
            the first time since.
    """

    is_news = False


class MetadataResting(Resting, MetadataError):  # noqa: N818 - as above
    """The metadata store is left alone for a while."""


class StorageResting(Resting, StorageError):  # noqa: N818 - as above
    """The blob storage is left alone for a while."""


class Breaker:
    """Guards one family of operations of one backend.

    Args:
        what: names them in messages: "the metadata store (look-ups)".
        resting: the error that callers get while the backend is left alone.
        on_change: called with True when a pause begins, and with False when an operation succeeds
            after any failure.
        clock: a monotonic clock, in seconds.

    Attributes:
        slow: seconds; one failure that took longer is enough.
        kin: the other breakers of the same server.
    """

    def __init__(
        self,
        what: str,
        resting: type[Resting] = Resting,
        *,
        on_change: Callable[[bool], object] = lambda opened: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._resting = resting
        self._on_change = on_change
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._why = self._last = ""
        self._pause = FIRST_PAUSE
        self._until: float | None = None  # None: closed, everybody may
        self._since = -math.inf  # the begin of the last pause
        self._insisted = self._is_news = self._is_probed = self._by_kin = False
        self.slow = SLOW
        self.kin: tuple[Breaker, ...] = ()

    @property
    def what(self) -> str:
        """What it guards, in words."""
        return self._what

    @property
    def is_open(self) -> bool:
        """Whether the backend is left alone."""
        return self._until is not None

    def is_resting(self) -> bool:
        """Whether a call would be refused at this moment."""
        return self._until is not None and self._clock() < self._until

    def rest_left(self) -> float:
        """Seconds until the next caller may try; 0.0 where one may now."""
        until = self._until
        return 0.0 if until is None else max(0.0, until - self._clock())

    def insist(self) -> None:
        """End the pause: the next caller probes. If it fails, the next pause is no longer."""
        now = self._clock()
        with self._lock:  # nothing is called here, nor below: see `beautyspot.concurrency.locks`
            if self._until is not None:
                self._until, self._insisted, self._is_probed = now, True, False

    def reset_after_fork(self) -> None:
        """Another thread of the parent may have held the lock, or have been probing."""
        self._lock = threading.Lock()
        self.insist()

    def __call__(self, work: Callable[[], T]) -> T:
        """Call `work`, unless the backend is left alone.

        Raises:
            Resting: it is.
        """
        return self.guarding(work)()

    def guarding(self, operation: Callable[P, T]) -> Callable[P, T]:
        """`operation` behind this breaker; one layer only, for operations that are called often."""
        clock = self._clock

        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            began = clock() if self._until is None else self.enter()
            try:
                result = operation(*args, **kwargs)
            except Exception as error:
                self.leave(began, error)
                raise
            if self._failures:
                self.leave(began)
            return result

        return guarded

    @contextmanager
    def watching(self) -> Iterator[None]:
        """The same for the block of a `with` statement, which may await."""
        began = self.enter()
        try:
            yield
        except Exception as error:
            self.leave(began, error)
            raise
        self.leave(began)

    def enter(self) -> float:
        """Begin an operation: the time now.

        Raises:
            Resting: the backend is left alone.
        """
        if self._until is not None:
            self._probe()
        return self._clock()

    def _probe(self) -> None:
        """Let one caller in once the pause is over, and keep the others out while it probes."""
        now, pause = self._clock(), max(self._pause, PROBE)
        with self._lock:
            if self._until is None:
                return
            rest = self._until - now
            if rest <= 0:
                self._until, self._is_probed = now + pause, True
        if rest <= 0:
            for each in self.kin:
                each._wait_for_probe(now + pause)
            return
        until = "while another call tries" if self._is_probed else f"for another {rest:.0f} s"
        error = self._resting(
            f"{self._what} {self._why} ({self._last}), and is not asked {until}: mend it; it is "
            "tried again by itself"
        )
        error.is_news, self._is_news = self._is_news, False
        raise error

    def leave(self, began: float, error: Exception | None = None) -> None:
        """End an operation that began at `began`, with an error if it failed."""
        took = self._clock() - began
        if error is None or isinstance(error, _ANSWERS):
            if self._failures:
                self._recover()
        elif isinstance(error, _UNASKED):
            self._give_up_probe()
        elif isinstance(error, Resting):  # of a breaker further down, which counts for itself
            if self._is_probed:
                self._give_up_probe()
        elif took > self.slow or not isinstance(error, MetadataBusyError):
            self._fail(error, began, took)
        else:
            self._give_up_probe()  # nothing is known: it may be busy for another reason

    def _give_up_probe(self) -> None:
        """Have another caller probe, if this one did."""
        self.insist()
        for each in self.kin:
            each._try_again(self._clock())

    def _recover(self) -> None:
        self._close()
        for each in self.kin:
            if each._by_kin:
                each._close()
            else:
                each.insist()

    def _close(self) -> None:
        pause = max(FIRST_PAUSE, self._pause / 2)
        with self._lock:
            self._failures, self._is_news, self._by_kin = 0, False, False
            self._until = None
            self._pause = pause
            self._insisted = False
        self._on_change(False)

    def _fail(self, error: Exception, began: float, took: float) -> None:
        last, now = masked(f"{type(error).__name__}: {error}")[:300], self._clock()
        pause, grows = self._pause, not self._insisted
        longer = min(pause * 2, LONGEST_PAUSE) if grows else pause
        with self._lock:
            self._failures += 1
            self._why, self._last = f"failed {self._failures} times", last
            if self._until is not None and began < self._since:
                return  # it began before the pause, as others did: that is one outage
            if self._failures < LIMIT and took <= self.slow and self._until is None:
                return
            self._since, self._until, self._is_probed = now, now + pause, False
            self._pause = longer
            self._insisted = self._by_kin = False
        self._on_change(True)
        for each in self.kin:
            if took > self.slow:
                each._rest_too(now, now + pause, last)
            else:
                each._try_again(now + pause)

    def _rest_too(self, now: float, until: float, last: str) -> None:
        """Rest as long as one of the kin that has failed."""
        with self._lock:
            self._by_kin = self._by_kin or not self._failures
            self._is_news = self._is_news or not self._failures
            self._failures = max(1, self._failures)
            self._why, self._last = "waits for the server, which failed", last
            self._since, self._until, self._is_probed = now, until, False
        self._on_change(True)

    def _wait_for_probe(self, until: float) -> None:
        """Rest, where this one is open too, while one of the kin probes."""
        with self._lock:
            if self._until is not None:
                self._until, self._is_probed = max(until, self._until), True

    def _try_again(self, when: float) -> None:
        """Rest until then, if this one waits for a probe of the kin, which has ended."""
        with self._lock:
            if self._until is not None and self._is_probed:
                self._until, self._is_probed = when, False


def have_one_server(*breakers: Breaker) -> None:
    """Let all of them rest where one met a time-out, so that each call waits for it once."""
    for breaker in breakers:
        breaker.slow = FAR_SLOW
        breaker.kin = tuple(each for each in breakers if each is not breaker)
