"""Many results at once: looked up by one question to the store, and saved in one commit."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from beautyspot.concurrency import locks
from beautyspot.contracts import in_full, lacks_data
from beautyspot.results.validity import MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beautyspot.contracts import Entry, TaskRecord
    from beautyspot.results.cache import Cache
    from beautyspot.tasks.task import Call


def recall_many(cache: Cache, calls: Sequence[Call]) -> list[Any]:
    """What `Cache.recall` gives for each of these calls, which all have keys.

    A call whose `found` is known, as from `begin`, is not asked for.
    """
    for call in calls:
        call.looked = False
    asked = [call for call in calls if call.found is None and call.key not in cache.waiting]
    try:
        found = _find(cache, [call.key for call in asked])
        for call in asked:
            entry = found.get(call.key)
            call.looked = entry is None
            call.found = None if entry is None or lacks_data(entry) else entry
    except Exception as error:
        for call in asked:
            call.looked, call.why = True, call.why or "store failed"
        cache.report_miss(asked[0].task, error)
    return [MISSING if _is_gone(call) else cache.recall(call) for call in calls]


def _is_gone(call: Call) -> bool:
    """Whether nothing is stored for the call, and may be under no earlier identifier either."""
    return call.looked and not call.task.addressing.earlier


def _find(cache: Cache, keys: list[str]) -> dict[str, Entry]:
    """The entries of those keys that have a row."""
    found = cache.finding.find_many(keys) if keys else {}
    return {key: in_full(answer) for key, answer in found.items()}


def save_many(cache: Cache, rows: list[tuple[Call, TaskRecord]], *, later: bool) -> None:
    """Write results in one commit; one by one where that fails, to lose only what must be.

    Args:
        cache: of the Spot.
        rows: each call with the row of its result, whose data are bytes and no file.
        later: whether the callers do not wait for it.
    """
    if len({call.key for call, _ in rows}) < len(rows):  # the store says by key what it refuses
        for row in rows:
            save_many(cache, [row], later=later)
        return
    cache.count_paid((record for _, record in rows), later=later)
    for _, record in rows if len(cache.unsaved) else ():
        cache.unsaved.give_way(record, wait=later or not locks.inside())
    began, placement = perf_counter(), cache.placement
    try:
        for number, (call, record) in enumerate(rows):
            rows[number] = call, placement.place(call.task, record)
        refused = placement.put_many([(record, call.since) for call, record in rows])
    except Exception as error:
        _save_singly(cache, rows, error, later=later)
        return
    cache.unsaved.try_later()
    took = (perf_counter() - began) / len(rows)
    stored = [row for row in rows if row[0].key not in refused] if refused else rows
    for call, _ in stored:
        cache.let_go(call)
    for _, record in stored if placement.has_listeners else ():
        placement.tell_stored(record, took, later=later)


def _save_singly(
    cache: Cache, rows: list[tuple[Call, TaskRecord]], error: Exception, *, later: bool
) -> None:
    for call, record in rows:
        if cache.health.writes.is_resting():
            cache.keep(call, record, error)
        else:
            cache.save(call, record, later=later)
