"""Runs a function of a list for those items of a call that have no result.

The items are taken in rounds. A round leads the flights of as many as one execution takes, and asks
the store for their leases by one question; what was stored meanwhile comes with the answer. It
calls the function with the rest, stores and shares what that returns, and ends the flights. What
other calls make is left for later: only when nothing is left to lead does the call wait, and then
it leads and leases nothing. So no call holds what another one needs while it waits for that.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from math import inf
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.leading import after_older, follow, lease, taken_over
from beautyspot.calls.reports import (
    has_changed,
    refuse_mixed,
    report_no_lease,
    warn_inactive,
)
from beautyspot.calls.runs import Run, release_all, save_all
from beautyspot.calls.steps import Block, Execute, Outcome
from beautyspot.concurrency import holders
from beautyspot.concurrency.single_flight import ABANDONED, forsake
from beautyspot.contracts import in_full
from beautyspot.keys.memo import FLAT
from beautyspot.results.validity import MISSING
from beautyspot.tasks.task import Call

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.contracts.store import Begun
    from beautyspot.tasks.items import Given
    from beautyspot.tasks.telling import Watch

    Watched = tuple[Watch, list["Item"]]

    Steps = Generator[Step, Any, Exception | None]
    """Ends with the error that the call is to raise."""

BATCH: Final = 1000
"""Items of one execution, where the mark does not say: what it returns is stored before the next.

