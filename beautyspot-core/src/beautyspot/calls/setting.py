"""`Spot.set_result`: store values as the results of calls that do not run.

They are put as if their run began at this moment, so that they replace what is stored, and no run
that began before replaces them: it is older. Its caller gets what it computed, as ever.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from beautyspot.calls.blocks import join
from beautyspot.contracts import Invalidation
from beautyspot.contracts.covers import covers_of
from beautyspot.contracts.store import Put
from beautyspot.errors import BeautyspotError, ConfigError, MetadataError, SerializationError
from beautyspot.messages import error_shown
from beautyspot.results.saving import Pending
from beautyspot.results.writer import BATCH
from beautyspot.tasks.terms import terms_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.calls.engine import Engine
    from beautyspot.contracts import TaskRecord
    from beautyspot.results.cache import Cache
    from beautyspot.serialization.payload import Payload
    from beautyspot.tasks.task import Call, Task

ATTEMPTS: Final = 3
"""How often a result is put that others invalidate just then."""


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
    cache = engine.cache
    cache.insist()
    rows = {  # of equal items the last one
        call.key: (call, _row(cache, call, each)) for call, each in zip(calls, values, strict=True)
    }
    with engine.staying_open():
        for start in range(0, len(rows), BATCH):
            _put(cache, list(rows.values())[start : start + BATCH])


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
    return cache.record(call, payload, None)._replace(code=None, began_at=None)


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
    iterator: Any = iter(value)
    while True:
        try:
            items.append(next(iterator))
        except StopIteration as end:
            returned: Any = end.value
            break
    dumps = task.form.serializer.dumps
    data = [_encoded_by(dumps, item) for item in (*items, returned)]  # type: ignore[arg-type]
    return items, _encoded(cache, task, data)


# -------------------------------------------------------------------------------- in its place


def _put(cache: Cache, rows: list[tuple[Call, TaskRecord]]) -> None:
    """Write the blobs, and then all rows in one commit; those that are refused once more."""
    began, seconds = perf_counter(), 0.0
    found = cache.find_many([call.key for call, _ in rows])
    left = [
        Pending(
            call.task,
            cache.placement.place(call.task, record),
            0,
            replaces=found[call.key].result_value if call.key in found else None,
            earlier=call.task.addressing.earlier_keys(call),
        )
        for call, record in rows
    ]
    for _ in range(ATTEMPTS):
        since = cache.leases.begin([], {}).since
        puts = [Put(each.record, covers_of(each.record), since) for each in left]
        refused = cache.store.put(puts)
        seconds = seconds or (perf_counter() - began) / len(rows)
        stored = [pending for pending in left if pending.key not in refused]
        for pending in stored:  # else look-ups of this process would find what waits to be written
            cache.writer.withdraw(Invalidation(pending.key))
        cache.saver.settle(stored, set(), seconds, later=False)
        left = [pending for pending in left if pending.key in refused]
        if not left:
            return
    for pending in left:
        cache.placement.discard(pending.key, pending.record.result_value)
    raise MetadataError(
        "others have invalidated what was to be set each time that it was stored: set it when they "
        "do not"
    )
