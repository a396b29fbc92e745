"""Results that a function stored under earlier identifiers, ``mark(renamed_from=)``.

What is found there is a hit, and is stored again under the call's own key, so that the next look-up
finds it at once. The earlier row stays: a program of the last release may still use it. A result
that is made anew replaces both, so that no older one ever comes back.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from beautyspot.contracts import DIRECT_BLOB, entry_of
from beautyspot.contracts.covers import covers_of
from beautyspot.contracts.records import as_copied, clean, is_copied
from beautyspot.contracts.store import Put
from beautyspot.results.validity import MISSING, sealed
from beautyspot.serialization.file_data import FILE_CODEC, FileData
from beautyspot.serialization.payload import Payload

if TYPE_CHECKING:
    from beautyspot.contracts import TaskRecord
    from beautyspot.results.cache import Cache
    from beautyspot.tasks.task import Call


def recall_earlier(cache: Cache, call: Call, *, stale: bool = False) -> Any:
    """The value that is stored for the call under an earlier identifier, or `MISSING`.

    Raises:
        MetadataError: the store failed.
    """
    for key in call.task.addressing.earlier_keys(call):
        record = cache.get(key)
        if record is None:
            continue
        there = copy(call)
        there.key, there.found, there.why = key, entry_of(record), None
        value = cache.recall(there, stale=stale)
        if value is MISSING:
            call.why = call.why or there.why
            continue
        call.saves, call.spares, call.found_as = there.saves, there.spares, there.found_as
        call.replaces, call.stale = there.replaces, there.stale
        if call.may_store and not there.stale:
            _adopt(cache, call, record, value)
        return value
    return MISSING


def _adopt(cache: Cache, call: Call, record: TaskRecord, value: Any) -> None:
    """Store an earlier result under the call's own key, unless that is being computed or is there.

    The earlier row is looked at once more after that: where it is gone, somebody has invalidated it
    meanwhile, and so goes what was made of it.
    """
    key, leases = call.key, cache.leases
    if key in leases:
        return
    try:
        begun = leases.begin([key], {})
        if key not in begun.leased:
            return
        try:
            moved = cache.placed(call.task, _moved(cache, call, record, value))
            if cache.store.put([Put(moved, covers_of(moved), begun.since, leases.token)]):
                cache.placement.discard(key, moved.result_value)
            elif cache.store.get(record.cache_key) != record:
                cache.saver.remove({key: moved})
            elif cache.saver.on_stored is not None:
                cache.saver.on_stored(record.size or 0)
        finally:
            leases.release(key)
    except Exception as error:
        name, advice = call.task.func_identifier, "It is still found under its earlier name"
        cache.reporter.report("store a renamed result", name, error, advice)


def _moved(cache: Cache, call: Call, record: TaskRecord, value: Any) -> TaskRecord:
    """The row under the call's own key; its data stands in it until it is placed."""
    addressing, codec = call.task.addressing, record.serializer or ""
    data: Any = record.result_data
    if codec.startswith(FILE_CODEC) and not call.task.form.streams:
        data = FileData(value)
    elif record.result_type != DIRECT_BLOB:
        entry = entry_of(record)
        data = cache.load(entry)
        cache.check(record.cache_key, entry, Payload(data, codec))  # it was read a second time
    made, expires = record.made_at or 0.0, record.expires_at
    digest = None  # of a file, it is known once that is stored
    if not isinstance(data, FileData):
        digest = sealed(cache.signing_keys, call.key, codec, made, expires, data)
    return record._replace(
        cache_key=call.key,
        func_name=clean(addressing.func_name),
        func_identifier=clean(addressing.func_identifier),
        input_id=clean(call.input_id),
        result_type=DIRECT_BLOB,
        result_value=None,
        result_data=data,
        made_at=made,
        began_at=made,  # what was made or set since stays
        digest=as_copied(digest) if is_copied(record.digest) else digest,
    )
