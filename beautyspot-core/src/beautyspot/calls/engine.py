"""What the marked functions of one Spot share while they run."""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, Protocol

from beautyspot.calls.noting import LastCalls
from beautyspot.concurrency.behind import Behind
from beautyspot.concurrency.single_flight import Flights, leading
from beautyspot.contracts.records import clean
from beautyspot.errors import MetadataError
from beautyspot.limits.concurrency_cap import held
from beautyspot.resilience.observers import NOBODY
from beautyspot.results.counting import Counting
from beautyspot.tasks.options import checked_price, terms_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.concurrency.waiting import SpotExecutor
    from beautyspot.contracts import Invalidation
    from beautyspot.observing import Place, Progress, Reason, Refusal
    from beautyspot.resilience.observers import Observers
    from beautyspot.resilience.reporting import Reporter
    from beautyspot.results.cache import Cache
    from beautyspot.results.pruning import SizeLimit
    from beautyspot.tasks.options import MarkOptions
    from beautyspot.tasks.task import Call, Task

    Waits = tuple[Call, Literal["run", "process"], float]


class Owner(Protocol):
    """The Spot, as `lifecycle` and `pickling` need it."""

    name: str

    @property
    def _engine(self) -> Engine: ...

    @property
    def _observers(self) -> Observers: ...

    def _task(self, function: Callable[..., Any], options: MarkOptions) -> Task:
        """Make the task of a marked function."""
        ...


class Metered(Protocol):
    """What counts for a map that is under way."""

    @property
    def has_ended(self) -> bool:
        """Whether the map has."""
        ...

    def progress(self) -> Progress:
        """How far it is."""
        ...


