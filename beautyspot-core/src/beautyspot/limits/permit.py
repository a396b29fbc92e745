"""`Permit`: the permission for one call, from when it is asked for until the call is over.

The limiter's refusals (`CostError`, `RateLimitError`) reach the caller before the call begins. A
limiter that *fails* gives no reason to lose the caller's work: see `standby`. What else fails lets
the call through, with one warning.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from beautyspot.concurrency import deferred, holders, queueing, waiting
from beautyspot.contracts import pause_seconds
from beautyspot.errors import ConfigError, CostError, NotSupportedError, RateLimitError
from beautyspot.functions.names import is_ours
from beautyspot.limits.concurrency_cap import Place
from beautyspot.limits.limiting import BLOCK, Asked
from beautyspot.resilience.reporting import ASKING, PAUSING, PLACING, SETTLING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from beautyspot.concurrency.queueing import Start
    from beautyspot.contracts import Grant
    from beautyspot.contracts.checked import Pause
    from beautyspot.limits.concurrency_cap import Cap
    from beautyspot.limits.limiting import Limiting
    from beautyspot.limits.machine_places import MachinePlaces
    from beautyspot.limits.payer import Payer
    from beautyspot.observing import Refusal

Cost = float | Mapping[str, float]
"""What a call costs: a number, or for several limits a table of numbers."""


_NO_PLACE: Final = nullcontext()


class Permit:
    """The permission for one call: ``with spot.limit(cost=500) as permit``, or ``async with``.

    What is reserved stays spent if the call raises, unless it is settled: how much of it the
    server counted is not known.

    Attributes:
        cost: what was asked for.
        waited: seconds that the call waited for the permit.
        place: its place under the cap: what is called within its ``with`` is a part of the call.
    """

    __slots__ = (
        *("__weakref__", "_asynchronous", "_at_end", "_began", "_bucket", "_cap"),
        *(
            "_grant",
            "_in_line",
            "_is_settled",
            "_key",
            "_limiting",
            "_payer",
            "_queued",
            "_start",
            "_timeout",
        ),
        *("cost", "place", "waited"),
    )

    def __init__(
        self,
        limiting: Limiting,
        cost: Cost,
        timeout: float | None,
        *,
        key: str | None = None,
        cap: Cap | None = None,
        payer: Payer | None = None,
    ) -> None:
        self.cost = cost
        self.waited = 0.0
        self._limiting = limiting
        self._timeout = timeout
        self._key = key or ""
        self._cap = cap
        self._payer = payer
        self.place: AbstractContextManager[None] = _NO_PLACE
        self._began: float | None = None
        self._start: Start | None = None
        self._queued = False
        self._asynchronous = False
        self._bucket = limiting.bucket
        self._in_line = False  # of the limiter: the cap has admitted it
        self._grant: Grant | None = None
        self._is_settled = False
        self._at_end: list[Callable[[], None]] = []  # what the end of the call gives back

    # --------------------------------------------------------------------- before the call

    def __enter__(self) -> Self:
        self._ask_once()
        try:
            self._limiting.asking[self] = None
            if self._cap is not None:
                with self._failing_open():
                    place = self._place(self._cap)
                    self._queued = place.enter(self._timeout, self._tell)
                    places = self._machine_places(place)
                    if places is not None:
                        with self._failing_alone():
                            self._queued |= places.enter(place, self._left(), self._tell)
            with self._failing_open():
                if self._bucket is not None:
                    self._in_line = True
                    self._grant = self._bucket.consume(
                        self.cost, timeout=self._left(), key=self._key
                    )
            return self._granted()
        except BaseException:
            self.end()
            raise

    async def __aenter__(self) -> Self:
        self._asynchronous = True
        self._ask_once()
        holders.hold(self, self.end)
        try:
            self._limiting.asking[self] = None
            with self._cancelling():
                await self._ask_async()
            return self._granted()
        except BaseException:
            self.end()
            raise

    async def _ask_async(self) -> None:
        if self._cap is not None:
            with self._failing_open():
                place = self._place(self._cap)
                self._queued = await place.enter_async(self._timeout, self._tell)
                places = self._machine_places(place)
                if places is not None:
                    left = self._left()
                    with self._failing_alone():
                        self._queued |= await places.enter_async(place, left, self._tell)
        with self._failing_open():
            if self._bucket is not None:
                self._in_line = True
                self._grant = await self._bucket.consume_async(
                    self.cost, timeout=self._left(), key=self._key
                )

    def _place(self, cap: Cap) -> Place:
        self.place = place = Place(cap)
        self._at_end.append(place.leave)
        return place

    def _machine_places(self, place: Place) -> MachinePlaces | None:
        """The places of all machines, of which the end of the call gives one back."""
        places = self._limiting.machine_places if place.cap.name else None
        if places is not None and places.leases.ended:
            return None
        if places is not None:
            self._at_end.append(partial(places.leave, place, by_thread=self._asynchronous))
        return places

    def _tell(self, cap: Cap) -> None:
        """Say for what the call waits."""
        name = self._name or "a limited call"
        self._limiting.reporter.tell(
            f"cap {name}",
            f"{name} has waited {waiting.PATIENCE:.0f} s for one of {cap.size} places "
            f"(max_concurrent={cap.size}), and none became free. If those that hold them wait for "
            "this call, by a pool, a lock or a queue of yours, or by a result that both need, "
            "raise max_concurrent=, or make the inner calls in the same thread or task",
        )

    def _ask_once(self) -> None:
        if self._began is not None:
            raise ConfigError("a permit is for one call: ask for another by spot.limit()")
        self._began = time.monotonic()
        self._start = queueing.start()
        if self._start is not None:
            self._start.check()

    def _cancelling(self) -> AbstractContextManager[None]:
        """In the block, the task is cancelled where its call is stopped."""
        if self._start is None:
            return _NO_PLACE
        import asyncio  # is there: only a map stops calls, and it runs in it

        task: asyncio.Task[Any] | None = asyncio.current_task()
        return _NO_PLACE if task is None else self._start.waking(task.cancel)

    @contextmanager
    def _failing_alone(self) -> Iterator[None]:
        """Where the places of all processes can't be had, the cap of this one holds alone."""
        try:
            yield
        except RateLimitError:
            raise
        except Exception as error:
            advice = "Until it answers again, max_concurrent= holds for this process alone"
            self._limiting.reporter.report(PLACING, "", error, advice)

    @contextmanager
    def _failing_open(self) -> Iterator[None]:
        """Count refusals and hand them on; report any other error, and let the call through."""
        try:
            yield
        except (CostError, RateLimitError) as error:
            self._limiting.stats.refused()
            by: Refusal = "cost" if isinstance(error, CostError) else "rate"
            self._limiting.reporter.observers.tell("Refused", self._name, "", by)
            raise
        except Exception as error:
            advice = "The call goes on unlimited"
            self._limiting.reporter.report(ASKING, "", error, advice)

    def _elapsed(self) -> float:
        return time.monotonic() - (self._began or 0.0)

    def _left(self) -> float | None:
        """What waiting for the cap left of the time-out; all of it where there is no cap."""
        if self._timeout is None or self._cap is None:
            return self._timeout
        return max(0.0, self._timeout - self._elapsed())

    def _granted(self) -> Self:
        """Note that the function begins, unless the call was stopped while the limiter was asked.

        Not where that is a wrapper of ours: then another call may begin in it.
        """
        is_outer = self._payer is not None and is_ours(self._payer.function)
        if self._start is not None:
            (self._start.check if is_outer else self._start.begin)()
        self._limiting.asking.pop(self, None)
        if self._queued or (self._grant is not None and self._grant.delay > 0):
            self.waited = self._elapsed()
        self._limiting.stats.granted(self.waited)
        if self.waited > 0:
            observers = self._limiting.reporter.observers
            observers.tell("Waited", self._name, "", "limit", self.waited)
        if not is_outer:  # it begins here, once its observers were told
            queueing.begin()
        return self

    def _asked(self) -> Asked:
        """What it is for, while it is asked for."""
        began = time.monotonic() if self._began is None else self._began
        awaits_rate = self._cap is None or self._in_line
        return Asked(self._name or BLOCK, began, "rate" if awaits_rate else "max_concurrent")

    @property
    def _name(self) -> str:
        """Of the mark above the limit, or of the function; "" for a permit of no function."""
        return "" if self._payer is None else self._payer.name

    # --------------------------------------------------------------- while and after the call

    def settle(self, real_cost: Cost) -> None:
        """Say what the call really cost; later calls wait less, or more, accordingly.

        What was granted already stays granted. Only the first `settle` counts. With several limits
        `real_cost` is a table of the costs that it corrects.

        Raises:
            CostError: `real_cost` is not a cost; it may be 0.
            NotSupportedError: the limiter can't correct a cost.
        """
        if self._grant is None or self._bucket is None or self._is_settled:
            return  # nothing was taken: the limiter failed, or there is only a cap
        real = self._bucket.real_costs(self._grant, real_cost)
        self._is_settled = True
        correct = partial(self._bucket.lines.give_back, self._grant, real)
        self._correct(SETTLING, correct, CostError, NotSupportedError)

    def pause(self, seconds: Pause) -> None:
        """Let this call's limiter grant nothing for `seconds`, as for a server's ``Retry-After``.

        With a limit for each key it pauses that key; `Spot.bucket.pause` pauses all.

        Args:
            seconds: a number, a `timedelta`, a duration such as ``"10 minutes"``, or the header's
                own text, be it seconds or a date. What is over already pauses nothing, and neither
                does None, where a response has no such header.

        Raises:
            ConfigError: `seconds` is nothing of that, not finite, or longer than a year.
            NotSupportedError: the limiter can't pause.
        """
        length = pause_seconds(seconds)
        if length and self._bucket is not None:
            pause = partial(self._bucket.pause, length, key=self._key)
            self._correct(PAUSING, pause, ConfigError, NotSupportedError)

    def _correct(self, what: str, work: Callable[[], None], *mistakes: type[Exception]) -> None:
        """Have the limiter be told; by a thread where the event loop would be held up."""
        if self._asynchronous and self._bucket is not None and self._bucket.blocking:
            deferred.later(partial(self._reporting, what, work))
        else:
            self._reporting(what, work, *mistakes)

    def _reporting(self, what: str, work: Callable[[], None], *mistakes: type[Exception]) -> None:
        """Do it; report errors, except for the caller's `mistakes`, which are raised."""
        try:
            work()
        except mistakes:
            raise
        except Exception as error:
            advice = "The limit is kept by the estimate"
            self._limiting.reporter.report(what, "", error, advice)

    def __exit__(self, *_: object) -> None:
        self.end()

    async def __aexit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End the call, as the end of the ``with`` does. A second call does nothing."""
        holders.let_go(self)
        self._limiting.asking.pop(self, None)
        for give_back in reversed(self._at_end):
            give_back()
        self._at_end.clear()  # last: where Ctrl-C comes before, the next `end` does all of it
