"""Those who wait for a limiter in this process: a line for each key, in the order of coming.

Whoever comes joins the line, and asks the limiter for those that stand in it, unless somebody else
stands before it: then a thread of ours asks when the time has come, so that neither a blocked
event loop nor a slow caller stops the others. What is granted is taken at that moment, and may
begin at once or within a twentieth of a second, which its caller waits for by itself.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot.concurrency import deferred
from beautyspot.concurrency.deferred import NeededThread
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.locks import Lock
from beautyspot.concurrency.queueing import stopping
from beautyspot.concurrency.waiting import Alarm, Bell, running_loop
from beautyspot.contracts.backend import wrong_answer
from beautyspot.contracts.checked import as_number
from beautyspot.contracts.schedule import SOON, Grant, length_of
from beautyspot.errors import ConfigError, PluginError, RateLimitError
from beautyspot.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Protocol

    from beautyspot.contracts.schedule import Rate

    class Limiter(Protocol):
        """What lines need of a limiter; see `LimiterBase`."""

        name: ClassVar[str]
        blocking: ClassVar[bool]
        limits: Mapping[str, Rate]

        def take(
            self, asked: Sequence[Mapping[str, float]], key: str = ""
        ) -> tuple[list[Grant], float]:
            """Grant what may begin soon."""
            ...

        def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
            """Correct what was granted."""


monotonic: Final = partial(time.monotonic)
"""A name of ours: freezegun would exchange it for a clock that stands still, and no wait ends."""

LONGEST: Final = 1.0
"""Seconds after which a limiter is asked again, at most: others may have given something back."""

MOST: Final = 256
"""Calls that are asked for at a time; what is expected of those behind follows from the last."""

LONG: Final = 5.0
"""Seconds of waiting from which on the log says so."""

TOO_LONG: Final = 60.0
"""The same, as a warning, once: it may be a mistake."""

MOMENT: Final = 0.001
"""Seconds that count as none: threads wake up no more exactly."""

THREADS: Final = 4
"""Threads that ask a limiter which may block, each for another key."""

IDLE: Final = 1.0
"""Seconds for which a thread waits for another line before it ends."""


class Waiter:
    """One who stands in a line.

    Attributes:
        costs: of the call.
        joined: when it came, by `monotonic`.
        latest: when it has to begin, likewise.
        expected: when it may begin, as far as is known; None before the limiter has answered.
        wake: called when there is news.
        grant: what it was granted.
        error: why it was refused, or what the limiter raised.
    """

    __slots__ = ("costs", "error", "expected", "grant", "joined", "latest", "wake")

    def __init__(self, costs: Mapping[str, float], timeout: float | None) -> None:
        self.costs, self.joined = costs, monotonic()
        self.latest = inf if timeout is None else self.joined + timeout
        self.expected: float | None = None
        self.wake: Callable[[], object] = bool
        self.grant: Grant | None = None
        self.error: Exception | None = None

    @property
    def is_gone(self) -> bool:
        """Whether its event loop was closed, while it waited."""
        return isinstance(self.wake, Alarm) and self.wake.is_dead

    @property
    def has_news(self) -> bool:
        """Whether its wait is over."""
        return self.grant is not None or self.error is not None

    def expect(self, delay: float) -> None:
        """Note in how many seconds it may begin; it is refused where that is too late."""
        self.expected = monotonic() + delay
        if delay > MOMENT and self.expected > self.latest:
            self.error = self.refusal()

    def refusal(self) -> RateLimitError:
        """What it gets if it can't begin in time."""
        wait = max(0.0, (self.expected or 0.0) - monotonic())
        takes = f" (it would take {wait:.3g} s now)" if wait else ""
        costs = ", ".join(f"{cost:g}" for cost in self.costs.values())
        return RateLimitError(
            f"no permit of cost {costs} within {self.latest - self.joined:g} s{takes}: wait longer "
            "(timeout= of spot.limiter or spot.limit), ask for less, or raise the limiter's rate",
            retry_after=wait or None,
        )


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
        self.turn = Lock()


