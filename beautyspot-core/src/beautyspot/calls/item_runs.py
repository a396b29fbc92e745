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

from beautyspot.calls.leading import follow, lease, taken_over
from beautyspot.calls.reports import (
    has_changed,
    refuse_mixed,
    report_no_lease,
)
from beautyspot.calls.runs import Run, release_all, save
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
    from beautyspot.tasks.items import Given
    from beautyspot.tasks.telling import Watch

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
        alone: whether it follows nobody.
    """

    __slots__ = ("alone", "follows", "given", "places", "value")

    def __init__(self, engine: Engine, call: Call, given: Any) -> None:
        super().__init__(engine, call, None)
        self.given = given
        self.places: list[int] = []
        self.value: Any = MISSING
        self.follows: Flight | None = None
        self.alone = False


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
        most_leases = engine.cache.store.real.most_leases
        self._most = min(whole.task.options.batch or BATCH, most_leases)
        self._pending: deque[Item] = deque()  # to lead, or else to follow
        self._others: deque[Item] = deque()  # these wait for another call, or for a lease
        self._deadline = inf

    def run(self, missing: list[Item]) -> Steps:
        """Give all items their values, also where the Spot is shut down meanwhile."""
        holders.end_orphans()
        self._pending.extend(missing)
        try:
            with self._engine.staying_open():
                while self._pending or self._others:
                    done = (each for each in self._others if each.follows and each.follows.done)
                    over = next(done, None)
                    if over is None and self._pending:
                        error = yield from self._round()
                    else:
                        error = yield from self._wait(over or self._others[0])
                    if error is not None:
                        return error
        finally:
            for item in missing:
                if item.follows is not None:
                    forsake(item.follows)
        return None

    def _shares(self, item: Item) -> bool:
        return self._stores and item.call.key != ""

    # --------------------------------------------------------------------------------- one round

    def _round(self) -> Steps:
        """Make as many items as one execution takes, less those that others make or have made."""
        batch = [self._pending.popleft() for _ in range(min(self._most, len(self._pending)))]
        try:
            made = yield from self._claimed(batch)
            error = (yield from self._execute(made)) if made else None
            if self._engine.blocking:
                yield Block(partial(release_all, made))
            return error
        finally:
            for item in reversed(batch):
                item.end()

    def _claimed(self, batch: list[Item]) -> Generator[Step, Any, list[Item]]:
        """Lead the flights of items, and lease their keys; those that this call is to make."""
        engine, led = self._engine, list[Item]()
        for item in batch:
            item.flight, item.has_ended = None, False  # of an earlier round
        shared = [item for item in batch if self._shares(item) and not item.alone]
        keys = [(item.call.key, item.call.refresh) for item in shared]
        for item, (flight, leads) in zip(
            shared, engine.flights.enter_all(keys, of_task=self._of_task), strict=True
        ):
            if leads:
                item.flight = flight
                led.append(item)
            elif flight is not None:  # else to wait for it might be a deadlock
                item.follows = flight
                self._others.append(item)
        mine = [item for item in batch if item.follows is None]
        engine.running |= {item: None for item in mine if self._shares(item)}
        held = (yield from self._leased(led)) if led else set()
        return [item for item in mine if item.value is MISSING and item not in held]

    def _leased(self, led: list[Item]) -> Generator[Step, Any, set[Item]]:
        """Lease the keys of items, which may get a value by that; those that others lease."""
        engine = self._engine
        for item in led:
            if item.call.refresh:
                item.call.rejected = inf
        held: set[Item] = yield Block(partial(self._begin, led))
        self._others.extend(item for item in led if item in held)
        for item in led:
            if item.value is not MISSING:
                engine.hit(item.call)
        return held

    def _begin(self, items: list[Item]) -> set[Item]:
        """Ask for all leases, and give the items what is stored by now; those that others lease.

        Where the store fails the call goes on without leases.
        """
        cache, held = self._engine.cache, set[Item]()
        while items:
            asked = monotonic()
            worst = {item.call.key: item.call.rejected for item in items}
            rejected = {key: each for key, each in worst.items() if each > -inf}
            try:
                begun = cache.leases.begin([item.lease for item in items], rejected)
            except Exception as error:
                report_no_lease(self._engine, items[0].call, error)
                break
            again: list[Item] = []
            for item in items:
                found = begun.found.get(item.call.key)
                if found is not None:
                    entry, item.asked = in_full(found), asked
                    item.value = cache.taken(item.call, entry)
                    if item.value is not MISSING:
                        item.share_found(entry)
                        continue
                if not item.take(begun) and found is None:
                    held.add(item)
                elif not item.lease.held and item.call.rejected > worst[item.call.key]:
                    again.append(item)
            items = again
        return held

    # ------------------------------------------------------------------------- waiting for others

    def _wait(self, item: Item) -> Steps:
        """Wait for one item that another call makes, or for its lease.

        Each wait has its own deadline, since other calls may have many executions to make. Where
        one was over, the others are not waited for.
        """
        self._others.remove(item)
        if monotonic() < self._deadline:
            self._deadline = monotonic() + self._engine.wait_timeout
        if item.follows is not None:
            return (yield from self._follow(item, item.follows))
        yield from self._wait_for_lease(item)
        return None

    def _follow(self, item: Item, flight: Flight) -> Steps:
        """Give an item what another call of this process shares, or have it made by this one."""
        item.follows = None
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

    def _wait_for_lease(self, item: Item) -> Generator[Step, Any, None]:
        """Wait until another process has made an item, or given up.

        Then the others that wait for leases may be free as well: all of them are asked for at once.
        """
        engine, call = self._engine, item.call
        item.flight, leads = engine.flights.enter(
            call.key, anew=call.refresh, of_task=self._of_task
        )
        item.has_ended = False
        if not leads:
            item.follows, item.flight, item.alone = item.flight, None, item.flight is None
            (self._pending if item.alone else self._others).append(item)
            return
        try:
            item.value = yield from lease(item, self._deadline)
            item.alone = not item.lease.held
            if item.lease.held:
                yield Block(item.release)
        finally:
            item.end()
        if item.value is not MISSING:
            engine.hit(call)
            return
        self._pending.append(item)
        self._pending.extend(each for each in self._others if each.follows is None)
        self._others = deque(each for each in self._others if each.follows is not None)

    # --------------------------------------------------------------------------------- execution

    def _execute(self, items: list[Item]) -> Steps:
        """Call the function with these items, and share and store what it returns."""
        engine, task = self._engine, self._task
        made = [item for item in items if self._shares(item)]
        watched = self._begin_runs(items, made)
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
                item.shared = outcome
            return outcome.error
        engine.price(batch, lambda: outcome.value)
        for item, value in zip(items, outcome.value, strict=True):
            item.value, item.took = value, took / len(items)
            item.call.price = None if batch.price is None else batch.price / len(items)
        mixed = [*map(id, handed)] != [id(item.given) for item in items]
        kept = self._kept(made, watched, mixed=mixed)
        yield from save(engine, *[item for item in kept if item.prepare(Outcome(item.value))])
        return None

    def _begin_runs(self, items: list[Item], made: list[Item]) -> list[tuple[Watch, list[Item]]]:
        """Tell of the misses, and note what has to be known before the function runs.

        Returns:
            What is watched while it runs, of which items: of all what they share, of each itself.
        """
        engine, addressing = self._engine, self._task.addressing
        shared = addressing.begin(made[0].call, item=False) if made else None
        watched = [] if shared is None else [(shared, made)]
        engine.follow_level()
        observers = engine.observers
        for item in items if observers.told or observers.wraps else ():
            if item.call.key:  # else it was told of when that was seen
                engine.miss(item.call)
        for item in made:
            engine.running[item] = perf_counter()
            item.begin()
            own = addressing.begin(item.call, item=True)
            if own is not None and type(item.given) not in FLAT:
                watched.append((own, [item]))
        return watched

    def _kept(
        self, made: list[Item], watched: list[tuple[Watch, list[Item]]], *, mixed: bool
    ) -> list[Item]:
        """The items whose results are stored; callers that follow the others run themselves."""
        refused = made if mixed else []
        if refused:
            refuse_mixed(self._engine, *[item.call for item in refused])
        for watch, its_items in () if mixed else watched:
            if has_changed(self._engine, watch, *[item.call for item in its_items]):
                refused = [*refused, *its_items]
        for item in refused:
            item.shared = None
        return [item for item in made if item.shared is not None]

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
