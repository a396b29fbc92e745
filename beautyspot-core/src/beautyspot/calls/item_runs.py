"""Runs a function of a list for those items of a call that have no result.

The items are taken in rounds. A round leads the flights of as many as one execution takes, and
takes their leases; those that another call leads are left for later. It looks the items up once
more, calls the function with the rest, shares and stores what that returns, and ends the flights.
Only when nothing is left to lead does the call wait for others, and then it leads nothing but the
one item whose lease it waits for. So no call holds what another one needs while it waits for that.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from math import inf
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls import leasing
from beautyspot.calls.following import OUTDATED, follow, moment_of, taken_over, win
from beautyspot.calls.led_items import Item, Led, turn_of
from beautyspot.calls.reports import has_changed, tell_of_paths, warn_inactive, warn_moved
from beautyspot.calls.steps import Block, Execute, Outcome
from beautyspot.calls.turn import Turn
from beautyspot.concurrency import holders, single_flight
from beautyspot.concurrency.single_flight import ABANDONED
from beautyspot.keys.memo import FLAT
from beautyspot.results.bulk import recall_many, save_many
from beautyspot.results.validity import MISSING
from beautyspot.serialization.file_data import FileData
from beautyspot.tasks.task import Call

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.steps import Step
    from beautyspot.concurrency.single_flight import Entry, Flight
    from beautyspot.contracts import TaskRecord
    from beautyspot.results.cache import Cache
    from beautyspot.tasks.items import Given
    from beautyspot.tasks.watching import Watch

    Watched = tuple[Watch, list[Item]]

    Steps = Generator[Step, Any, Exception | None]
    """Ends with the error that the call is to raise."""

BATCH: Final = 1000
"""Items of one execution, where the mark does not say: what it returns is stored before the next.

