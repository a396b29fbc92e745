"""Runs a function of a list for those items of a call that have no result.

The items are taken in rounds. A round leads the flights of as many as one execution takes, and asks
the store for their leases by one question; what was stored meanwhile comes with the answer. It
calls the function with the rest, stores and shares what that returns, and ends the flights. What
other calls make is left for later: only when nothing is left to lead does the call wait for one of
these, and then it leads and leases no other. So no call holds what another one needs while it waits
for that. What has not come by that wait is in the next rounds.
"""

from __future__ import annotations

from functools import partial
from math import inf
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.leading import follow, lease, taken_over
from beautyspot.calls.reports import has_changed, refuse_mixed, report_no_lease
from beautyspot.calls.runs import Run, release_all, save
from beautyspot.calls.steps import Block, Execute, Outcome
from beautyspot.concurrency import holders
from beautyspot.concurrency.single_flight import forsake
from beautyspot.contracts import in_full
from beautyspot.results.validity import MISSING
from beautyspot.tasks.task import Call

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.tasks.items import Given

    Steps = Generator[Step, Any, Exception | None]
    """Ends with the error that the call is to raise."""

BATCH: Final = 1000
"""Items of one execution, where the mark does not say: what it returns is stored before the next.

So a process that is killed loses no more, and others that make the same items share the work.
"""


class Item(Run):
    """One item of a call, or several equal ones, and what is held while they are made.

    Attributes:
        given: the item itself.
        places: where it is in the list.
        value: its result, or `MISSING`.
        follows: the flight of another call, which makes it.
    """

    __slots__ = ("follows", "given", "places", "value")

    def __init__(self, engine: Engine, call: Call, given: Any) -> None:
        super().__init__(engine, call, None)
        self.given = given
        self.places: list[int] = []
        self.value: Any = MISSING
        self.follows: Flight | None = None