class Lines:
    """The lines of one limiter.

    Args:
        limiter: is asked.
    """

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter
        self._told = False  # of a wait that is too long
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """Who waits stayed in the parent, where another thread may have held a lock."""
        self._lines: dict[str, Line] = {}
        self._lock = Lock()  # of the table and the lines; nothing is called within it
        self._bell = Bell()
        most = THREADS if self._limiter.blocking else 1
        self._threads = NeededThread("limits", self._drive, self._lines.__len__, most)

    def __len__(self) -> int:
        """How many wait."""
        return sum(len(line.waiters) for line in list(self._lines.values()))

    # ------------------------------------------------------------------------------- waiting

    def consume(self, costs: Mapping[str, float], timeout: float | None, key: str) -> Grant:
        """Wait for a grant, in this thread; see `LimiterBase.consume`."""
        waiter = Waiter(costs, checked_timeout(timeout))
        with self._standing(waiter, key) as waits:
            if waits:
                bell = waiter.wake = Bell()
                with stopping(bell) as stop:
                    for seconds in self._naps(waiter, key):
                        bell.wait(seconds)
                        if stop is not None:
                            stop.check()
            return _granted(waiter, waits)

    async def consume_async(
        self, costs: Mapping[str, float], timeout: float | None, key: str
    ) -> Grant:
        """The same for a task."""
        waiter = Waiter(costs, checked_timeout(timeout))
        with self._standing(waiter, key) as waits:
            if waits:
                alarm = waiter.wake = Alarm()
                for seconds in self._naps(waiter, key):
                    await alarm.wait(seconds)
            return _granted(waiter, waits)

    @contextmanager
    def _standing(self, waiter: Waiter, key: str) -> Iterator[bool]:
        """In the block, one stands in the line of a key; gives whether it has to wait.

        Whoever is given up leaves the line.
        """
        try:
            with self._lock:
                line = self._lines.get(key)
                if line is None:
                    line = self._lines[key] = Line(key)
                last = line.waiters[-1] if line.waiters else None
                if last is not None and last.expected is not None:
                    waiter.expect(last.expected + self._length(last) - monotonic())
                if waiter.error is None:
                    line.waiters.append(waiter)
            if last is None:
                self._ask_first(line)
            self._drive_soon(line)
            yield not waiter.has_news or (waiter.expected or 0.0) > monotonic()
        except BaseException:
            self._leave(waiter, key)
            raise

    def _ask_first(self, line: Line) -> None:
        """Ask in this thread, unless that would hold up an event loop, or another thread asks."""
        line.due = -inf
        try:  # an interrupt comes behind a call at the earliest: then it is released
            if not self._holds_up_a_loop and line.turn.acquire(blocking=False):
                self._ask(line)
        finally:
            try:  # noqa: SIM105 - a call more is a moment more
                line.turn.release()
            except RuntimeError:  # it is another thread's
                pass

    @property
    def _holds_up_a_loop(self) -> bool:
        """Whether to ask the limiter here would hold up an event loop."""
        return self._limiter.blocking and running_loop() is not None

    def _length(self, waiter: Waiter) -> float:
        """Seconds that its costs take."""
        return length_of(waiter.costs, self._limiter.limits)

    def _naps(self, waiter: Waiter, key: str) -> Iterator[float]:
        """The seconds to wait, again and again, until there is news and it may begin.

        Raises:
            RateLimitError: the time-out has passed.
        """
        told = False
        while not waiter.has_news:
            now = monotonic()
            left = inf if waiter.expected is None else waiter.latest - now
            if left <= 0:
                raise waiter.refusal()
            if not told and waiter.expected is not None and waiter.expected - now >= LONG:
                told = True
                self._tell(waiter.expected - now)
            yield min(left, LONG)
            line = self._lines.get(key)
            if line is not None:
                self._drive_soon(line)  # it may have been impossible to start a thread
        while waiter.error is None and (left := (waiter.expected or 0.0) - monotonic()) > 0:
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
        if waiter.grant is not None and self._holds_up_a_loop:
            deferred.later(partial(self._undo, waiter.grant))
        elif waiter.grant is not None:
            self._undo(waiter.grant)

    def _undo(self, grant: Grant) -> None:
        """Give back what nobody uses."""
        try:
            self.give_back(grant, dict.fromkeys(grant.costs, 0.0))
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
        """Ask for the first in a line, and tell them what came of it; within its turn."""
        with self._lock:
            for gone in [waiter for waiter in line.waiters[:MOST] if waiter.is_gone]:
                line.waiters.remove(gone)
            asked = line.waiters[:MOST]
            line.due = inf
        if not asked:
            return
        grants: Sequence[Grant] = ()
        wait, error = 0.0, None
        try:
            answer: Any = self._limiter.take([waiter.costs for waiter in asked], line.key)
            match answer:
                case [[*given], float() | int() as wait] if all(
                    isinstance(one, Grant) for one in given
                ):
                    grants = given
                case _:
                    what = "the grants and the wait of the next"
                    raise PluginError(
                        wrong_answer(self._limiter, "take", answer, what, "return both")
                    )
        except Exception as failure:
            error = failure
        surplus = self._deal(line, asked, grants, wait, error)
        for waiter in asked:
            if waiter.has_news:
                waiter.wake()
        for grant in surplus:
            self._undo(grant)

    def _deal(
        self,
        line: Line,
        asked: list[Waiter],
        grants: Sequence[Grant],
        wait: float,
        error: Exception | None,
    ) -> list[Grant]:
        """Note what the limiter answered; gives the grants that nobody can use."""
        now, surplus = monotonic(), list[Grant]()
        with self._lock:
            for waiter, grant in zip(asked, grants, strict=False):
                if waiter in line.waiters:
                    waiter.expect(grant.delay)
                if waiter in line.waiters and waiter.error is None:
                    waiter.grant = grant
                else:  # it is gone, or can't wait even so long
                    surplus.append(grant)
            for waiter in asked[len(grants) :]:
                waiter.error = error
                if error is None:
                    waiter.expect(wait)
                    wait += 0.0 if waiter.error else self._length(waiter)
            self._expect_last(line, now)
            line.waiters = [waiter for waiter in line.waiters if not waiter.has_news]
            if line.waiters:
                expected = line.waiters[0].expected
                lead = SOON if self._limiter.blocking else SOON / 2  # half: several by one look
                due = -inf if expected is None else expected - lead
                line.due = max(now + MOMENT, min(line.due, due, now + LONGEST))
        return surplus

    def _expect_last(self, line: Line, now: float) -> None:
        """Note of those who came last, and were not asked for, when they may begin."""
        at = len(line.waiters)
        while at > MOST and line.waiters[at - 1].expected is None:
            at -= 1
        for before, waiter in pairwise(line.waiters[at - 1 :] if at >= MOST else ()):
            waiter.expect((before.expected or now) + self._length(before) - now)

    def _drive_soon(self, line: Line) -> None:
        """Have the thread see to a line, if anybody waits in it."""
        with self._lock:
            if not line.waiters:
                if self._lines.get(line.key) is line:
                    del self._lines[line.key]
                return
        if len(self._threads.running) < len(self._lines):
            self._threads.begin()
        self._bell()

    def _drive(self) -> None:
        """Ask for each line when it is due; the threads run this."""
        while True:
            with self._lock:
                for empty in [each for each in self._lines.values() if not each.waiters]:
                    del self._lines[empty.key]
                lines = list(self._lines.values())
            asked = False
            for line in lines:  # of many keys each has its turn, and few looks are at all of them
                if line.due <= monotonic() and line.turn.acquire(blocking=False):
                    try:
                        self._ask(line)
                    finally:
                        line.turn.release()
                    asked = True
            if asked:
                continue
            left = min((line.due for line in lines), default=inf) - monotonic()
            if not self._bell.wait(min(max(left, MOMENT), IDLE)) and not lines:
                return


def _granted(waiter: Waiter, waits: bool) -> Grant:
    if waiter.error is not None:
        raise waiter.error
    assert waiter.grant is not None  # noqa: S101 - or it would wait
    return waiter.grant._replace(delay=monotonic() - waiter.joined if waits else 0.0)


def checked_timeout(timeout: object) -> float | None:
    """A time-out in seconds; None where there is none. What is over already (below 0) is 0.

    Raises:
        ConfigError: it is not a number, or NaN.
    """
    number = None if timeout is None else as_number(timeout)
    if timeout is not None and (number is None or math.isnan(number)):
        raise ConfigError(f"timeout={timeout!r:.80} is no number of seconds: give one, such as 2.5")
    return None if number is None or number == math.inf else max(0.0, number)