So a process that is killed loses no more, and others that make the same items share the work.
"""

COMMIT: Final = 256
"""Results in one commit, so that no other process waits for long."""


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
        self._most = whole.task.options.batch or BATCH
        self._alone: deque[Item] = deque()  # these follow nobody
        self._pending: deque[Item] = deque()  # these lead, or else follow
        self._others: deque[Item] = deque()  # these wait for another call, or for a lease
        self._deadline = inf
        self._has_run = False

    def run(self, missing: list[Item]) -> Steps:
        """Give all items their values."""
        holders.end_orphans()
        for item in missing:
            (self._pending if self._shares(item) else self._alone).append(item)
        try:
            while self._alone or self._pending or self._others:
                if not self._engine.active:
                    self._end_caching()
                with Led() as led, led:
                    error = yield from self._round(led)
                    yield from leasing.give_all_back(led.turns)
                if error is not None:
                    return error
        finally:
            for item in missing:
                if item.flight is not None:
                    single_flight.forsake(item.flight)
        return None

    def _shares(self, item: Item) -> bool:
        return self._stores and item.call.key != ""

    def _end_caching(self) -> None:
        """Have all that is left run uncached, since the Spot is shut down, or switched off."""
        left = [*self._alone, *self._pending, *self._others]
        for item in left:
            if item.call.key:
                warn_inactive(self._engine, item.call)
                item.call.key = ""
            if item.flight is not None:
                single_flight.forsake(item.flight)
                item.flight = None
        self._pending.clear()
        self._others.clear()
        self._alone = deque(left)

    def _round(self, led: Led) -> Steps:
        if not (self._alone or self._pending):
            error = yield from self._wait(led)
            if error is not None:
                return error
        yield from self._take_leases(led, self._claim(led))
        yield from self._look_again(led)
        return (yield from self._execute(led)) if led.items else None

    # ---------------------------------------------------------------------------- who makes what

    def _claim(self, led: Led) -> list[Item]:
        """Take as many items as one execution takes; those of them that this call leads now."""
        while self._alone and len(led.items) < self._most:
            item = self._alone.popleft()
            item.turn = Turn(self._engine, item.call) if self._shares(item) else None
            led.items.append(item)
        before = len(led.items)
        if not self._pending or before >= self._most:
            return []
        room, flights = self._most - before, self._engine.flights
        entered = flights.enter_all(self._entries(led), room, led.flights)
        return self._led_of(led, list(zip(led.items[before:], entered, strict=True)))

    def _entries(self, led: Led) -> Iterator[Entry]:
        while self._pending:
            item = self._pending.popleft()
            item.turn = turn = Turn(self._engine, item.call)
            led.items.append(item)  # first: the end of the round ends the turn
            yield item.call.key, turn, item.call.refresh, item.outdated

    def _led_of(self, led: Led, entered: list[tuple[Item, Flight | None]]) -> list[Item]:
        """Those items that this call leads.

        Those that other calls make are left for later, and those that can't wait for these are made
        by this one alone.
        """
        left = [item for item, _ in entered if turn_of(item).flight is None]
        for item, flight in entered:
            if turn_of(item).flight is None:
                item.flight = flight
                (self._alone if flight is None else self._others).append(item)
        if left:
            led.release(left)
        return [item for item, _ in entered if item.turn is not None]

    def _take_leases(self, led: Led, claimed: list[Item]) -> Generator[Step, Any, None]:
        """Leave those items for later that other processes make.

        Beyond as many as the store gives at once, other processes may make the same items.
        """
        some = [turn_of(item) for item in claimed[: self._engine.cache.metadata.most_leases]]
        take = partial(leasing.take_all, self._engine, some)
        held = (yield Block(take)) if some and self._engine.blocking else take()
        blocked = [item for item in claimed if item.turn in held] if held else []
        if blocked:
            led.release(blocked)
            self._others.extend(blocked)

    def _look_again(self, led: Led) -> Generator[Step, Any, None]:
        """Find what others have stored between the first look-up and the lease."""
        items = [item for item in led.items if item.turn is not None]
        if not items:
            return
        look = partial(recall_many, self._engine.cache, [item.call for item in items])
        values = yield Block(look)
        found: list[Item] = []
        for item, value in zip(items, values, strict=True):
            if value is not MISSING and not item.call.refresh:  # then this tells what it replaces
                item.value = value
                self._engine.hit(item.call)
                found.append(item)
        if found:
            yield from leasing.give_all_back([turn_of(item) for item in found])
            led.release(found)

    # ------------------------------------------------------------------------- waiting for others

    def _wait(self, led: Led) -> Steps:
        """Wait for one item that another call makes, or for its lease, and take all that is free.

        Each wait has its own deadline, since other calls may have many executions to make. Where
        one was over, the others are not waited for.
        """
        if monotonic() < self._deadline:
            self._deadline = monotonic() + self._engine.wait_timeout
        item = self._others.popleft()
        error: Exception | None = None
        if item.flight is None:
            yield from self._win(led, item)
        else:
            error = yield from self._follow(item)
            while error is None and (done := self._next_done()) is not None:
                error = yield from self._follow(done)
        blocked = [other for other in self._others if other.flight is None]
        for other in blocked:
            self._others.remove(other)
        self._pending.extend(blocked)
        return error

    def _next_done(self) -> Item | None:
        for item in self._others:
            if item.flight is not None and item.flight.done:
                self._others.remove(item)
                return item
        return None

    def _follow(self, item: Item) -> Steps:
        """Give an item what another call of this process shares, or have it made by this one."""
        flight, item.flight = item.flight, None
        assert flight is not None  # noqa: S101 - the callers ask
        shared = yield from follow(self._engine, item.call, flight, self._deadline)
        if shared is OUTDATED:
            item.outdated = flight
        if shared is OUTDATED or shared is ABANDONED:
            self._pending.append(item)
            return None
        outcome = taken_over(self._engine, item.call, shared, flight)
        if outcome is None:
            self._alone.append(item)
            return None
        item.value = outcome.value
        return outcome.error

    def _win(self, led: Led, item: Item) -> Generator[Step, Any, None]:
        """Win the lease of an item from another process, or go without after the deadline."""
        engine, call = self._engine, item.call
        item.turn = turn = Turn(engine, call)
        led.items.append(item)
        entry = call.key, turn, call.refresh, item.outdated
        entered = engine.flights.enter_all([entry], 1)
        if not self._led_of(led, [(item, entered[0])]):
            return
        value = yield from leasing.begin(turn)
        if value is leasing.HELD:
            if engine.saver is not None and call.key in engine.cache.waiting:
                yield Block(engine.saver.flush)  # a result of this Spot holds it till it is saved
            value = yield from win(turn, self._deadline)
        if value is not MISSING and not call.refresh:
            item.value = value
            engine.hit(call)
            yield from leasing.give_back(turn)
            led.release([item])

    # --------------------------------------------------------------------------------- execution

    def _execute(self, led: Led) -> Steps:
        """Call the function with the items of the round, and share and store what it returns."""
        engine, task = self._engine, self._task
        items = sorted(led.items, key=lambda item: item.places[0])
        made = self._begin(led, items)
        watched = yield from self._prepare(made)
        batch = Call(task, *self._given.holding([item.given for item in items]))
        batch.why = items[0].call.why
        keyed = sum(item.call.key != "" for item in items)
        execution = Execute(batch, engine.observers, task.counted, keyed)
        try:
            outcome: Outcome = yield execution
        finally:  # also where it is interrupted
            took = execution.work.seconds
            if keyed:
                task.counted.seconds_spent += took
            engine.counting.look()
        outcome = self._taken_apart(outcome, len(items))
        if outcome.error is not None:
            task.counted.failures += execution.work.has_failed()
            for item in made:
                turn_of(item).share(outcome)
            return outcome.error
        engine.price(batch, lambda: outcome.value)
        for item, value in zip(items, outcome.value, strict=True):
            item.value = value
            item.call.price = None if batch.price is None else batch.price / len(items)
        yield from self._keep(self._unchanged(made, watched), took / len(items))
        if watched:
            tell_of_paths(engine, made[0].call)
        return None

    def _begin(self, led: Led, items: list[Item]) -> list[Item]:
        """Tell of the misses; those of the items whose results are to be kept."""
        engine = self._engine
        moved: list[Item] = []
        for item in items:
            call = item.call
            if item.turn is not None:
                engine.running[item.turn] = perf_counter()  # until it ends
            if call.key:
                engine.miss(call)
            call.waited = call.waited or self._has_run  # the function may have changed an argument
            if item.turn is not None and call.waited and call.task.addressing.has_moved(call):
                warn_moved(engine, call)  # what the function gives now belongs to another key
                moved.append(item)
        self._has_run = True
        if moved:
            led.release(moved, keep=True)
        return [item for item in items if item.turn is not None]

    def _prepare(self, made: list[Item]) -> Generator[Step, Any, list[Watched]]:
        """Note what has to be known of the items before the function runs.

        Returns:
            What is watched while it runs, of which items: of all what they share, of each itself.
        """
        watched: list[Watched] = []
        if not made:
            return watched
        addressing = self._task.addressing
        untold = [item.call for item in made if item.call.since is None]
        since = (yield from moment_of(self._engine, untold[0])) if untold else None
        shared = addressing.watch(made[0].call, item=False)
        if shared is not None:
            watched.append((shared, made))
        for item in made:
            call = item.call
            call.since = call.since or since
            turn_of(item).begin()
            own = None if type(item.given) in FLAT else addressing.watch(call, item=True)
            addressing.tell_arguments(call, shared, own)
            if own is not None:
                watched.append((own, [item]))
        return watched

    def _unchanged(self, made: list[Item], watched: list[Watched]) -> list[Item]:
        """Those of the items whose keys are made of what they were made of before.

        Who waits for another one runs the function himself, once its turn has ended.
        """
        changed: set[Item] = set()
        for watch, items in watched:
            if has_changed(self._engine, watch, *[item.call for item in items]):
                changed.update(items)
        return [item for item in made if item not in changed]

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

    def _keep(self, made: list[Item], seconds: float) -> Generator[Step, Any, None]:
        """Share the results, which took so many seconds each, and store them."""
        engine = self._engine
        encoded: list[Turn] = []
        for item in made:
            turn = turn_of(item)
            turn.took = seconds
            turn.tell_spared()
            if not engine.keeps(item.call, item.value):
                turn.share_unstored(item.value)
            elif turn.encode(item.value):
                encoded.append(turn)
        engine.uses.bound()
        left = [turn for turn in encoded if not turn.queue()]
        if left:
            yield from _save(engine.cache, left)


def _save(cache: Cache, turns: list[Turn]) -> Generator[Step, Any, None]:
    block = Block(partial(_save_all, cache, turns))
    try:
        yield block
    finally:
        if block.is_in_executor:  # a cancelled call does not stop it
            for turn in turns:
                turn.hand_over()


def _save_all(cache: Cache, turns: list[Turn]) -> None:
    """Write the encoded results, and end their turns."""
    try:
        rows: list[tuple[Turn, TaskRecord]] = []
        for turn in turns:
            if turn.record is None or isinstance(turn.record.result_data, FileData):
                turn.save()  # a file is a commit of its own
            else:
                rows.append((turn, turn.record))
        for start in range(0, len(rows), COMMIT):
            some = rows[start : start + COMMIT]
            save_many(cache, [(turn.call, record) for turn, record in some], later=False)
            for turn, _ in some:
                turn.end()
    finally:
        for turn in turns:
            turn.end()
