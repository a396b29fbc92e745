"""Results that a function stored under earlier identifiers, ``mark(renamed_from=)``.

What is found there is a hit, and is stored again under the call's own key, so that the next look-up
finds it at once. The earlier row stays: a program of the last release may still use it. A result
that is made anew replaces both, so that no older one ever comes back.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from beautyspot.contracts import DIRECT_BLOB, entry_of
from beautyspot.results.pruning import claimed
from beautyspot.results.validity import MISSING
from beautyspot.serialization.file_data import FILE_CODEC, FileData
from beautyspot.serialization.payload import Payload

if TYPE_CHECKING:
    from beautyspot.contracts import TaskRecord
    from beautyspot.results.cache import Cache
    from beautyspot.results.invalidations import Moment
    from beautyspot.tasks.task import Call


def recall_earlier(cache: Cache, call: Call, *, stale: bool = False) -> Any:
    """The value that is stored for the call under an earlier identifier, or `MISSING`.

    Raises:
        MetadataError: the store failed.
    """
    for key in call.task.addressing.earlier_keys(call):
        since = cache.moment(call)  # first: what is invalidated from here on is not stored again
        record = cache.waiting.get(key) or cache.metadata.get(key)
        if record is None:
            continue
        there = _under(call, record)
        value = cache.recall(there, stale=stale)
        if value is MISSING:
            call.why = call.why or there.why
            continue
        call.saves, call.spares, call.found_as = there.saves, there.spares, there.found_as
        call.replaces, call.stale = there.replaces, there.stale
        if call.may_store and not there.stale:
            _adopt(cache, call, record, value, since)
        return value
    return MISSING


def _under(call: Call, record: TaskRecord) -> Call:
    """The call under an earlier key, and what is stored for that."""
    there = copy(call)
    there.key, there.found, there.why = record.cache_key, entry_of(record), None
    return there


def _adopt(cache: Cache, call: Call, record: TaskRecord, value: Any, since: Moment | None) -> None:
    """Store an earlier result under the call's own key, unless that is being computed or is there.

    Who invalidates the earlier one meanwhile removes its row: then the new row goes as well.
    """
    name = call.task.func_identifier
    try:
        with claimed(cache, call.key) as is_free:
            if not is_free or cache.find(call.key) is not None:
                return
            moved = _moved(cache, call, record, value)
            stored = cache.placement.put(cache.placed(call.task, moved), since)
            if stored and cache.find(record.cache_key) is None:
                cache.forget(call.key)
            elif stored and cache.placement.on_stored is not None:
                cache.placement.on_stored(record.size or 0)
    except Exception as error:
        advice = "It is still found under its earlier name"
        cache.reporter.report("store a renamed result", name, error, advice)


def _moved(cache: Cache, call: Call, record: TaskRecord, value: Any) -> TaskRecord:
    """The row under the call's own key; its data stands in it until it is placed."""
    addressing, codec = call.task.addressing, record.serializer or ""
    data: Any = record.result_data
    if codec.startswith(FILE_CODEC) and not call.task.form.streams:
        data = FileData(value)
    elif record.result_type != DIRECT_BLOB:
        entry = entry_of(record)
        data = cache.load(entry, writable=False)
        cache.check(record.cache_key, entry, Payload(data, codec))  # it was read a second time
    made, expires = record.made_at or 0.0, record.expires_at
    return record._replace(
        cache_key=call.key,
        func_name=addressing.func_name,
        func_identifier=addressing.func_identifier,
        input_id=call.input_id,
        result_type=DIRECT_BLOB,
        result_value=None,
        result_data=data,
        made_at=made,
        began_at=made,  # what was made or set since stays
        digest=cache.digest(call.key, Payload(data, codec), made, expires),
    )


def forget_earlier(cache: Cache, call: Call) -> None:
    """Remove what a new result of the call replaces under earlier identifiers."""
    try:
        for key in call.task.addressing.earlier_keys(call):
            if cache.find(key) is not None:
                cache.forget(key)
    except Exception as error:
        advice = "It is found again when the new result is gone: remove it by its earlier name"
        name = call.task.func_identifier
        cache.reporter.report("remove an earlier result", name, error, advice)
