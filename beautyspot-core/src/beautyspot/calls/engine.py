"""What the marked functions of one Spot share while they run."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol

from beautyspot.calls.steps import Outcome
from beautyspot.concurrency.single_flight import Flights
from beautyspot.concurrency.waiting import REMEDY
from beautyspot.errors import BeautyspotError, MetadataError, UnstableKeyError
from beautyspot.logs import logger
from beautyspot.results.last_use import LastUses

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable
    from concurrent.futures import Executor

    from beautyspot.resilience.reporting import Reporter
    from beautyspot.results.background import Saver
    from beautyspot.results.cache import Cache
    from beautyspot.serialization.payload import Payload
    from beautyspot.tasks.options import MarkOptions
    from beautyspot.tasks.task import Call, Task


class Owner(Protocol):
    """The Spot, as `pickling` needs it."""

    _engine: Engine

    def _task(self, function: Callable[..., Any], options: MarkOptions) -> Task:
        """Make the task of a marked function."""
        ...


THREADS: Final = 8
"""Threads of the executor that a Spot makes where the user gives none."""


class Stats:
    """What was counted since the Spot was made, in this process.

    `+= 1` on a plain attribute is one step for CPython with its global lock, so nothing is lost
    between threads; a lock would cost more than the rest of the counting.
    """

    __slots__ = ("bypassed", "hits", "misses", "seconds_saved")

    def __init__(self) -> None:
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """Another process counts from the start."""
        self.hits = 0
        self.misses = 0  # executions of marked functions
        self.bypassed = 0  # calls that ran uncached: no stable key, the Spot switched off, Trio
        self.seconds_saved = 0.0  # how long the executions took that the hits spared


class Engine:
    """The parts of a Spot that work while functions are called.

    Attributes:
        active: False while the Spot is disabled, and after `shutdown`: calls run uncached.
        closed: True after `shutdown`.
        owner: gives the Spot, which the engine does not keep.
        uses: when each result was last found.
        running: the turns that have not ended yet, in the order of their begin.
        closing: after `shutdown`, what the last of these has to do.
    """

    __slots__ = (
        *("__weakref__", "_executor", "_lock", "_workers", "active", "cache", "closed"),
        *("closing", "flights", "owner", "running"),
        *("given_executor", "reporter", "saver", "stats", "uses", "wait_timeout"),
    )

    def __init__(
        self,
        cache: Cache,
        reporter: Reporter,
        wait_timeout: float,
        given_executor: Executor | None,
        *,
        owner: weakref.ref[Owner],
        active: bool = True,
    ) -> None:
        self.cache = cache
        self.reporter = reporter
        self.wait_timeout = wait_timeout
        self.given_executor = given_executor
        self.active = active
        self.closed = False
        self.owner = owner
        self.running: dict[object, None] = {}
        self.closing: list[Callable[[], object]] = []
        self.saver: Saver | None = None
        self.flights = Flights()
        self.stats = Stats()
        self.uses = LastUses(cache.metadata.touch, lambda: cache.clock())
        self._executor: Executor | None = None
        self._workers: set[int] = set()
        self._lock = threading.Lock()

    @property
    def blocking(self) -> bool:
        """Whether a look-up may take longer than an event loop can wait."""
        return self.cache.metadata.blocking

    def check_open(self) -> None:
        """Refuse a question to a store that may be closed.

        Raises:
            MetadataError: the Spot was shut down.
        """
        if self.closed:
            raise MetadataError(f"the Spot {self.reporter.spot!r} was shut down: make a new one")

    # ----------------------------------------------------------------------------- executor

    def executor(self) -> Executor:
        """The user's executor, or one of our own that is made when it is first needed."""
        if self.given_executor is not None:
            return self.given_executor
        executor = self._executor
        if executor is None:
            made = self._made_executor()
            with self._lock:  # nothing is called here: see `beautyspot.concurrency.locks`
                executor = self._executor = self._executor or made
        return executor

    def _made_executor(self) -> Executor:
        from concurrent.futures import ThreadPoolExecutor

        workers = self._workers
        return ThreadPoolExecutor(THREADS, "beautyspot", lambda: workers.add(threading.get_ident()))

    def is_at_work(self) -> bool:
        """Whether the calling thread is one of our own executor's."""
        return threading.get_ident() in self._workers

    def stop_executor(self, *, wait: bool) -> None:
        """End the threads of our own executor; one that was given is the user's."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=wait)
            self._workers.clear()  # their numbers are given to other threads

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to write, nor a thread to wait for."""
        waits = self.cache.unsaved or (self.uses.writes and self.uses.seen)
        has_thread = self.saver is not None and self.saver.has_begun
        return not waits and not has_thread and self._executor is None

    def reset_after_fork(self) -> None:
        """Start afresh in a child: threads, flights and queued results stayed in the parent."""
        self._lock = threading.Lock()
        self._executor = None
        self._workers = set()
        self.running, self.closing = {}, []
        self.flights.reset_after_fork()
        self.uses.reset_after_fork()
        self.stats.reset_after_fork()
        self.reporter.reset_after_fork()
        self.cache.health.reset_after_fork()
        self.cache.unsaved.reset_after_fork()
        if self.saver is not None:
            self.saver.reset_after_fork()

    def has_run(self, turn: object) -> None:
        """Note the end of a turn; after `shutdown` the last one closes the store."""
        self.running.pop(turn, None)
        if self.closing and not self.running:
            self.close()

    def close(self) -> None:
        """Do what `closing` holds, unless another thread does."""
        try:
            work = self.closing.pop()
        except IndexError:
            return
        work()

    # -------------------------------------------------------------------- what the flow needs

    def hit(self, call: Call) -> None:
        """Count a hit."""
        self.stats.hits += 1
        self.stats.seconds_saved += call.saves
        self.uses.note(call.key)

    def restored(self, call: Call, payload: Payload) -> Outcome | None:
        """A follower's own copy of what its leader computed, or None where that fails."""
        try:
            value = call.task.form.restore(payload)
        except Exception as error:
            advice = "The function runs instead"
            self.reporter.report("restore", call.task.func_identifier, error, advice)
            return None
        self.hit(call)
        return Outcome(value)

    def keeps(self, task: Task, value: Any) -> bool:
        """Whether `cache_if` lets a value be stored."""
        cache_if = task.options.cache_if
        if cache_if is None:
            return True
        try:
            if cache_if(value):
                return True
            self.reporter.refused[task.func_identifier] += 1
            return False
        except Exception as error:
            advice = "The value is returned, and not cached: mend the function given as cache_if="
            self.reporter.report("ask cache_if", task.func_identifier, error, advice)
            return False

    def statistics(self) -> dict[str, float]:
        """What was counted, and what is stored."""
        stats = self.stats
        cache = self.cache
        totals = self._totals()
        return {
            "hits": stats.hits,
            "misses": stats.misses,
            "bypassed": stats.bypassed,
            "errors": sum(self.reporter.counts.values()),
            "seconds_saved": stats.seconds_saved,
            "entries": totals[0],
            "bytes": totals[1],
            "unsaved": len(cache.unsaved),
            "resting": sum(breaker.is_open for breaker in cache.health.breakers),
        }

    def _totals(self) -> tuple[float, float]:
        if self.closed:
            return math.nan, math.nan
        try:
            entries, size = self.cache.metadata.totals()
            return float(entries), float(size)
        except Exception as error:
            self.reporter.report("count what is stored", "", error, "It is given as NaN")
            return math.nan, math.nan

    # ------------------------------------------------------------------------------ warnings

    def report_no_key(self, call: Call, error: Exception) -> None:
        """Report why a call has no key and runs uncached, and what would mend it."""
        self.stats.bypassed += 1
        ours = isinstance(error, BeautyspotError)
        if isinstance(error, TypeError) and not ours and not call.task.fits(call):
            return  # the function itself tells its caller what is wrong with the arguments
        given = call.task.options.key
        own = not ours and given is not None and not isinstance(given, str)
        what = "the function given as key=" if own else "what makes the key"
        advice = f"The call runs uncached: mend {what}"
        if isinstance(error, UnstableKeyError):
            advice = f"The call runs uncached; {call.task.addressing.advice(call, error)}"
        self.reporter.report("make a key", call.task.func_identifier, error, advice)

    def say_inactive(self) -> None:
        """Count a call that runs uncached; after `shutdown`, warn once."""
        self.stats.bypassed += 1
        if self.closed:
            self.reporter.once(
                "closed",
                "was shut down: its functions run uncached from now on: make a new Spot to cache",
            )

    def say_elsewhere(self, call: Call) -> None:
        """Warn once that calls outside of asyncio run uncached."""
        if not self.active or not call.key:
            return  # it runs uncached for another reason
        self.stats.bypassed += 1
        self.reporter.once(
            "elsewhere",
            f"{call.task.func_identifier} is called outside of asyncio, as by Trio, and so runs "
            f"uncached, as all asynchronous functions there: {REMEDY}",
        )

    def say_moved(self, call: Call) -> None:
        """Warn once that a result is not stored, since it belongs to more than one key."""
        name = call.task.func_identifier
        self.reporter.once(
            f"moved {name}",
            f"an argument of {name} was changed while the call was under way, so its result is not "
            "stored: pass a copy",
        )

    def say_stale(self, call: Call, outcome: Outcome) -> None:
        """Warn that an expired result is returned in place of an error."""
        logger.warning(
            "%s: %s raised %r: its expired result is returned instead (stale_on_error=True)",
            self.reporter.spot,
            call.task.func_identifier,
            outcome.error,
        )