class ItemRuns:
    """The executions of one call.

    Args:
        engine: of the Spot.
        whole: the call.
        given: its arguments.
    """

    def __init__(self, engine: Engine, whole: Call, given: Given) -> None:
        self._engine = engine
        self._task = whole.task
        self._given = given
        self._stores = whole.may_store
        self._of_task = whole.task.kind != "function"
        self._is_patient = True  # until one wait was in vain: then no other is

    def run(self, missing: list[Item]) -> Steps:
        """Give all items their values, also where the Spot is shut down meanwhile."""
        holders.end_orphans()
        most_leases = self._engine.cache.store.real.most_leases
        most = min(self._task.options.batch or BATCH, most_leases)
        left, waiting = missing, list[Item]()
        try:
            with self._engine.staying_open():
                while left or waiting:
                    batch, left = left[:most], left[most:]
                    error = yield from (self._round(batch) if batch else self._wait(waiting))
                    if error is not None:
                        return error
                    waiting = [each for each in (*waiting, *batch) if each.value is MISSING]
                    if not batch:
                        left = [each for each in waiting if each.follows is None]
                        waiting = [each for each in waiting if each.follows is not None]
        finally:
            for item in missing:
                if item.follows is not None:
                    forsake(item.follows)
        return None

    # --------------------------------------------------------------------------------- one round

    def _round(self, batch: list[Item]) -> Steps:
        """Make these items, less those that others make or have made."""
        engine, led = self._engine, list[Item]()
        for item in batch:
            item.flight, item.has_ended = None, False  # of an earlier round
        shared = [each for each in batch if each.call.key and self._stores and self._is_patient]
        keys = [(each.call.key, each.call.refresh) for each in shared]
        try:
            entered = engine.flights.enter_all(keys, of_task=self._of_task)
            for item, (flight, leads) in zip(shared, entered, strict=True):
                if leads and flight is not None:
                    item.flight, item.lease = flight, flight.lease
                    led.append(item)
                else:
                    item.follows = flight  # None where to wait for it might be a deadlock
            mine = [each for each in batch if each.follows is None]
            engine.running |= dict.fromkeys(mine)  # until they end, the store is open
            for item in led:
                if item.call.refresh:
                    item.call.rejected = inf
            held = (yield Block(partial(self._begin, led))) if led else ()
            made = [each for each in mine if each.value is MISSING and each not in held]
            error = (yield from self._execute(made)) if made else None
            # What waits to be written has its lease until it is.
            unstored = [each for each in made if each.lease.held and each.pending is None]
            if unstored:
                yield Block(partial(release_all, unstored))
            return error
        finally:
            for item in reversed(batch):
                item.has_ended = True  # as in `flow`
                item.end()

    def _begin(self, led: list[Item]) -> set[Item]:
        """Lease the keys of items, which may get a value by that; those that are not to be made.

        These are leased by others, or a row has come meanwhile that does not do. Where the store
        fails the call goes on without leases.
        """
        engine, asked, held = self._engine, monotonic(), set[Item]()
        worst = {each.call.key: each.call.rejected for each in led}
        rejected = {key: made_at for key, made_at in worst.items() if made_at > -inf}
        try:
            begun = engine.cache.leases.begin([each.lease for each in led], rejected)
        except Exception as error:
            report_no_lease(engine, led[0].call, error)
            return held
        for item in led:
            call, found = item.call, begun.found.get(item.call.key)
            if found is not None:
                entry, item.asked = in_full(found), asked
                item.value = engine.cache.taken(call, entry)
                if item.value is not MISSING:
                    item.share_found(entry)
                    engine.hit(call)
                    continue
            # A store that gives a row again in spite of that is not asked a third time.
            if not item.take(begun) and (found is None or call.rejected > worst[call.key]):
                held.add(item)
        return held

    # ------------------------------------------------------------------------- waiting for others

    def _wait(self, waiting: list[Item]) -> Steps:
        """Wait for the first of these items, which another call makes, and take what else is done.

        Each wait has its own deadline, since other calls may have many executions to make.
        """
        engine, first, deadline = self._engine, waiting[0], monotonic() + self._engine.wait_timeout
        if first.follows is None:
            yield from self._wait_for_lease(first, deadline)
            return None
        for item in waiting:
            flight = item.follows
            if flight is None or not (item is first or flight.done or not self._is_patient):
                continue
            item.follows = None
            until = deadline if self._is_patient else -inf
            shared = yield from follow(engine, item.call, flight, until)
            self._is_patient &= flight.done
            outcome = taken_over(engine, item.call, shared, flight)
            if outcome is not None:
                if outcome.error is not None:
                    return outcome.error
                item.value = outcome.value
        return None

    def _wait_for_lease(self, item: Item, deadline: float) -> Generator[Step, Any, None]:
        """Wait until another process has made an item, or given up."""
        engine, call = self._engine, item.call
        of_task = self._of_task
        flight, leads = engine.flights.enter(call.key, anew=call.refresh, of_task=of_task)
        if flight is None or not leads:
            item.follows = flight
            return
        item.flight, item.lease, item.has_ended = flight, flight.lease, False
        try:
            item.value = yield from lease(item, deadline)
            self._is_patient &= item.lease.held or item.value is not MISSING
            if item.lease.held:  # it is leased again with all that are free by now
                yield Block(item.release)
        finally:
            item.end()
        if item.value is not MISSING:
            engine.hit(call)

    # --------------------------------------------------------------------------------- execution

    def _execute(self, items: list[Item]) -> Steps:  # noqa: C901 - a run in its order
        """Call the function with these items, and share and store what it returns."""
        engine, task, addressing = self._engine, self._task, self._task.addressing
        keyed = [item for item in items if item.call.key]
        made = keyed if self._stores else []
        # What is watched while it runs, of which items: of all what they share, of each itself.
        watched = [(addressing.begin(made[0].call, item=False), made)] if made else []
        for item in keyed:  # of others it was told when that was seen
            engine.miss(item.call)
        for item in made:
            engine.running[item] = perf_counter()
            item.begin()
            watched.append((addressing.begin(item.call, item=True), [item]))
        handed = [item.given for item in items]
        batch = Call(task, *self._given.holding(handed))
        batch.why = items[0].call.why
        execution = Execute(batch, engine.observers, task.counted, len(keyed))
        try:
            outcome: Outcome = yield execution
        finally:  # also where it is interrupted
            if keyed:
                task.counted.seconds_spent += execution.seconds
            engine.counting.look()
        if outcome.error is None:
            outcome = self._taken_apart(outcome.value, len(items))
        if outcome.error is not None:
            task.counted.failures += len(keyed) * execution.has_begun
            for item in made:
                item.shared = outcome
            return outcome.error
        values = outcome.value
        engine.price(batch, lambda: values)
        price = None if batch.price is None else batch.price / len(items)
        for item, value in zip(items, values, strict=True):
            item.value, item.took = value, execution.seconds / len(items)
            item.call.price = price
        mixed = [*map(id, handed)] != [id(item.given) for item in items]
        for watch, its_items in watched[:1] if mixed else watched:
            calls = [item.call for item in its_items]
            if mixed:
                refuse_mixed(engine, *calls)
            if mixed or has_changed(engine, watch, *calls):
                for item in its_items:
                    item.shared = None  # callers that follow it run themselves
        kept = [item for item in made if item.shared is not None]
        yield from save(engine, *[item for item in kept if item.prepare(Outcome(item.value))])
        return None

    def _taken_apart(self, returned: Any, count: int) -> Outcome:
        """The results of so many items, or the error."""
        items, draw = self._task.items, self._task.form.draw
        assert items is not None  # noqa: S101 - only such functions are called here
        try:
            results = items.results(returned, count)
            return Outcome(results if draw is None else [*map(draw, results)])
        except Exception as error:
            return Outcome(error=error)
