"""Calls of a function of a list, ``mark(each=)``: every item is looked up, and stored, by itself.

An item's call is that of the function with the item in the place of the list: it has the key, the
flight, the lease and the row of a call. `item_runs` runs the function for those items that have no
result; from here to there, and back, goes one flow, as that of any other call.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.blocks import join
from beautyspot.calls.flow import not_stored, strand
from beautyspot.calls.item_runs import Item, ItemRuns
from beautyspot.calls.reports import report_no_key, warn_inactive
from beautyspot.calls.steps import Block, Outcome, drive, drive_async
from beautyspot.concurrency.waiting import in_asyncio
from beautyspot.results.validity import MISSING
from beautyspot.tasks.task import Call

if TYPE_CHECKING:
    from beautyspot.calls.engine import Engine
    from beautyspot.calls.flow import Flow
    from beautyspot.tasks.items import Given
    from beautyspot.tasks.task import Task

PAGE: Final = 1000
"""Items of one look-up: their rows are in memory beside their values."""


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
    items: list[Item] = []  # equal ones are one, those without a key are each for itself
    known: dict[str, Item] = {}
    for place, call in enumerate(calls):
        call.asked, call.max_age, call.refresh = whole.asked, whole.max_age, whole.refresh
        call.waited = in_loop
        if engine.active:
            try:
                call.task.addressing.address(call)
            except Exception as error:
                report_no_key(engine, call, error)
        else:
            warn_inactive(engine, call)
        if in_loop:
            strand(engine, call)
        item = Item(engine, call, given.items[place])
        if not call.key or known.setdefault(call.key, item) is item:
            items.append(item)
        known.get(call.key, item).places.append(place)
    return _flow(engine, whole, given, items)


def _flow(engine: Engine, whole: Call, given: Given, items: list[Item]) -> Flow:
    left = [item for item in items if item.call.key and not item.call.refresh]
    for start in range(0, len(left), PAGE):
        page = left[start : start + PAGE]
        values = yield Block(partial(engine.cache.recall_many, [item.call for item in page]))
        for item, value in zip(page, values, strict=True):
            item.value = value
            if value is not MISSING:
                engine.hit(item.call)
    missing = [item for item in items if item.value is MISSING]
    if not missing:  # as one the call is a hit, as old as the oldest of them
        whole.is_hit = True
        whole.made_at = min((item.call.made_at or 0.0 for item in items), default=0.0) or None
    elif whole.mode == "replay":
        return Outcome(error=not_stored(engine, *[item.call for item in missing], items=len(items)))
    else:
        whole.why = missing[0].call.why
        error = yield from ItemRuns(engine, whole, given).run(missing)
        if error is not None:
            return Outcome(error=error)
        whole.is_stored = all(item.call.is_hit or item.call.is_stored for item in missing)
    return Outcome(_in_order(whole.task, items, len(given.items)))


def _in_order(task: Task, items: list[Item], count: int) -> list[Any]:
    """The values as they were asked for."""
    values: list[Any] = [None] * count
    for item in items:
        first, *others = item.places
        values[first] = item.value
        for place in others:
            values[place] = _another(task, item.value)
    return values


def _another(task: Task, value: Any) -> Any:
    """A copy of a value that was asked for twice; the value itself where no copy can be made."""
    try:
        return task.form.restore(task.form.encode(value, as_media=False))
    except Exception:
        return value