class Engine:
    """The parts of a Spot that work while functions are called.

    Attributes:
        active: False while the Spot is disabled, and after `shutdown`: calls run uncached.
        closed: True after `shutdown`.
        behind: what goes on behind its callers.
        blocking: whether a look-up may take longer than an event loop can wait.
        executor: gives the executor in which calls of event loops do what may block.
        observing: gives the observers, or None where the Spot that kept them is gone.
        owner: gives the Spot, which the engine does not keep.
        detours: not empty while no call may take the fast path, as in a block of `Spot.using`.
        last_calls: what the last call of each thread or task came to.
        look_ups: those of tasks where the store may block, by event loop.
        saves_behind: whether results are saved behind their callers.
        counting: what the calls came to, by function, and when each result was last found.
        running: the runs that have not ended yet, in the order of their begin, with when their
            function began, by `perf_counter`; None before that, and for what else keeps the store
            open.
        waiting: the calls that wait for another one, of this process ("run") or another
            ("process"), and since when.
        maps: what counts for maps with a `progress=`, by its `id`, in the order of their begin.
        closing: after `shutdown`, what the last of these has to do.
    """

    __slots__ = (
        *(
            "__weakref__",
            "active",
            "behind",
            "blocking",
            "cache",
            "closed",
            "closing",
            "counting",
            "executor",
        ),
        *(
            "detours",
            "flights",
            "last_calls",
            "look_ups",
            "maps",
            "observing",
            "owner",
            "reporter",
            "running",
            "saves_behind",
            "size_limit",
            "wait_timeout",
            "waiting",
        ),
    )

    def __init__(
        self,
        cache: Cache,
        reporter: Reporter,
        wait_timeout: float,
        executor: SpotExecutor,
        *,
        owner: weakref.ref[Owner],
        active: bool = True,
        price_unit: str = "",
    ) -> None:
        self.cache = cache
        self.blocking = cache.store.blocking
        self.detours = cache.store.detours
        self.reporter = reporter
        self.observing = reporter.observing
        self.wait_timeout = wait_timeout
        self.executor = executor
        self.active = active
        self.closed = False
        self.owner = owner
        self.running: dict[object, float | None] = {}
        self.waiting: dict[object, Waits] = {}
        self.maps: weakref.WeakValueDictionary[int, Metered] = weakref.WeakValueDictionary()
        self.closing: list[Callable[[], object]] = []
        self.saves_behind = False
        self.size_limit: SizeLimit | None = None
        self.look_ups: weakref.WeakKeyDictionary[object, Any] = weakref.WeakKeyDictionary()
        self.behind = Behind()
        self.flights = Flights(self.end_left)
        reasons = reporter.reasons
        self.counting = Counting(cache.store, lambda: cache.store.clock(), reasons, price_unit)
        cache.saver.count_first = self.counting.write_counts
        cache.on_invalidated = self.outdate
        self.last_calls = LastCalls(lambda: cache.store.clock())

    def check_open(self) -> None:
        """Refuse a question to a store that may be closed.

        Raises:
            MetadataError: the Spot was shut down.
        """
        if self.closed:
            raise MetadataError(f"the Spot {self.reporter.spot!r} was shut down: make a new one")

    def reset_after_fork(self) -> None:
        """Start afresh in a child: threads, flights and queued results stayed in the parent."""
        self.executor.reset_after_fork()
        self.running, self.waiting, self.closing = {}, {}, []
        self.maps.clear()
        self.behind.reset_after_fork()
        self.flights.reset_after_fork()
        self.counting.reset_after_fork()
        self.reporter.reset_after_fork()
        self.cache.reset_after_fork()
        self.look_ups = weakref.WeakKeyDictionary()
        if self.size_limit is not None:
            self.size_limit.reset_after_fork()

    def outdate(self, what: Invalidation) -> None:
        """Have no later caller get what a call that is under way, and is invalidated, gives."""
        for run in list(self.running):
            call = getattr(run, "call", None)
            if call is None or what.cache_key not in (None, call.key):
                continue
            task = call.task
            if (
                what.func_identifier in (None, clean(task.func_identifier))
                and what.version in (None, task.addressing.version)
                and (what.tag is None or what.tag in task.terms.tags or task.asks_terms)
            ):
                call.invalidated = True
                self.flights.outdate(call.key)

    def end_left(self, flight: Flight) -> bool:
        """End the run that leads a flight, where it was left; False where it is under way."""
        led = (run for run in list(self.running) if getattr(run, "flight", None) is flight)
        run: Any = next(led, None)
        if run is not None and not run.has_ended:
            return False
        if run is not None:
            run.end()
        return True

    def has_run(self, run: object) -> None:
        """Note the end of a run; after `shutdown` the last one closes the store."""
        self.running.pop(run, None)
        if self.closing and not self.running:
            self.close()

    @contextmanager
    def noting_wait(self, call: Call, cause: Literal["run", "process"]) -> Iterator[None]:
        """A context in which a call waits for another one, of which observers are told after it."""
        wait, began = object(), perf_counter()
        self.waiting[wait] = call, cause, began
        try:
            yield
        finally:
            self.waiting.pop(wait, None)
            name, waited = call.task.func_identifier, perf_counter() - began
            self.observers.tell("Waited", name, call.key, cause, waited)

    @contextmanager
    def staying_open(self) -> Iterator[None]:
        """A context in which the store stays open, though the Spot is shut down."""
        token = object()
        self.running[token] = None
        try:
            yield
        finally:
            self.has_run(token)

    def wait_behind(self, timeout: float | None = None) -> bool:
        """Wait for the calls in threads behind their callers; False where the time did not do.

        Not within an execution, or a block that holds a place: one of them may wait for that.
        """
        within = any(not flight.done for flight in leading()) or bool(held())
        return within or self.behind.wait(timeout)

    def close(self) -> None:
        """Do what `closing` holds, unless another thread does."""
        try:
            work = self.closing.pop()
        except IndexError:
            return
        work()

    # -------------------------------------------------------------------- what the flow needs

    @property
    def observers(self) -> Observers:
        """Those who observe the Spot."""
        return self.observing() or NOBODY

    def follow_level(self) -> None:
        """See whether the logger's level is DEBUG by now."""
        self.observers.follow_level()

    def hit(self, call: Call, place: Place = "store") -> None:
        """Count a hit, and tell of it."""
        call.is_hit = True
        found = call.found_as
        call.made_at = self.cache.store.clock() if found is None else found[0]
        counted = call.task.counted
        counted.hits += 1
        counted.seconds_saved += call.saves
        counted.money_saved += call.spares
        self.counting.use(call.key)
        observers = self.observers
        if observers.told:
            if place == "store" and call.key in self.cache.writer.pending:
                place = "memory"
            made_at, price, size = call.found_as or (None, call.spares or None, None)
            name, key, saved = call.task.func_identifier, call.key, call.saves
            observers.hit(name, key, saved, made_at, price, place, size)

    def miss(self, call: Call, reason: Reason | None = None) -> None:
        """Tell of a miss, after which the function runs, unless a limit refuses it."""
        call.why = "refreshed" if call.refresh and call.key else reason or call.why or "not stored"
        self.observers.miss(call.task.func_identifier, call.key, call.why)

    def bypass(self, call: Call, reason: Reason) -> None:
        """Count a call that runs uncached, and tell of it."""
        self.counting.bypassed += 1
        self.counting.look()
        self.miss(call, reason)

    def refuse(self, call: Call, by: Refusal) -> None:
        """Tell that a call may not run, or its result not be stored."""
        self.observers.tell("Refused", call.task.func_identifier, call.key, by)

    def price(self, call: Call, value: Callable[[], Any]) -> None:
        """Ask what an execution cost whose result `value` gives; a failure is no price."""
        price = call.task.options.price
        if price is None:
            return
        try:
            call.price = checked_price(price(value()))
            call.task.counted.money_spent += call.price
        except Exception as error:
            advice = "The call has no price, and its result is kept: mend the function"
            self.reporter.report("ask for the price", call.task.func_identifier, error, advice)

    def accept(self, call: Call, value: Any) -> bool:
        """Have the functions that the mark was given accept a value, or refuse it: then False.

        They also say for how long it is kept, and under which tags.
        """
        name, options = call.task.func_identifier, call.task.options
        asks, option = "ask cache_if", "cache_if="
        try:
            if options.cache_if is not None and not options.cache_if(value):
                self.reporter.keep_reason(name, "cache_if refused them")
                self.refuse(call, "cache_if")
                return False
            asks, option = "ask for the ttl and the tags", "ttl= or tags="
            if call.task.asks_terms:
                call.terms = terms_of(options, value, call.args, call.kwargs)
        except Exception as error:
            advice = f"The value is returned, and not cached: mend the function given as {option}"
            self.reporter.report(asks, name, error, advice)
            return False
        return True