So a process that is killed loses no more, and others that make the same items share the work.
"""


class Item:
    """One item of a call, or several equal ones.

    Attributes:
        call: its own.
        given: the item itself.
        places: where it is in the list.
        value: its result, or `MISSING`.
        flight: that of another call, which makes it.
        alone: whether it follows nobody.
        run: its part of the present execution.
    """

    __slots__ = ("alone", "call", "flight", "given", "places", "run", "value")

    run: Run

    def __init__(self, call: Call, given: Any) -> None:
        self.call = call
        self.given = given
        self.places: list[int] = []
        self.value: Any = MISSING
        self.flight: Flight | None = None
        self.alone = False


class ItemRuns:
    """The executions of one call.

    Args:
        engine: of the Spot.
        whole: the call.
        given: its arguments.
        stores: whether results are shared and stored.
    """

    def __init__(self, engine: Engine, whole: Call, given: Given, *, stores: bool) -> None:
        self._engine = engine
        self._task = whole.task
        self._given = given
        self._stores = stores
        most_leases = engine.cache.store.real.most_leases
        self._most = min(whole.task.options.batch or BATCH, most_leases)
        self._pending: deque[Item] = deque()  # to lead, or else to follow
        self._others: deque[Item] = deque()  # these wait for another call, or for a lease
        self._deadline = inf

    def run(self, missing: list[Item]) -> Steps:
        """Give all items their values."""
        holders.end_orphans()
        self._pending.extend(missing)
        try:
            while self._pending or self._others:
                if not self._engine.active:
                    self._end_caching()
                error = yield from (self._round() if self._pending else self._wait())
                if error is not None:
                    return error
        finally:
            for item in missing:
                self._forsake(item)
        return None

    def _shares(self, item: Item) -> bool:
        return self._stores and item.call.key != ""

    def _forsake(self, item: Item) -> None:
        if item.flight is not None:
            forsake(item.flight)
            item.flight = None

    def _end_caching(self) -> None:
        """Have all that is left run uncached, since the Spot is shut down, or switched off."""
        self._pending.extend(self._others)
        self._others.clear()
        for item in self._pending:
            if item.call.key:
                warn_inactive(self._engine, item.call)
                item.call.key = ""
            self._forsake(item)

    # --------------------------------------------------------------------------------- one round

    def _round(self, held: Item | None = None) -> Steps:
        """Make as many items as one execution takes, less those that others make or have made.

        The flight and the lease of the first one may be held.
        """
        batch = [] if held is None else [held]
        while self._pending and len(batch) < self._most:
            batch.append(self._pending.popleft())
        try:
            made = yield from self._claimed(batch, held)
            error = (yield from self._execute(made)) if made else None
            if self._engine.blocking:
                yield Block(partial(release_all, [item.run for item in made]))
            return error
        finally:
            for item in reversed(batch):
                if item.flight is None:
                    item.run.end()

    def _claimed(self, batch: list[Item], held: Item | None) -> Generator[Step, Any, list[Item]]:
        """Lead the flights of items, and lease their keys; those that this call is to make."""
        engine, new = self._engine, [item for item in batch if item is not held]
        for item in new:
            item.run = Run(engine, item.call, None)
        shared = [item for item in new if self._shares(item) and not item.alone]
        keys = [(item.call.key, item.call.refresh) for item in shared]
        led: list[Item] = []
        for item, (flight, leads) in zip(shared, engine.flights.enter_all(keys), strict=True):
            if leads:
                item.run.flight = flight
                led.append(item)
            elif flight is not None:  # else to wait for it might be a deadlock
                item.flight = flight
                self._others.append(item)
        leading = set(led)
        free = [item for item in batch if item.flight is None and item not in leading]
        engine.running |= {item.run: None for item in (*led, *free) if self._shares(item)}
        free += yield from self._leased(led)
        return sorted(free, key=lambda item: item.places[0])

    def _leased(self, led: list[Item]) -> Generator[Step, Any, list[Item]]:
        """Lease the keys of these items; those that this call is to make.

        The others have a value by then, or are made by another process.
        """
        for item in led:
            if item.call.refresh:
                item.call.rejected = inf
                yield from after_older(item.run, monotonic() + self._engine.wait_timeout)
        free: list[Item] = []
        asked = led
        while asked:
            before = {item: item.call.rejected for item in asked}
            begun: Begun | None = yield Block(partial(self._begin, asked))
            again: list[Item] = []
            for item in asked:
                if item.value is not MISSING:
                    self._engine.hit(item.call)
                elif begun is None or item.run.take(begun):
                    free.append(item)
                elif item.call.key not in begun.found:
                    self._others.append(item)
                else:
                    (again if item.call.rejected > before[item] else free).append(item)
            asked = again
        return free

    def _begin(self, items: list[Item]) -> Begun | None:
        """Ask for all leases, and give the items the values that are stored by now.

        None where the store fails: then the call goes on without.
        """
        cache, asked_at = self._engine.cache, monotonic()
        worst = {item.call.key: item.call.rejected for item in items}
        rejected = {key: each for key, each in worst.items() if each > -inf}
        try:
            begun = cache.begin([item.call.key for item in items], rejected)
        except Exception as error:
            report_no_lease(self._engine, items[0].call, error)
            return None
        for item in items:
            found = begun.found.get(item.call.key)
            if found is not None:
                entry = in_full(found)
                item.value = cache.taken(item.call, entry)
                if item.value is not MISSING:
                    item.run.asked = asked_at
                    item.run.share_found(entry)
        return begun

    # ------------------------------------------------------------------------- waiting for others

    def _wait(self) -> Steps:
        """Wait for one item that another call makes, or for its lease, and take all that is free.

        Each wait has its own deadline, since other calls may have many executions to make. Where
        one was over, the others are not waited for.
        """
        if monotonic() < self._deadline:
            self._deadline = monotonic() + self._engine.wait_timeout
        item: Item | None = self._others.popleft()
        while item is not None:
            if item.flight is None:
                return (yield from self._make_held(item))
            error = yield from self._follow(item, item.flight)
            if error is not None:
                return error
            item = next((each for each in self._others if each.flight and each.flight.done), None)
            if item is not None:
                self._others.remove(item)
        return None

    def _follow(self, item: Item, flight: Flight) -> Steps:
        """Give an item what another call of this process shares, or have it made by this one."""
        item.flight = None
        shared = yield from follow(self._engine, item.call, flight, self._deadline)
        outcome = None
        if shared is not ABANDONED:
            outcome = taken_over(self._engine, item.call, shared, flight)
            item.alone = outcome is None
        if outcome is None:
            self._pending.append(item)
            return None
        item.value = outcome.value
        return outcome.error

    def _make_held(self, item: Item) -> Steps:
        """Wait for the lease of an item that another process makes; make it once that is free.

        Then the others that wait for leases may be free as well, and are made with it.
        """
        engine, call = self._engine, item.call
        flight, leads = engine.flights.enter(call.key, anew=call.refresh)
        if not leads or flight is None:
            item.flight, item.alone = flight, flight is None
            (self._pending if item.alone else self._others).append(item)
            return None
        item.run = Run(engine, call, flight)
        try:
            item.value = yield from lease(item.run, self._deadline)
            if item.value is MISSING:
                self._pending.extend([each for each in self._others if each.flight is None])
                self._others = deque([each for each in self._others if each.flight is not None])
                return (yield from self._round(item))
            engine.hit(call)
            return None
        finally:
            item.run.end()

    # --------------------------------------------------------------------------------- execution

    def _execute(self, items: list[Item]) -> Steps:
        """Call the function with these items, and share and store what it returns."""
        engine, task = self._engine, self._task
        made, watched = self._begin_runs(items)
        handed = [item.given for item in items]
        batch = Call(task, *self._given.holding(handed))
        batch.why = items[0].call.why
        keyed = sum(item.call.key != "" for item in items)
        execution = Execute(batch, engine.observers, task.counted, keyed)
        try:
            outcome: Outcome = yield execution
        finally:  # also where it is interrupted
            took = execution.seconds
            if keyed:
                task.counted.seconds_spent += took
            engine.counting.look()
        outcome = self._taken_apart(outcome, len(items))
        if outcome.error is not None:
            task.counted.failures += keyed * execution.has_failed()
            for item in made:
                item.run.shared = outcome
            return outcome.error
        engine.price(batch, lambda: outcome.value)
        for item, value in zip(items, outcome.value, strict=True):
            item.value = value
            item.call.price = None if batch.price is None else batch.price / len(items)
        mixed = [*map(id, handed)] != [id(item.given) for item in items]
        kept = self._kept(made, watched, mixed=mixed)
        yield from self._save(kept, took / len(items))
        return None

    def _begin_runs(self, items: list[Item]) -> tuple[list[Item], list[Watched]]:
        """Tell of the misses, and note what has to be known before the function runs.

        Returns:
            The items whose results are to be stored; and what is watched while it runs, of which
            items: of all what they share, of each itself.
        """
        engine, addressing = self._engine, self._task.addressing
        made = [item for item in items if self._shares(item)]
        shared = addressing.watch(made[0].call, item=False) if made else None
        watched = [] if shared is None else [(shared, made)]
        engine.follow_level()
        observers = engine.observers
        for item in items if observers.told or observers.wraps else ():
            if item.call.key:  # else it was told of when that was seen
                engine.miss(item.call)
        for item in made:
            engine.running[item.run] = perf_counter()
            item.run.begin()
            own = None if type(item.given) in FLAT else addressing.watch(item.call, item=True)
            addressing.tell_arguments(item.call)
            if own is not None:
                watched.append((own, [item]))
        return made, watched

    def _kept(self, made: list[Item], watched: list[Watched], *, mixed: bool) -> list[Item]:
        """The items whose results are stored; callers that follow the others run themselves."""
        refused = made if mixed else []
        if refused:
            refuse_mixed(self._engine, *[item.call for item in refused])
        for watch, its_items in () if mixed else watched:
            if has_changed(self._engine, watch, *[item.call for item in its_items]):
                refused = [*refused, *its_items]
        for item in refused:
            item.run.shared = None
        return [item for item in made if item.run.shared is not None]

    def _taken_apart(self, outcome: Outcome, count: int) -> Outcome:
        """The results of so many items, or the error."""
        if outcome.error is not None:
            return outcome
        items = self._task.items
        assert items is not None  # noqa: S101 - only such functions are called here
        draw = self._task.form.draw
        try:
            results = items.results(outcome.value, count)
            return Outcome(results if draw is None else [*map(draw, results)])
        except Exception as error:
            return Outcome(error=error)

    def _save(self, made: list[Item], seconds: float) -> Generator[Step, Any, None]:
        """Store the results, which took so many seconds each, and share them."""
        engine = self._engine
        encoded: list[Run] = []
        judged = self._task.asks_terms or self._task.options.cache_if is not None
        for item in made:
            run = item.run
            run.took = seconds
            if run.flight is not None:
                run.flight.spared = seconds, item.call.price or 0.0
            if judged and not engine.keeps(item.call, item.value):
                run.share_unstored(item.value)
            elif run.keep(engine.cache.encode(item.call.task, item.value)):
                encoded.append(run)
        yield from save_all(engine, encoded)
