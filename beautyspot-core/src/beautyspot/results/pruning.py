"""Pruning: remove results that are expired, old, unused, or too many. Only when it is asked for.

A row is removed before its blob, so that no row points to a blob that is gone. What is removed is
the row that was listed: a result that has taken its place meanwhile stays.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from beautyspot.config.settings import count
from beautyspot.contracts import DURATION, SIZE, byte_count, seconds
from beautyspot.contracts.listing import PAGE, listed, totals_of
from beautyspot.contracts.selection import Selection, size_of
from beautyspot.messages import checked
from beautyspot.results.validity import has_expired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from beautyspot.contracts import MetadataStoreBase, Order, TaskRecord, Totals
    from beautyspot.results.cache import Cache

L = TypeVar("L")


class Pruned(NamedTuple):
    """What `prune` removed: the number of results for each reason, and their size in bytes."""

    expired: int  # past their `ttl`
    old: int  # over `older_than`
    unused: int  # not used within `unused_for`
    evicted: int  # over `max_size` or `max_entries`: those that were not used for the longest time
    size: int  # of all of them, in bytes

    @property
    def entries(self) -> int:
        """How many results were removed in all."""
        return self.expired + self.old + self.unused + self.evicted


@dataclass(frozen=True, slots=True)
class Limits:
    """What may stay. Sizes in bytes, times in seconds; None is no limit."""

    max_size: int | None = None
    max_entries: int | None = None
    older_than: float | None = None
    unused_for: float | None = None
    expired: bool = False
    grace: float = 0.0  # what was made or used that lately is not evicted

    @property
    def have_reasons(self) -> bool:
        """Whether a row can be over a limit by itself."""
        return self.expired or self.older_than is not None or self.unused_for is not None

    def reason(self, record: TaskRecord, now: float) -> str:
        """Why a record has to go, as a field of `Pruned`; "" where it may stay."""
        ends = record.expires_at if self.expired else None
        if ends is not None and has_expired(now, record.made_at, ends):
            return "expired"
        made = record.made_at
        if self.older_than is not None and made is not None and now - made > self.older_than:
            return "old"
        last = _last_use(record)
        if self.unused_for is not None and last is not None and now - last > self.unused_for:
            return "unused"
        return ""


def read_limits(
    *,
    max_size: object = None,
    max_entries: object = None,
    older_than: object = None,
    unused_for: object = None,
    expired: bool = True,
) -> Limits:
    """The limits of `prune`.

    Raises:
        ConfigError: one is wrong.
    """
    return Limits(
        max_size=_optional("max_size", max_size, byte_count, SIZE),
        max_entries=_optional("max_entries", max_entries, count, "a whole number, 0 or more"),
        older_than=_optional("older_than", older_than, seconds, DURATION),
        unused_for=_optional("unused_for", unused_for, seconds, DURATION),
        expired=expired,
    )


def _optional(name: str, value: object, check: Callable[[object], L], expected: str) -> L | None:
    return None if value is None else checked(name, value, check, expected)


def _last_use(record: TaskRecord) -> float | None:
    times = [time for time in (record.made_at, record.used_at) if time is not None]
    return max(times, default=None)


class Rows(Protocol):
    """The rows of which some are removed: all of a store, or those that a filter lets through."""

    def rows(self, order: Order = "key") -> Iterator[TaskRecord]:
        """All of them, in an order."""
        ...

    def totals(self) -> Totals:
        """How many they are, and the bytes of their results."""
        ...


class _AllRows:
    def __init__(self, store: MetadataStoreBase) -> None:
        self._store = store

    def rows(self, order: Order = "key") -> Iterator[TaskRecord]:
        return listed(self._store, Selection(), order)

    def totals(self) -> Totals:
        return totals_of(self._store)


def over_limits(rows: Rows, limits: Limits, now: float) -> Iterator[tuple[TaskRecord, str]]:
    """The rows that are over the limits at a time, in Unix time, each with why it has to go.

    Whoever removes them does so while they are given. The reason is a field of `Pruned`.

    Raises:
        MetadataError: the store failed.
    """
    entries, size = limits.max_entries, limits.max_size
    left = rows.totals() if entries is not None or size is not None else None
    gone = gone_bytes = 0
    for record in rows.rows() if limits.have_reasons else ():
        if reason := limits.reason(record, now):
            gone, gone_bytes = gone + 1, gone_bytes + size_of(record)
            yield record, reason
    if left is None:
        return
    surplus = 0 if entries is None else left.entries - gone - entries
    bytes_over = 0 if size is None else left.size - gone_bytes - size
    for record in rows.rows("unused") if max(surplus, bytes_over) > 0 else ():
        if surplus <= 0 and bytes_over <= 0:
            return
        is_spared = limits.grace > 0 and now - (_last_use(record) or 0.0) < limits.grace
        wins_nothing = surplus <= 0 and not size_of(record)
        if not is_spared and not wins_nothing and not limits.reason(record, now):
            surplus, bytes_over = surplus - 1, bytes_over - size_of(record)
            yield record, "evicted"


def counted(over: Iterable[tuple[TaskRecord, str]]) -> Pruned:
    """How many these are for each reason, and their bytes."""
    counts: Counter[str] = Counter()
    for record, reason in over:
        counts[reason] += 1
        counts["size"] += size_of(record)
    return Pruned(*(counts[field] for field in Pruned._fields))


def prune(
    cache: Cache, limits: Limits, rows: Rows | None = None, *, stops: Callable[[], bool] = bool
) -> Pruned:
    """Remove every result that is over the limits.

    Args:
        cache: the results.
        limits: what may stay.
        rows: those that are looked at, of the same store; None: all.
        stops: whether to stop, and leave the rest.

    Raises:
        MetadataError: the store failed; what was not reached is still there.
    """
    cache.insist()
    over = over_limits(rows or _AllRows(cache.store.real), limits, cache.clock())

    def removed() -> Iterator[tuple[TaskRecord, str]]:
        while not stops() and (page := list(islice(over, PAGE))):
            gone = cache.saver.remove({record.cache_key: record for record, _ in page})
            yield from ((record, why) for record, why in page if record.cache_key in gone)

    try:
        return counted(removed())
    finally:
        cache.writer.try_later()  # there may be room again, for what could not be saved
