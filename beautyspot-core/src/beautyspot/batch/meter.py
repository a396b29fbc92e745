"""`Meter` counts what becomes of the inputs of a `spot.map`, and has it shown."""

from __future__ import annotations

import inspect
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot.batch import displays
from beautyspot.batch.progress import OFTEN, Progress
from beautyspot.concurrency import deferred
from beautyspot.concurrency.queueing import Queue
from beautyspot.errors import ConfigError
from beautyspot.logs import logger

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from beautyspot.batch.made import Made
    from beautyspot.batch.progress import Display

SAMPLES: Final = 30
"""The rates are those of so many seconds; where calls end less often, of so many ends."""


class Called:
    """A function of the user's as a display."""

    every = OFTEN

    def __init__(self, function: Callable[[Progress], object]) -> None:
        self._function = function

    def __call__(self, progress: Progress, *, last: bool) -> None:
        """Call it."""
        self._function(progress)


class _Sample(NamedTuple):
    """What was counted at some time; `busy` are the seconds in which calls were under way."""

    now: float
    done: int
    ended: int
    busy: float


class Meter:
    """Counts what becomes of the inputs of one map, from any thread, and has it shown.

    Args:
        function: the identifier of the function.
        total: how many inputs there are; None where that is not known.
        display: shows it. One that raises is left out from then on.
        clock: gives seconds.
    """

    __slots__ = (
        *(
            "__weakref__",
            "_busy",
            "_busy_since",
            "_clock",
            "_display",
            "_ended",
            "_failures",
            "_function",
        ),
        *("_hits", "_lock", "_moved", "_queue", "_refused", "_running", "_runs", "_samples"),
        *("_showing", "_started", "_timer", "_total", "_unstored"),
    )

    def __init__(
        self,
        function: str,
        total: int | None,
        display: Display,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._function, self._total, self._clock = function, total, clock
        self._display: Display | None = display
        self._hits = self._runs = self._failures = self._unstored = self._running = 0
        self._refused = 0
        self._busy, self._busy_since = 0.0, 0.0
        self._queue = Queue()
        self._lock = threading.Lock()  # nothing is called in it
        self._showing = threading.RLock()
        self._started = self._moved = clock()
        self._samples = deque([_Sample(self._started, 0, 0, 0.0)], SAMPLES)
        self._ended = threading.Event()
        self._timer: asyncio.TimerHandle | None = None

    # ------------------------------------------------------------------------------- counting

    def watch(self) -> None:
        """Count those of the calls made from here, and in copies of this context, that queue."""
        self._queue.watch()

    def hit(self, number: int = 1) -> None:
        """Count inputs that have a result without a call of their own."""
        now = self._clock()
        with self._lock:
            self._hits += number
            self._moved = now

    def began(self) -> None:
        """Count a call that is under way, until one of those below ends it."""
        now = self._clock()
        with self._lock:
            if not self._running:
                self._busy_since = now
            self._running += 1
            self._moved = now

    def ran(self, *, stored: bool = True) -> None:
        """Count a call that has run the function, and whether its result is stored."""
        now = self._clock()
        with self._lock:
            self._runs += 1
            self._unstored += not stored
            self._end_one(now)

    def found(self) -> None:
        """Count a call that has got the result of another one."""
        now = self._clock()
        with self._lock:
            self._hits += 1
            self._end_one(now)

    def made(self, made: Made) -> None:
        """Count a call under way by what it came to."""
        if made.is_hit:
            self.found()
        else:
            self.ran(stored=bool(made.is_stored))

    def failed(self, *, refused: bool = False) -> None:
        """Count a call that failed, or was `refused` by a limit before its function began."""
        now = self._clock()
        with self._lock:
            self._refused += refused
            self._failures += not refused
            self._end_one(now)

    def missed(self, *, refused: bool = False) -> None:
        """Count an input that failed, or was `refused`, without a call of its own."""
        now = self._clock()
        with self._lock:
            self._refused += refused
            self._failures += not refused
            self._moved = now

    def gave_up(self) -> None:
        """Count a call under way no more: it came to nothing."""
        now = self._clock()
        with self._lock:
            self._end_one(now)

    def _end_one(self, now: float) -> None:
        self._moved = now
        self._running -= 1
        if not self._running:
            self._busy += now - self._busy_since

    # ------------------------------------------------------------------------------- telling

    @property
    def has_ended(self) -> bool:
        """Whether the map has."""
        return self._ended.is_set()

    def progress(self) -> Progress:
        """What was counted by now."""
        now = self._clock()
        with self._lock:
            hits, runs, failures = self._hits, self._runs, self._failures
            refused = self._refused
            unstored, running = self._unstored, self._running
            busy = self._busy + (self._moved - self._busy_since if running else 0.0)
            quiet = max(0.0, now - self._moved)
        ended = runs + failures
        sample = _Sample(now, hits + ended + refused, ended, busy)
        waiting = min(running, max(0, self._queue.length))
        rate, left = self._rates(sample, running - waiting)
        if left and quiet > left:  # what holds the map up is slower than all that told the time
            left = None
        return Progress(
            *(self._function, sample.done, self._total, hits, runs, failures, unstored),
            *(running, waiting, now - self._started, quiet, rate, left, refused),
        )

    def _rates(self, now: _Sample, running: int) -> tuple[float, float | None]:
        """Inputs a second, and the seconds until all are done.

        The time in which no call is under way, since all inputs are hits, does not count for that,
        nor that since something last happened.
        """
        with self._showing:
            last, first = self._samples[-1], self._samples[0]
            if now.done > last.done and now.now - last.now >= 1.0:
                self._samples.append(now)
        took, ended, busy = now.now - first.now, now.ended - first.ended, now.busy - first.busy
        rate = (now.done - first.done) / took if took > 0 else 0.0
        if self._total is None:
            return rate, None
        each = 1 / rate if rate and not running else None
        return rate, _left(max(0, self._total - now.done), running, busy / ended if ended else each)

    def show(self) -> None:
        """Show it now."""
        self._show(last=False)

    def _show(self, *, last: bool) -> None:
        with self._showing:
            display = self._display
            if display is None or (not last and self._ended.is_set()):
                return
            try:
                display(self.progress(), last=last)
            except Exception as error:
                self._display = None
                logger.warning(
                    "what shows the progress of %s raised %s, and is left out from now on. The "
                    "map goes on. Mend it: progress= may not raise",
                    *(self._function, type(error).__name__),
                    exc_info=error,
                )

    # ------------------------------------------------------------------------- now and then

    def start(self) -> None:
        """Have a thread show it now and then, until the end."""
        try:
            deferred.begin(self._show_on, "progress")
        except RuntimeError:  # no thread can be started: it is shown at the end
            logger.debug("no thread shows the progress of %s", self._function)

    def _show_on(self) -> None:
        while (display := self._display) and not self._ended.wait(display.every):
            self.show()

    def start_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have an event loop show it now and then, until the end."""
        display = self._display
        if display is not None and not self._ended.is_set():
            self._timer = loop.call_later(display.every, self._show_in, loop)

    def _show_in(self, loop: asyncio.AbstractEventLoop) -> None:
        self.show()
        self.start_in(loop)

    def close(self) -> None:
        """Show it for the last time. A second call does nothing."""
        with self._showing:
            has_ended = self._ended.is_set()
            self._ended.set()
        if self._timer is not None:
            self._timer.cancel()
        if not has_ended:
            self._show(last=True)


def _left(number: int, running: int, each: float | None) -> float | None:
    """Seconds until so many inputs are done, of which some run: `each` takes so many, if known."""
    if not number:
        return 0.0
    return None if each is None or running >= number else number * each


def checked_progress(progress: object) -> None:
    """Refuse what is no `progress=`.

    Raises:
        ConfigError: says what it may be.
    """
    if progress is None or isinstance(progress, bool):
        return
    wrong = ""
    if isinstance(progress, type):
        wrong = f"the class {progress.__name__}"
    elif not callable(progress):
        wrong = f"{progress!r:.80} ({type(progress).__name__})"
    elif inspect.iscoroutinefunction(progress):
        wrong = f"the coroutine function {getattr(progress, '__qualname__', '')}, never awaited"
    if wrong:
        raise ConfigError(
            f"map(progress=) can't be {wrong}: give True for a line that shows it, a function that "
            "is called with a Progress now and then, or None"
        )


def meter_of(
    progress: bool | Callable[[Progress], object] | None, function: str, total: int | None
) -> Meter | None:
    """What counts for a map with this `progress=`; None where nobody wants to know.

    Args:
        progress: as `checked_progress` lets it pass.
        function: the identifier of the function.
        total: how many inputs there are; None where that is not known.
    """
    if progress is None or progress is False:
        return None
    if progress is not True:
        return Meter(function, total, Called(progress))
    return Meter(function, total, displays.display(function, total))
