"""Calls of functions of a list, ``mark(each=)``: every item is looked up, and stored, by itself.

An item's call is that of the function with the item in the place of the list: it has the key, the
flight, the lease and the row of a call. What is stored of the items is looked up; the function is
run for the others, in rounds.

A round leads the flights of as many items as one execution takes, and asks the store for their
leases by one question. It calls the function with those that it got, stores and shares what that
returns, and ends the flights. What other calls make, or have made meanwhile, is left for later:
only when nothing is left to lead does the call wait for one of these, and then it leads and leases
no other. So no call holds what another one needs while it waits for that. After the wait all that
is left is looked up anew, and what has not come is in the next rounds.
"""

from __future__ import annotations

from functools import partial
from math import inf
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.blocks import join
from beautyspot.calls.flow import not_stored, uncache_outside_asyncio
from beautyspot.calls.leading import follow, lease, taken_over
from beautyspot.calls.reports import (
    refuse_if_changed,
    refuse_mixed,
    report_no_key,
    report_no_lease,
    warn_inactive,
)
from beautyspot.calls.runs import Run, release_all, save
from beautyspot.calls.steps import Block, Execute, Outcome, drive, drive_async
from beautyspot.concurrency import holders
from beautyspot.concurrency.single_flight import forsake
from beautyspot.concurrency.waiting import in_asyncio
from beautyspot.results.validity import MISSING
from beautyspot.tasks.task import Call

if TYPE_CHECKING:
    from collections.abc import Generator

    from beautyspot.calls.engine import Engine
    from beautyspot.calls.flow import Flow
    from beautyspot.calls.steps import Step
    from beautyspot.concurrency.single_flight import Flight
    from beautyspot.tasks.items import Given
    from beautyspot.tasks.task import Task

    Steps = Generator[Step, Any, Exception | None]
    """Ends with the error that the call is to raise."""

PAGE: Final = 1000
"""Items of one look-up: their rows are in memory beside their values."""

BATCH: Final = 1000
"""Items of one execution, where the mark does not say: what it returns is stored before the next.

So a process that is killed loses no more, and others that make the same items share the work.
"""


class Item(Run):
    """One item of a call, or several equal ones, and what is held while they are made.

    Attributes:
        given: the item itself.
        value: its result, or `MISSING`.
    """

    __slots__ = ("given", "value")

    def __init__(self, engine: Engine, call: Call, given: Any) -> None:
        super().__init__(engine, call, None)
        self.given = given
        self.value: Any = MISSING

    def lead(self, flight: Flight) -> None:
        """Begin an attempt to make it, or to have what another call makes."""
        self.flight, self.lease, self.has_ended = flight, flight.lease, False


def call_items(engine: Engine, whole: Call) -> Any:
    """A call of a plain function of a list."""
    try:
        return drive(_begun(engine, whole))
    finally:
        engine.last_calls.note(whole)


async def await_items(engine: Engine, whole: Call) -> Any:
    """A call of a coroutine function of a list."""
    try:
        begun = _begun(engine, whole, in_loop=True)
        if whole.mode == "replay" and not in_asyncio():  # which never waits for the function
            return drive(begun)
        return await drive_async(begun, engine.executor)
    finally:
        engine.last_calls.note(whole)


def taken_apart(whole: Call) -> tuple[Given, list[Call]]:
    """The arguments of a call with its list read, and the calls of its items, without keys.

    Raises:
        TypeError: the arguments do not fit the function's signature.
        ItemsError: there is no list among them.
    """
    items = whole.task.items
    assert items is not None  # noqa: S101 - only such calls come here
    given = items.given(whole.args, whole.kwargs)
    return given, [Call(whole.task, *given.holding(value)) for value in given.items]


def _begun(engine: Engine, whole: Call, *, in_loop: bool = False) -> Flow:
    """The flow of a call, whose list is read here: what its iterator raises is its caller's."""
    given, calls = taken_apart(whole)
    join(engine, whole)
    asked: list[Item] = []  # equal ones are one, those without a key are each for itself
    known: dict[str, Item] = {}
    for call, value in zip(calls, given.items, strict=True):
        call.asked, call.max_age, call.refresh = whole.asked, whole.max_age, whole.refresh
        call.waited = in_loop
        if call.refresh:
            call.rejected = inf
        if engine.active:
            try:
                call.task.addressing.address(call)
            except Exception as error:
                report_no_key(engine, call, error)
        else:
            warn_inactive(engine, call)
        if in_loop:
            uncache_outside_asyncio(engine, call)
        item = Item(engine, call, value)
        asked.append(known.setdefault(call.key, item) if call.key else item)
    return _flow(engine, whole, given, asked)


