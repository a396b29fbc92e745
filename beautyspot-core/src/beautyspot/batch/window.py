"""`Map`: what both engines of `spot.map` share, from an input read to what is given for it.

An engine says how a call is begun (`submit`), and when it waits. All else happens here, in the
thread or task that asks for results.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.batch.inputs import shown
from beautyspot.batch.lookups import Item, Lookups
from beautyspot.batch.targets import Failed, Made, explain_inputs, explain_unsent
from beautyspot.calls.wrappers import perform
from beautyspot.concurrency.queueing import NotBegun, Start, watch
from beautyspot.errors import CostError, RateLimitError
from beautyspot.messages import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextvars import Context
    from types import FrameType

    from beautyspot.batch.inputs import Inputs, MapOptions
    from beautyspot.batch.meter import Meter
    from beautyspot.batch.targets import Target

AHEAD: Final = 256
"""Inputs that are read and not handed out, at most."""

TIMES: Final = 4
"""They are more where more calls run at once: so many times their number."""

LEAST: Final = 64
"""No page is read before there is room for so many inputs."""

LONGEST: Final = 200
"""Characters of an input that are shown."""

STATUS: Final = 128 + 15
"""The exit status of a process that SIGTERM ended, as shells show it."""

_GIVEN: Final = Made(None)
"""Stands for what an input's call came to, once that was handed out."""


