"""Those who wait for a limiter in this process: a line for each key, in the order of coming.

Whoever comes joins the line, and asks the limiter for all that stand in it, unless somebody else
stands before him: then a thread of ours asks when the time has come, so that neither a blocked
event loop nor a slow caller stops the others. What is granted is taken at that moment, and may
begin at once or within a twentieth of a second, which its caller waits for by itself.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency.deferred import NeededThread
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.queueing import stopping
from beautyspot.concurrency.waiting import Alarm, Bell, running_loop
from beautyspot.contracts.limiter import SOON, Grant, LimiterBase, checked_timeout
from beautyspot.errors import RateLimitError
from beautyspot.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LONGEST: Final = 1.0
"""Seconds after which a limiter is asked again, at most: others may have given something back.

A caller whose time-out is shorter than a question takes waits so long for the answer.
"""

LONG: Final = 5.0
"""Seconds of waiting from which on the log says so."""

TOO_LONG: Final = 60.0
"""The same, as a warning, once: it may be a mistake."""

NO_WAIT: Final = 1e-4
"""Seconds of delay that rounding may leave of none, at most: what begins so soon is never late."""

IDLE: Final = 1.0
"""Seconds for which the thread waits for another line before it ends."""


class Waiter:
    """One who stands in a line.

    Attributes:
        costs: of the call.
        latest: when it has to begin, by `monotonic`.
        wake: called when there is news.
        grant: what it was granted.
        begins: when it may begin, by `monotonic`.
        error: why it was refused, or what the limiter raised.
        wait: seconds that it would have to wait, as far as is known; below 0 before the limiter has
            answered.
    """

    __slots__ = ("begins", "costs", "error", "grant", "latest", "wait", "wake")

    def __init__(self, costs: Mapping[str, float], latest: float) -> None:
        self.costs, self.latest = costs, latest
        self.wake: Callable[[], object] = bool
        self.grant: Grant | None = None
        self.begins, self.wait = 0.0, -inf
        self.error: Exception | None = None

    @property
    def has_news(self) -> bool:
        """Whether its wait is over."""
        return self.grant is not None or self.error is not None


class Line:
    """Those who wait for the limits of one key.

    Attributes:
        waiters: the first one first.
        due: when the limiter is to be asked again, by `monotonic`.
        turn: held while it is asked.
    """

    __slots__ = ("due", "key", "turn", "waiters")

    def __init__(self, key: str) -> None:
        self.key = key
        self.waiters: list[Waiter] = []
        self.due = -inf
        self.turn = threading.RLock()


class Lines:
    """The lines of one limiter.

    Args:
        limiter: is asked.
    """

    def __init__(self, limiter: LimiterBase) -> None:
        self._limiter = limiter
        self._told = False  # of a wait that is too long
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Who waits stayed in the parent, where another thread may have held a lock."""
        self._lines: dict[str, Line] = {}
        self._lock = threading.RLock()  # of the table and the lines; nothing is called within it
        self._bell = Bell()
        self._thread = NeededThread("limits", self._drive, self._lines.__len__)

    def __bool__(self) -> bool:
        """Whether anybody waits."""
        return bool(self._lines)

    # ------------------------------------------------------------------------------- waiting

    def consume(self, costs: Mapping[str, float], timeout: float | None, key: str) -> Grant:
        """Wait for a grant, in this thread; see `LimiterBase.consume`."""
        waiter = self._joined(costs, timeout)
        with self._standing(waiter, key):
            if not waiter.has_news or waiter.begins > monotonic():
                bell = waiter.wake = Bell()
                with stopping(bell) as stop:
                    for seconds in self._naps(waiter):
                        bell.wait(seconds)
                        if stop is not None:
                            stop.check()
            return _granted(waiter)

    async def consume_async(
        self, costs: Mapping[str, float], timeout: float | None, key: str
    ) -> Grant:
        """The same for a task."""
        waiter = self._joined(costs, timeout)
        with self._standing(waiter, key):
            if not waiter.has_news or waiter.begins > monotonic():
                alarm = waiter.wake = Alarm()
                for seconds in self._naps(waiter):
                    await alarm.wait(seconds)
            return _granted(waiter)

    def _joined(self, costs: Mapping[str, float], timeout: float | None) -> Waiter:
        most = checked_timeout(timeout)
        return Waiter(costs, inf if most is None else monotonic() + most)

    @contextmanager
    def _standing(self, waiter: Waiter, key: str) -> Iterator[None]:
        """In the block, one stands in the line of a key; whoever is given up leaves it."""
        try:
            with self._lock:
                line = self._lines.get(key)
                if line is None:
                    line = self._lines[key] = Line(key)
                line.waiters.append(waiter)
                is_first = line.waiters[0] is waiter
            waits = self._limiter.blocking and running_loop() is not None
            if is_first and not waits and line.turn.acquire(blocking=False):
                try:
                    self._ask(line)
                finally:
                    line.turn.release()
            elif is_first or waiter.latest < inf:
                line.due = -inf  # it is to be known whether that is in time
            self._drive_soon(line)
            yield
        except BaseException:
            self._leave(waiter, key)
            raise

    def _naps(self, waiter: Waiter) -> Iterator[float]:
        """The seconds to wait, again and again, until there is news and it may begin.

        Raises:
            RateLimitError: the time-out has passed.
        """
        began, told = monotonic(), False
        while not waiter.has_news:
            now = monotonic()
            left = waiter.latest - now + (LONGEST if waiter.wait < 0 else 0.0)
            if left <= 0:
                raise refusal(waiter)
            wait = waiter.wait + began - now
            if waiter.wait >= LONG and not told:
                told = True
                self._tell(wait)
            yield min(left, LONGEST if not told else LONG)
        while waiter.error is None and (left := waiter.begins - monotonic()) > 0:
            yield left

    def _tell(self, wait: float) -> None:
        text = f"waiting {wait:.0f} s for the limiter {self._limiter.name!r}"
        if wait > TOO_LONG and not self._told:
            self._told = True
            logger.warning(
                "%s, since what was granted before, or a pause, takes so long: if you did not mean "
                "that, look at what cost= and settle= give, or limit the wait by timeout=",
                text,
            )
        else:
            logger.info("%s", text)

    def _leave(self, waiter: Waiter, key: str) -> None:
        """Take one out of its line; give back what it was granted."""
        with self._lock:
            line = self._lines.get(key)
            if line is not None and waiter in line.waiters:
                line.waiters.remove(waiter)
                line.due = -inf
        if waiter.grant is not None:
            try:
                self.give_back(waiter.grant, dict.fromkeys(waiter.costs, 0.0))
            except Exception:  # the interruption must arrive: a task that loses that never ends
                logger.warning("a permit could not be given back", exc_info=True)

    def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
        """Correct what was granted; those who wait are asked for at once."""
        self._limiter.give_back(grant, real)
        line = self._lines.get(grant.key)
        if line is not None:
            line.due = -inf
            self._bell()

    # -------------------------------------------------------------------------------- asking

    def _ask(self, line: Line) -> None:
        """Ask for all that stand in a line, and tell them what came of it; within its turn."""
        with self._lock:
            asked = line.waiters.copy()
            line.due = inf
        if not asked:
            return
        error: Exception | None = None
        grants: Any = ()
        wait = 0.0
        try:
            grants, wait = self._limiter.take([waiter.costs for waiter in asked], line.key)
        except Exception as failure:
            error = failure
        now = monotonic()
        surplus: list[Grant] = []
        with self._lock:
            for waiter, grant in zip(asked, grants, strict=False):
                late = grant.delay > NO_WAIT and now + grant.delay > waiter.latest
                if late or waiter not in line.waiters:
                    surplus.append(grant)  # it is gone, or can't wait even so long
                    waiter.wait = grant.delay
                else:
                    waiter.begins, waiter.grant = now + grant.delay, grant
            for waiter in asked[len(grants) :]:
                waiter.wait = wait
                wait += max(
                    cost / self._limiter.limits[name].per_second
                    for name, cost in waiter.costs.items()
                )
                if error is not None:
                    waiter.error = error
            for waiter in asked:
                if not waiter.has_news and now + waiter.wait > waiter.latest:
                    waiter.error = refusal(waiter)
            told = [waiter for waiter in asked if waiter.has_news]
            line.waiters = [waiter for waiter in line.waiters if not waiter.has_news]
            if line.waiters:
                first = line.waiters[0]
                later = first.wait - SOON if first in asked else -inf
                line.due = min(line.due, now + min(later, LONGEST))
        for waiter in told:
            waiter.wake()
        for grant in surplus:
            with suppress(Exception):  # it is spent then
                self._limiter.give_back(grant, dict.fromkeys(grant.costs, 0.0))

    def _drive_soon(self, line: Line) -> None:
        """Have the thread see to a line, if anybody waits in it."""
        with self._lock:
            if not line.waiters:
                if self._lines.get(line.key) is line:
                    del self._lines[line.key]
                return
        self._thread.begin()
        self._bell()

    def _drive(self) -> None:
        """Ask for each line when it is due; the thread runs this."""
        while True:
            with self._lock:
                for line in [line for line in self._lines.values() if not line.waiters]:
                    del self._lines[line.key]
                lines = list(self._lines.values())
            now = monotonic()
            due = [line for line in lines if line.due <= now]
            for line in due:
                with line.turn:
                    self._ask(line)
            if not due:
                left = min((line.due for line in lines), default=inf) - now
                if not self._bell.wait(min(left, IDLE)) and not lines:
                    return


def refusal(waiter: Waiter) -> RateLimitError:
    """What one gets that can't begin in time."""
    wait = max(0.0, waiter.wait)
    takes = f" (it would take {wait:.3g} s now)" if wait else ""
    costs = ", ".join(f"{cost:g}" for cost in waiter.costs.values())
    return RateLimitError(
        f"no permit of cost {costs} within the time-out{takes}: wait longer (timeout= of "
        "spot.limiter or spot.limit), ask for less, or raise the limiter's rate",
        retry_after=wait or None,
    )


def _granted(waiter: Waiter) -> Grant:
    if waiter.error is not None:
        raise waiter.error
    assert waiter.grant is not None  # noqa: S101 - or it would wait
    return waiter.grant