def _flow(engine: Engine, whole: Call, given: Given, asked: list[Item]) -> Flow:
    items = [*dict.fromkeys(asked)]
    missing = yield from _look_up(engine, items)
    if not missing:  # as one the call is a hit, as old as the oldest of them
        whole.is_hit = True
        whole.made_at = min((item.call.made_at or 0.0 for item in items), default=0.0) or None
    elif whole.mode == "replay":
        return Outcome(error=not_stored(engine, *[item.call for item in missing], items=len(items)))
    else:
        whole.why = missing[0].call.why
        error = yield from _Runs(engine, whole, given).run(missing)
        if error is not None:
            return Outcome(error=error)
        whole.is_stored = all(item.call.is_hit or item.call.is_stored for item in missing)
    values, handed_out = list[Any](), set[Item]()
    for item in asked:
        again = item in handed_out
        values.append(_another(whole.task, item.value) if again else item.value)
        handed_out.add(item)
    return Outcome(values)


def _look_up(engine: Engine, items: list[Item]) -> Generator[Step, Any, list[Item]]:
    """Give items the values that are stored for them; returns those that have none."""
    asked = [item for item in items if item.call.key and not item.call.refresh]
    for start in range(0, len(asked), PAGE):
        page = asked[start : start + PAGE]
        values = yield Block(partial(engine.cache.recall_many, [item.call for item in page]))
        for item, value in zip(page, values, strict=True):
            item.value = value
            if value is not MISSING:
                engine.hit(item.call)
    return [item for item in items if item.value is MISSING]


def _another(task: Task, value: Any) -> Any:
    """A copy of a value that was asked for twice; the value itself where no copy can be made."""
    try:
        return task.form.restore(task.form.encode(value))
    except Exception:
        return value


# ------------------------------------------------------------------- items that have no result


class _Runs:
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
        with self._engine.staying_open():
            while missing:
                others = list[Item]()
                for start in range(0, len(missing), most):
                    error = yield from self._round(missing[start : start + most], others)
                    if error is not None:
                        return error
                if others:
                    error = yield from self._wait(others[0])
                    if error is not None:
                        return error
                missing = [item for item in others if item.value is MISSING]
                missing = yield from _look_up(self._engine, missing)
        return None

    def _round(self, batch: list[Item], others: list[Item]) -> Steps:
        """Make these items, less what others make or have made: that is added to `others`."""
        engine, led, left = self._engine, list[Item](), set[Item]()
        shared = [each for each in batch if each.call.key and self._stores and self._is_patient]
        keys = [(each.call.key, each.call.refresh) for each in shared]
        try:
            entered = engine.flights.enter_all(keys, of_task=self._of_task)
            for item, (flight, leads) in zip(shared, entered, strict=True):
                if flight is None:  # to wait might be a deadlock: it is made all the same
                    continue
                if leads:
                    item.lead(flight)
                    led.append(item)
                else:
                    forsake(flight)
                    left.add(item)
            engine.running |= {each: None for each in batch if each not in left}  # until their end
            if led:
                left |= yield Block(partial(self._begin, led))
            made = [each for each in batch if each not in left]
            error = (yield from self._execute(made)) if made else None
            # What waits to be written has its lease until it is.
            unstored = [each for each in made if each.lease.held and each.pending is None]
            if unstored:
                yield Block(partial(release_all, unstored))
            others += [each for each in batch if each in left]
            return error
        finally:
            for item in reversed(batch):
                item.has_ended = True  # as in `flow`
                item.end()

    def _begin(self, led: list[Item]) -> set[Item]:
        """Lease the keys of items; those that others have leased, or stored meanwhile.

        Where the store fails the call goes on without leases.
        """
        calls = [item.call for item in led]
        rejected = {call.key: call.rejected for call in calls if call.rejected > -inf}
        try:
            begun = self._engine.cache.leases.begin([each.lease for each in led], rejected)
        except Exception as error:
            report_no_lease(self._engine, calls[0], error)
            return set()
        return {item for item in led if not item.take(begun)}

    def _wait(self, item: Item) -> Steps:
        """Wait for an item that another call makes, or has made; it may get its value by that.

        Each wait has its own deadline, since other calls may have many executions to make.
        """
        engine, call, deadline = self._engine, item.call, monotonic() + self._engine.wait_timeout
        flight, leads = engine.flights.enter(call.key, anew=call.refresh, of_task=self._of_task)
        if flight is None:
            return None
        if not leads:
            shared = yield from follow(engine, call, flight, deadline)
            self._is_patient = flight.done
            outcome = taken_over(engine, call, shared, flight) or Outcome(MISSING)
            item.value = outcome.value
            return outcome.error
        item.lead(flight)
        try:
            item.value = yield from lease(item, deadline)
            self._is_patient = item.lease.held or item.value is not MISSING
            if item.lease.held:  # it is leased again with all that are free by now
                yield Block(item.release)
        finally:
            item.end()
        if item.value is not MISSING:
            engine.hit(call)
        return None

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
            if mixed or refuse_if_changed(engine, watch, *calls):
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
