"""Listings of a store that can only scan: the answers of the base class."""

from __future__ import annotations

from heapq import nlargest, nsmallest
from typing import TYPE_CHECKING, Any, cast

from beautyspot.contracts.counts import Counts
from beautyspot.contracts.selection import FunctionTotals, Page
from beautyspot.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beautyspot.contracts.records import TaskRecord
    from beautyspot.contracts.selection import Order, Selection


def first_page(
    records: Iterable[TaskRecord],
    selection: Selection,
    order: Order,
    following: str | None,
    limit: int,
) -> Page:
    """See `MetadataStoreBase.page`."""
    if limit < 1:
        raise ConfigError(f"limit={limit!r} is no number of records: give 1 or more")
    found = (record for record in records if selection.covers(record))
    if order == "key":
        after = following or ""
        page = nsmallest(limit, (r for r in found if r.cache_key > after), key=by_key)
        return Page(page, page[-1].cache_key if len(page) == limit else None)
    before = None if following is None else _moment(following)
    page = nlargest(limit, (r for r in found if before is None or by_time(r) < before), key=by_time)
    return Page(page, _cursor(page[-1]) if len(page) == limit else None)


def by_key(record: TaskRecord) -> str:
    """The key of a record."""
    return record.cache_key


def by_time(record: TaskRecord) -> tuple[float, str]:
    """When a record was made; by its key where that is the same or unknown."""
    return record.made_at or 0.0, record.cache_key


def _cursor(record: TaskRecord) -> str:
    made, key = by_time(record)
    return f"{made.hex()} {key}"


def _moment(cursor: str) -> tuple[float, str]:
    made, _, key = cursor.partition(" ")
    try:
        return float.fromhex(made), key
    except (ValueError, OverflowError):
        raise ConfigError(
            f"following={cursor!r:.80} is nothing that a page of the newest gave: begin without it"
        ) from None


def totals_by_function(records: Iterable[TaskRecord]) -> list[FunctionTotals]:
    """See `MetadataStoreBase.function_totals`."""
    found: dict[str, FunctionTotals] = {}
    sources: dict[str, set[str]] = {}
    for record in records:
        name = record.func_identifier or record.func_name
        found[name] = _with(found.get(name) or FunctionTotals(name, 0, 0, None, None), record)
        if source := _source(record.code):
            sources.setdefault(name, set()).add(source)
    return [
        found[name]._replace(code_changed=len(sources.get(name, ())) > 1)
        if _source(found[name].code)
        else found[name]
        for name in sorted(found)
    ]


def _source(code: str | None) -> str:
    return (code or "").partition(":")[0]


def _with(totals: FunctionTotals, record: TaskRecord) -> FunctionTotals:
    made, newest = record.made_at, totals.newest
    is_newest = not totals.entries or (made is not None and (newest is None or made >= newest))
    times = [time for time in (totals.oldest, newest, made) if time is not None]
    return FunctionTotals(
        totals.func_identifier,
        totals.entries + 1,
        totals.size + max(0, record.size or 0),
        min(times, default=None),
        max(times, default=None),
        record.code if is_newest else totals.code,
    )


def counts_summed(counts: Iterable[Counts]) -> list[Counts]:
    """See `MetadataStoreBase.counts_by_function`."""
    found: dict[str, list[float]] = {}
    for each in counts:
        sums = found.setdefault(each.func_identifier, [0] * len(each[2:]))
        found[each.func_identifier] = [
            before + more for before, more in zip(sums, each[2:], strict=True)
        ]
    return [Counts(name, 0, *cast("Any", found[name])) for name in sorted(found)]
