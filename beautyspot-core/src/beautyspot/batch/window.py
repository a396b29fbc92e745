"""`Map`: what both engines of `spot.map` share, from an input read to what is given for it.

An engine says how a call is begun (`submit`), and when it waits. All else happens here, in the
thread or task that asks for results.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.batch.inputs import shown
from beautyspot.batch.lookups import Item, Lookups
from beautyspot.batch.records import Failed
from beautyspot.calls.wrappers import perform
from beautyspot.concurrency.queueing import NotBegun
from beautyspot.errors import CostError, RateLimitError
from beautyspot.messages import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextvars import Context
    from types import FrameType

    from beautyspot.batch.inputs import Inputs
    from beautyspot.batch.meter import Meter
    from beautyspot.batch.options import MapOptions
    from beautyspot.batch.targets import Made, Target

AHEAD: Final = 256
"""Inputs that are read and not handed out, at most, but for a page of hits."""

TIMES: Final = 4
"""They are more where more calls run at once: so many times their number."""

LEAST: Final = 64
"""No page is read before there is room for so many inputs."""

LONGEST: Final = 200
"""Characters of an input that are shown."""

STATUS: Final = 128 + 15
"""The exit status of a process that SIGTERM ended, as shells show it."""


class Map:
    """One `spot.map`, between its inputs and its results.

    Args:
        target: the function.
        options: checked.
        meter: counts.
        concurrency: so many calls run at once.
        most: so many are submitted at once; None is any number.

    Attributes:
        calls: what was submitted and has not ended, each with its future or task.
        has_ended: whether nothing new may begin, since an input failed, or the map is closed.
    """

    inputs: Inputs
    cancelled: type[BaseException]

    def __init__(
        self,
        target: Target,
        options: MapOptions,
        meter: Meter,
        concurrency: int,
        most: int | None,
    ) -> None:
        self.target, self.options, self.meter = target, options, meter
        self.lookups = Lookups(target)
        self.context = copy_context()
        self.calls: dict[Item, Any] = {}
        self.has_ended = False
        self._most = most
        self._ahead = max(AHEAD, TIMES * concurrency)
        self._line: deque[Any] = deque()  # what is to be handed out, in that order
        self._open = 0  # items that are not settled
        self._waiting: deque[Item] = deque()  # calls that are yet to be submitted
        self._failures = 0
        self._fatal: Item | None = None

    def submit(self, item: Item) -> Any:
        """Begin an item's call; gives a future."""
        raise NotImplementedError

    def note(self, item: Item, future: Any) -> None:
        """Called with each of these futures that is done, in any thread: have it settled."""
        raise NotImplementedError

    def running(self) -> int:
        """How many calls are under way."""
        return sum(item.began is not None for item in list(self.calls))

    # ------------------------------------------------------------------------------ beginning

    @property
    def room(self) -> int:
        """How many inputs the next page may have; 0 where none is to be read yet."""
        if self.has_ended or self.inputs.has_ended:
            return 0
        if not self._line and not self._open:
            return self.lookups.size
        room = self._ahead - len(self._line) - (0 if self.options.ordered else self._open)
        return min(room, self.lookups.size) if room >= LEAST else 0

    @staticmethod
    def unread(page: list[Any]) -> list[Item]:
        """The items of a page of which something is stored that takes longer to read."""
        return [each for each in page if each.__class__ is Item and each.call is not None]

    def take(self, page: list[Any]) -> None:
        """Take a page of results and items in, and begin the items."""
        items = [each for each in page if each.__class__ is Item]
        ordered = self.options.ordered or not items
        self._line.extend(page if ordered else [x for x in page if x.__class__ is not Item])
        self._open += len(items)
        self.meter.hits += len(page) - len(items)
        for item in items:
            if item.made is not None:
                self._take(item, item.made)
            else:
                self._waiting.append(item)
        self.go_on()

    def go_on(self) -> None:
        """Submit as many calls as may be."""
        while self._waiting and not self.has_ended:
            if self._most is not None and len(self.calls) >= self._most:
                return
            item = self._waiting.popleft()
            item.start = self.target.start()
            self.meter.calls += 1
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
            own.run(item.start.watch)
        return own

    # --------------------------------------------------------------------------------- ending

    def settle(self, item: Item, future: Any) -> None:
        """Note the end of a call, and begin what may begin now."""
        self.calls.pop(item, None)
        if item.settled:  # its time was over
            return
        error = None
        try:
            if item.made is None:
                error = future.exception()
        except self.cancelled as cancelled:
            error = cancelled
        if error is None:
            self._take(item, item.made or future.result())
        elif not self.has_ended or not (future.cancelled() or isinstance(error, NotBegun)):
            self.fail(item, error)
        if self._waiting:
            self.go_on()

    def is_fatal(self, error: BaseException) -> bool:
        """Whether a call's error ends the map, whatever the user said of errors."""
        return not isinstance(error, Exception)

    def _take(self, item: Item, made: Made) -> None:
        meter = self.meter
        meter.hits += made.is_hit
        meter.runs += not made.is_hit
        meter.unstored += not (made.is_hit or made.is_stored)
        if made.error is not None:
            self.fail(item, made.error, stored=True)
            return
        item.value = made.value
        self._close(item)

    def fail(
        self, item: Item, error: BaseException, *, fatal: bool = False, stored: bool = False
    ) -> None:
        """Note that an item failed.

        With `fatal` that ends the map, whatever the user said of errors. An error that is `stored`
        is a result, and counts as a failure only where all errors are raised.
        """
        refused = self.target.task.is_limited and isinstance(error, RateLimitError | CostError)
        refused = refused and not (stored or (item.start is not None and item.start.has_begun))
        self.meter.refused += refused
        self.meter.failures += not (stored or refused)
        item.error, item.stored = error, stored
        self._close(item)
        if stored and self.options.errors != "raise":
            return
        self._failures += 1
        most = self.options.most_failures
        if fatal or self.is_fatal(error) or (most is not None and self._failures > most):
            item.fatal = True
            self._fatal = self._fatal or item
            self.stop()

    def _close(self, item: Item) -> None:
        """Note that an item is done."""
        item.settled = True
        self._open -= 1
        if not self.options.ordered:
            self._line.append(item)

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
        return head.__class__ is not Item or (head.settled and not self._stops(head))

    def _stops(self, head: Item) -> bool:
        """Whether nothing behind this one is handed out, as it ended the map."""
        return self.options.ordered and head.fatal

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes: what is under way aside."""
        is_empty = not self._line and not self._open
        return self.has_ended or (self.inputs.has_ended and is_empty)

    def ready(self) -> Iterator[Any]:
        """What can be handed out: all until an item was handed out, so that others may be read."""
        line = self._line
        while line:
            head = line[0]
            if head.__class__ is not Item:
                line.popleft()
                yield head
                continue
            if not head.settled or self._stops(head):
                return
            line.popleft()
            if head.error is None:
                yield head.value
                return
            if head.fatal:  # `raise_failure` raises its error
                continue
            error, head.error = head.error, None  # its traceback leads to the item: else a cycle
            if self.options.errors == "return":
                assert isinstance(error, Exception)  # noqa: S101 - any other one is fatal
                yield Failed(shown(head.args), error, head.stored)
                return

    def raise_failure(self) -> None:
        """Raise what ended the map, if anything did: else what the inputs raised, if they did."""
        item, self._fatal = self._fatal, None
        if self._line and self._stops(self._line[0]):
            item = self._line[0]
        self._line.clear()
        error, failed = self.inputs.error, None
        if item is not None and item.error is not None:
            failed, item.error = item.error, None
            with suppress(Exception):  # a class of the user's may refuse a note
                failed.add_note(
                    f"spot.map: the input was {_input_shown(item.args)}{self._others()}"
                )
            error = failed
        try:
            if error is not None:
                raise error
        finally:
            error = failed = None  # its traceback holds this frame: else a cycle for the collector

    def _others(self) -> str:
        """How many failed, for the note: too many, or others too."""
        most, more = self.options.most_failures, self._failures - 1
        if most and self._failures > most:
            return f"; {self._failures} failed in all, more than max_errors={most}"
        return f"; {more} other{'s' * (more > 1)} failed too" if more > 0 else ""


def _input_shown(args: tuple[Any, ...]) -> str:
    """An input for people: short, and less secrets."""
    import reprlib

    short = reprlib.Repr()
    short.maxstring = short.maxother = LONGEST
    try:
        text = short.repr(shown(args))
    except Exception:  # a class of the user's may have none
        text = f"a {type(shown(args)).__qualname__}"
    text = str(masked(text))
    return text if len(text) <= 2 * LONGEST else f"{text[: 2 * LONGEST]}…"


# ---------------------------------------------------------------------------------- SIGTERM


@contextmanager
def ends_in_order() -> Iterator[None]:
    """In the block, SIGTERM raises `SystemExit` in the main thread, if nothing else is set.

    So a map ends in order, as at Ctrl-C. By default SIGTERM ends a process at once, and what its
    calls would have returned is lost.
    """
    of_main = threading.current_thread() is threading.main_thread()
    if not of_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    process = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        if os.getpid() == process:
            raise SystemExit(STATUS)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    try:
        with suppress(ValueError, OSError):  # in a subinterpreter, say
            signal.signal(signal.SIGTERM, end)
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is end:
            with suppress(ValueError, OSError):  # another thread has closed the map
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
