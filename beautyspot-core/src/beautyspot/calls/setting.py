"""`Spot.set_result`: store values as the results of calls that do not run.

Whoever sets a result means it: no call that began before may replace it. Most keys are nobody's:
then the lease of the key is free, and while it is held here, no run of the key begins. Where a run
may be under way, it is invalidated, before the row is written and after that: what began between
the two may not have seen the row. To note an invalidation of each key would fill the log of the
store, which then takes all calls that are under way for invalidated. A run without the lease, as
one that waited for it in vain, is older than what was set meanwhile, and the store keeps the newer.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from beautyspot.calls import leasing
from beautyspot.calls.blocks import join
from beautyspot.calls.turn import Turn
from beautyspot.concurrency import locks
from beautyspot.contracts import Invalidation, in_full
from beautyspot.errors import BeautyspotError, ConfigError, SerializationError
from beautyspot.messages import error_shown
from beautyspot.tasks.terms import terms_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.calls.engine import Engine
    from beautyspot.contracts import TaskRecord
    from beautyspot.results.cache import Cache
    from beautyspot.serialization.payload import Payload
    from beautyspot.tasks.task import Call, Task

    Rows = dict[str, tuple[Call, TaskRecord]]


def set_results(engine: Engine, whole: Call, calls: list[Call], value: Any) -> None:
    """Store the value of a call, or of each of its items; see `Spot.set_result`.

    Args:
        engine: of the Spot.
        whole: the call.
        calls: itself, or those of its items; with their keys.
        value: of the call.
    """
    join(engine, whole)
    _check_stores(engine, whole)
    items = whole.task.items
    values = [value] if items is None else items.results(value, len(calls), set_so=True)
    cache = engine.cache.for_the_user()
    rows = {  # of equal items the last one
        call.key: (call, _row(cache, call, each)) for call, each in zip(calls, values, strict=True)
    }
    with ExitStack() as ends:
        contested = _contested(engine, rows, ends)
        for key in contested:
            cache.invalidations.note(Invalidation(cache_key=key))
        _withdraw(engine, cache, rows, ends)
        _write(cache, rows)
        for key in contested:
            cache.invalidations.note(Invalidation(cache_key=key))


def _check_stores(engine: Engine, call: Call) -> None:
    if not engine.active:
        raise ConfigError(
            "set_result: the Spot is switched off (disabled(), enabled=False or "
            "BEAUTYSPOT_DISABLED), so it stores nothing: switch it on, or leave the call out"
        )
    if not call.may_store:
        raise ConfigError(
            f"set_result: the mode is {call.mode!r}, in which nothing is stored: set results in "
            'the mode "normal"'
        )


# ----------------------------------------------------------------------------------- as a row


def _row(cache: Cache, call: Call, value: Any) -> TaskRecord:
    """The row of a result that no run has made: without its time, its price and its code."""
    task, addressing = call.task, call.task.addressing
    if isinstance(value, Exception) and task.is_result(value):  # as if the function raised it
        payload = _encoded_by(task.encode_error, value)
        call.terms = task.error_terms
    else:
        payload, kept = _encoded_value(cache, task, value)
        if task.asks_terms:
            call.terms = terms_of(task.options, kept, call.args, call.kwargs)
    addressing.tell_arguments(call)
    return cache.record(call, payload, None)._replace(code=None, began_at=cache.latest())


def _encoded_value(cache: Cache, task: Task, value: Any) -> tuple[Payload, Any]:
    """The bytes of a value, and the value: of a stream the list of its items."""
    if not task.form.streams:
        return _encoded(cache, task, value), value
    items, payload = _encoded_stream(cache, task, value)
    return payload, items


def _encoded(cache: Cache, task: Task, value: Any) -> Payload:
    return _encoded_by(partial(cache.encoded, task), value)


def _encoded_by(encode: Callable[[Any], Payload], value: Any) -> Payload:
    try:
        return encode(value)
    except BeautyspotError:
        raise
    except Exception as error:
        raise SerializationError(f"the serializer failed: {error_shown(error)}: mend it") from error


def _encoded_stream(cache: Cache, task: Task, value: Any) -> tuple[list[Any], Payload]:
    """The list of the items, and its bytes with what the stream returned."""
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        raise ConfigError(
            f"set_result of {task.func_identifier} takes the items of the stream, not an object of "
            f"type {type(value).__name__}: give them as a list"
        )
    items: list[Any] = []
    returned = _drawn(iter(value), items)
    try:
        data = [task.form.serializer.dumps(item) for item in (*items, returned)]
    except BeautyspotError:
        raise
    except Exception as error:
        raise SerializationError(f"the serializer failed: {error_shown(error)}: mend it") from error
    return items, _encoded(cache, task, data)


def _drawn(iterator: Any, items: list[Any]) -> Any:
    """Append all items to a list; what the iterator returned, where it is a generator."""
    while True:
        try:
            items.append(next(iterator))
        except StopIteration as end:
            return end.value


# -------------------------------------------------------------------------------- in its place


def _contested(engine: Engine, rows: Rows, ends: ExitStack) -> list[str]:
    """Take the leases, until the end; the keys of which a run may be under way all the same.

    No more leases than the store gives at once: of the other keys, a run may be under way.
    """
    under_way = {turn.call.key for turn in list(engine.running) if isinstance(turn, Turn)}
    turns: list[Turn] = []
    for call, _ in rows.values():
        turn = Turn(engine, call)
        turns.append(turn)
        ends.callback(turn.end)
        engine.running[turn] = None  # a Spot that is shut down leaves its store open for that
    leasing.take_all(engine, turns[: engine.cache.metadata.most_leases])
    return [  # the run of a stream holds no lease
        turn.call.key
        for turn in turns
        if turn.lease is None or turn.call.key in under_way or turn.call.task.form.streams
    ]


def _withdraw(engine: Engine, cache: Cache, rows: Rows, ends: ExitStack) -> None:
    """Take results out of memory that wait there to be stored."""
    for key in rows:
        queued = None if engine.saver is None else engine.saver.withdraw(key)
        if queued is not None:
            ends.callback(queued.end)
        cache.unsaved.drop(key, wait=not locks.inside())


def _write(cache: Cache, rows: Rows) -> None:
    """Write the blobs, and then all rows in one commit."""
    began, placement = perf_counter(), cache.placement
    found = cache.metadata.find_many([*rows])
    placed = [cache.placed(call.task, record) for call, record in rows.values()]
    placement.put_many([(record, None) for record in placed])
    took = (perf_counter() - began) / len(placed)
    for record in placed:
        older = found.get(record.cache_key)
        if older is not None:
            placement.discard(record.cache_key, in_full(older).result_value)
        placement.tell_stored(record, took, later=False)
    for call, _ in rows.values():
        cache.let_go(call)
