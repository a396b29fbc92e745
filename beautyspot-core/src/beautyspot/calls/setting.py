"""`Spot.set_result`: store values as the results of calls that do not run.

They are put as if their run began at this moment, so that they replace what is stored, and no run
that began before replaces them: it is older. Its caller gets what it computed, as ever.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from beautyspot.calls.blocks import join
from beautyspot.contracts import Invalidation
from beautyspot.errors import BeautyspotError, ConfigError, SerializationError
from beautyspot.messages import error_shown
from beautyspot.results.rows import row_of
from beautyspot.results.saving import Pending
from beautyspot.results.writer import BATCH
from beautyspot.tasks.options import terms_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.calls.engine import Engine
    from beautyspot.contracts import TaskRecord
    from beautyspot.results.cache import Cache
    from beautyspot.serialization.payload import Payload
    from beautyspot.tasks.task import Call, Task


def set_results(engine: Engine, whole: Call, calls: list[Call], value: Any) -> None:
    """Store the value of a call, or of each of its items; see `Spot.set_result`.

    Args:
        engine: of the Spot.
        whole: the call.
        calls: itself, or those of its items; with their keys.
        value: of the call.
    """
    join(engine, whole)
    if not (engine.active and whole.may_store):
        raise ConfigError(
            "set_result: nothing is stored where the Spot is switched off (disabled(), "
            "enabled=False or BEAUTYSPOT_ENABLED=0), or in the modes readonly and replay (the mode "
            f"is {whole.mode!r}): set results elsewhere"
        )
    items = whole.task.items
    values = [value] if items is None else items.results(value, len(calls))
    cache = engine.cache
    cache.insist()
    rows = {  # of equal items the last one
        call.key: (call, _row(cache, call, each)) for call, each in zip(calls, values, strict=True)
    }
    with engine.staying_open():
        for start in range(0, len(rows), BATCH):
            _put(cache, list(rows.values())[start : start + BATCH])


# ----------------------------------------------------------------------------------- as a row


def _row(cache: Cache, call: Call, value: Any) -> TaskRecord:
    """The row of a result that no run has made: without its time, its price and its code."""
    task, items = call.task, list[Any]()
    encode: Callable[[Any], Payload] = task.form.encode
    if isinstance(value, Exception) and task.is_result(value):  # as if the function raised it
        call.terms, encode = task.error_terms, partial(task.encode_error)
    else:
        if task.form.streams:
            items = _stream(task, value)
            value = items[:-1]
        if task.asks_terms:
            call.terms = terms_of(task.options, value, call.args, call.kwargs)
    try:
        stored = [*map(task.form.serializer.dumps, items)] if items else value
        payload = encode(cast("Any", stored))
    except BeautyspotError:
        raise
    except Exception as error:
        raise SerializationError(f"the serializer failed: {error_shown(error)}: mend it") from error
    task.addressing.begin(call)
    return row_of(cache.placement, call, payload, None)._replace(code=None, began_at=None)


def _stream(task: Task, value: Any) -> list[Any]:
    """The items of a stream, and what it returned."""
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        raise ConfigError(
            f"set_result of {task.func_identifier} takes the items of the stream, not an object of "
            f"type {type(value).__name__}: give them as a list"
        )

    def items() -> Iterator[Any]:
        yield (yield from value)

    return list(items())


# -------------------------------------------------------------------------------- in its place


def _put(cache: Cache, rows: list[tuple[Call, TaskRecord]]) -> None:
    """Write the blobs, and then all rows in one commit."""
    began = perf_counter()
    batch = [
        Pending(call.task, record, 0, replaces="", earlier=call.task.addressing.earlier_keys(call))
        for call, record in rows
    ]
    refused = cache.saver.put(batch) or set()
    for pending in batch:  # else look-ups of this process would find what waits to be written
        cache.writer.withdraw(Invalidation(pending.key))
    cache.saver.settle(batch, refused, (perf_counter() - began) / len(rows), later=False)