class Map:
    """One `spot.map`, between its inputs and its results.

    Args:
        target: the function.
        options: checked.
        meter: counts.
        concurrency: so many calls run at once.
        most: so many are submitted at once.

    Attributes:
        calls: what was submitted and has not ended, each with its future or task.
        has_ended: whether nothing new may begin, since an input failed, or the map is closed.
        most_failures: so many inputs may fail; None is any number.
    """

    inputs: Inputs
    cancelled: type[BaseException]

    def __init__(
        self,
        target: Target,
        options: MapOptions,
        meter: Meter,
        concurrency: int,
        most: float,
    ) -> None:
        self.target, self.options, self.meter = target, options, meter
        meter.under_way = self.under_way
        self.lookups = Lookups(target)
        self.context = copy_context()
        self.calls: dict[Item, Any] = {}
        self.has_ended = False
        self.most_failures = 0 if options.errors == "raise" else options.max_errors
        self._most = most
        self._ahead = max(AHEAD, TIMES * concurrency)
        self._line: deque[Any] = deque()  # what is to be handed out, in that order
        self._waiting: deque[Item] = deque()  # calls that are yet to be submitted
        self._failures = 0
        self._fatal: Item | None = None

    def submit(self, item: Item) -> Any:
        """Begin an item's call; gives a future."""
        raise NotImplementedError

    def note(self, item: Item, future: Any) -> None:
        """Called with each of these futures that is done, in any thread: have it settled."""
        raise NotImplementedError

    def under_way(self) -> tuple[int, int]:
        """How many calls are, and how many of these wait until their function may begin."""
        begun = [item for item in list(self.calls) if item.began is not None]
        starts = [item.start for item in begun if item.start is not None]
        return len(begun), sum(not start.has_begun for start in starts)

    # ------------------------------------------------------------------------------ beginning

    @property
    def room(self) -> int:
        """How many inputs the next page may have; 0 where none is to be read yet."""
        if self.has_ended or self.inputs.has_ended:
            return 0
        room = self._ahead - len(self._line)
        if not self.options.ordered:  # else they are in the line
            room -= len(self._waiting) + len(self.calls)
        return min(room, self.lookups.size) if room >= LEAST else 0

    def take(self, page: list[Any]) -> None:
        """Take a page of results and items in, and begin the items."""
        items = [each for each in page if each.__class__ is Item]
        self.meter.hits += len(page) - len(items)
        if items and not self.options.ordered:
            page = [each for each in page if each.__class__ is not Item]
        self._line.extend(page)
        for item in items:
            if item.made is None:
                self._waiting.append(item)
            else:
                self.close(item, item.made)
        self.go_on()

    def go_on(self) -> None:
        """Submit as many calls as may be."""
        while self._waiting and not self.has_ended and len(self.calls) < self._most:
            item = self._waiting.popleft()
            item.start = Start() if self.target.is_limited else None
            try:
                future = self.calls[item] = self.submit(item)
            except Exception as error:  # the executor takes no calls any more
                self.calls.pop(item, None)
                self.fail(item, error, fatal=True)
                return
            future.add_done_callback(partial(self.note, item))

    def prepared(self, item: Item) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """The function that makes an item's call here, and its arguments.

        A call that was not found just now does not look again at once. It does look once other
        processes are kept out. In other modes nothing keeps them out.
        """
        target, engine = self.target, self.target.engine
        if not item.key or engine.detours or target.task.options.mode != "normal":
            return target.function, item.args
        call = target.call(item.args)
        call.looked = target.task.stale is None  # else what has expired may be given all the same
        return perform, (engine, call)

    def started(self, item: Item) -> Context:
        """A context for a call, which may be stopped as long as it waits for its permit."""
        own = self.context.copy()
        if item.start is not None:
            own.run(watch, item.start)
        return own

    # --------------------------------------------------------------------------------- ending

    def settle(self, item: Item, future: Any) -> None:
        """Note the end of a call, and begin what may begin now."""
        self.calls.pop(item, None)
        if item.made is not None:  # its time was over
            return
        error = self.cancelled() if future.cancelled() else future.exception()
        if error is None:
            self.close(item, future.result())
        elif not self.has_ended or not (future.cancelled() or isinstance(error, NotBegun)):
            self.fail(item, error)
        self.go_on()

    def fail(self, item: Item, error: Any, *, fatal: bool = False) -> None:
        """Note that a call raised; with `fatal` that ends the map, whatever was said of errors.

        So does an executor that has failed.
        """
        if self.options.executor is not None:
            fatal = fatal or isinstance(error, BrokenExecutor | CancelledError)
            explain_unsent(error)
        if type(error) is TypeError:
            explain_inputs(error, self.target, item.args)
        self.close(item, Made(None, error, is_hit=False), fatal=fatal)

    def close(self, item: Item, made: Made, *, fatal: bool = False) -> None:
        """Note what an item's call came to.

        An error that is stored is a result, and a failure only where all errors are raised.
        """
        meter, error = self.meter, made.error
        item.made = made
        if not self.options.ordered:
            self._line.append(item)
        if made.is_hit:
            meter.hits += 1
        elif error is None:
            meter.runs += 1
            meter.unstored += not made.is_stored
        elif (
            self.target.task.is_limited
            and isinstance(error, RateLimitError | CostError)
            and not (item.start is not None and item.start.has_begun)
        ):
            meter.refused += 1
        else:
            meter.failures += 1
        if error is None or (made.is_hit and self.options.errors != "raise"):
            return
        self._failures += 1
        too_many = self.most_failures is not None and self._failures > self.most_failures
        if fatal or too_many or not isinstance(error, Exception):
            item.fatal = True
            self._fatal = self._fatal or item
            self.stop()

    def stop(self) -> None:
        """Have nothing new begin, from any thread; what waits for its permit ends."""
        self.has_ended = True
        for item in list(self.calls):
            if item.start is not None:
                item.start.end()

    # ---------------------------------------------------------------------------- handing out

    @property
    def is_ready(self) -> bool:
        """Whether something can be handed out."""
        if not self._line:
            return False
        head = self._line[0]
        return head.__class__ is not Item or (head.made is not None and not head.fatal)

    def ready(self) -> Iterator[Any]:
        """What can be handed out: all until an item was handed out, so that others may be read."""
        line = self._line
        while line:
            head = line[0]
            if head.__class__ is not Item:
                line.popleft()
                yield head
                continue
            if head.made is None or head.fatal:  # whose error `raise_failure` raises
                return
            line.popleft()
            made, head.made = head.made, _GIVEN  # a traceback leads to the item: else a cycle
            if made.error is None:
                yield made.value
                return
            if self.options.errors == "return":
                yield Failed(shown(head.args), made.error, made.is_hit)
                return

    def raise_failure(self) -> None:
        """Raise what ended the map, if anything did: else what the inputs raised, if they did."""
        item, self._fatal = self._fatal, None
        if self._line and self._line[0].__class__ is Item and self._line[0].fatal:
            item = self._line[0]
        self._line.clear()
        made = Made(None, self.inputs.error)
        if item is not None and item.made is not None:
            made, item.made = item.made, _GIVEN
            self._add_note(item, made.error)
        if made.error is not None:
            try:
                raise made.error
            finally:
                del made  # its traceback holds this frame: else a cycle for the collector

    def _add_note(self, item: Item, error: Any) -> None:
        """Say in short, less secrets, for which input it was raised."""
        import reprlib

        short = reprlib.Repr()
        short.maxstring = short.maxother = LONGEST
        with suppress(Exception):  # the user's classes may have no text, or refuse a note
            note = str(masked(short.repr(shown(item.args))))[: 2 * LONGEST]
            if self.most_failures and self._failures > self.most_failures:
                note += f"; {self._failures} failed, more than max_errors={self.most_failures}"
            error.add_note(f"spot.map: the input was {note}")


def over(name: str, timeout: float, then: str) -> TimeoutError:
    """What a call has failed with whose time is over."""
    return TimeoutError(
        f"the call of {name} took longer than the timeout={timeout:g} s of spot.map{then}"
    )


# ---------------------------------------------------------------------------------- SIGTERM


@contextmanager
def ends_in_order() -> Iterator[None]:
    """In the block, SIGTERM raises `SystemExit` in the main thread, if nothing else is set.

    So a map ends in order, as at Ctrl-C. By default SIGTERM ends a process at once, and what its
    calls would have returned is lost.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    process = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        if os.getpid() == process:
            raise SystemExit(STATUS)
        signal.signal(number, signal.SIG_DFL)  # a child ends as it would without us
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is end:
            with suppress(ValueError):  # another thread has closed the map
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
