"""Pruning: remove results that are expired, old, unused, or too many. Only when it is asked for.

A row is removed before its blob, so that no row points to a blob that is gone. What is removed is
the row that was listed: a result that has taken its place meanwhile stays.

`SizeLimit` keeps a store under the setting `max_size`, in a thread behind the calls. What this
process stores is counted, and nothing else is done at a save. After a twentieth of the limit, and
ten minutes after the last look, a thread asks the store how much it holds. Where that is over the
limit, it removes what was not used for the longest time, down to nine tenths. Where several
processes do that at once, they remove the same results.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from beautyspot.concurrency import deferred
from beautyspot.contracts import DURATION, SIZE, byte_count, seconds
from beautyspot.contracts.checked import whole
from beautyspot.contracts.selection import Selection, last_use, size_of
from beautyspot.contracts.store import PAGE, listed, totals_of
from beautyspot.logs import logger
from beautyspot.messages import checked
from beautyspot.results.validity import has_expired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from beautyspot.contracts import Order, TaskRecord, Totals
    from beautyspot.results.cache import Cache

    Rows = Callable[[Order], Iterator[TaskRecord]]

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

    def reason(self, record: TaskRecord, now: float) -> str:
        """Why a record has to go, as a field of `Pruned`; "" where it may stay."""
        ends = record.expires_at if self.expired else None
        if has_expired(now, record.made_at, ends):
            return "expired"
        made = record.made_at
        if self.older_than is not None and made is not None and now - made > self.older_than:
            return "old"
        last = last_use(record)
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
        max_entries=_optional("max_entries", max_entries, whole, "a whole number, 0 or more"),
        older_than=_optional("older_than", older_than, seconds, DURATION),
        unused_for=_optional("unused_for", unused_for, seconds, DURATION),
        expired=expired,
    )


def _optional(name: str, value: object, check: Callable[[object], L], expected: str) -> L | None:
    return None if value is None else checked(name, value, check, expected)


def over_limits(
    rows: Rows, totals: Callable[[], Totals], limits: Limits, now: float
) -> Iterator[tuple[TaskRecord, str]]:
    """The rows that are over the limits at a time, in Unix time, each with why it has to go.

    Whoever removes them does so while they are given. The reason is a field of `Pruned`.

    Args:
        rows: gives those that are looked at, in an order.
        totals: how many they are, and their bytes.
        limits: what may stay.
        now: the time.

    Raises:
        MetadataError: the store failed.
    """
    entries, size = limits.max_entries, limits.max_size
    left = totals() if entries is not None or size is not None else None
    gone = gone_bytes = 0
    by_itself = limits.expired or limits.older_than is not None or limits.unused_for is not None
    for record in rows("key") if by_itself else ():
        if reason := limits.reason(record, now):
            gone, gone_bytes = gone + 1, gone_bytes + size_of(record)
            yield record, reason
    if left is None:
        return
    surplus = 0 if entries is None else left.entries - gone - entries
    bytes_over = 0 if size is None else left.size - gone_bytes - size
    for record in rows("unused") if max(surplus, bytes_over) > 0 else ():
        if surplus <= 0 and bytes_over <= 0:
            return
        wins_nothing = surplus <= 0 and not size_of(record)
        if not wins_nothing and not limits.reason(record, now):
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
    cache: Cache,
    limits: Limits,
    rows: Rows | None = None,
    totals: Callable[[], Totals] | None = None,
    at: float | None = None,
) -> Pruned:
    """Remove every result that is over the limits.

    Args:
        cache: the results.
        limits: what may stay.
        rows, totals: those that are looked at, of the same store; None: all.
        at: the Unix time from which ages are counted; None: now.

    Raises:
        MetadataError: the store failed; what was not reached is still there.
    """
    cache.insist()
    real = cache.store.real
    rows, totals = rows or partial(listed, real, Selection()), totals or partial(totals_of, real)
    over = over_limits(rows, totals, limits, cache.store.clock() if at is None else at)

    def removed() -> Iterator[tuple[TaskRecord, str]]:
        while page := list(islice(over, PAGE)):
            gone = cache.saver.remove({record.cache_key: record for record, _ in page})
            yield from ((record, why) for record, why in page if record.cache_key in gone)

    return counted(removed())


INTERVAL: Final = 600.0
"""Seconds after which the next save has the store looked at, however little was stored."""


class SizeLimit:
    """The limit of one Spot.

    Args:
        most: bytes of all results.
        cache: the results.
        write_uses: writes when this process last found results.
        is_closed: whether the Spot was shut down.
        holding: a context in which the store stays open all the same.
    """

    def __init__(
        self,
        most: int,
        cache: Cache,
        write_uses: Callable[[], object],
        *,
        is_closed: Callable[[], bool],
        holding: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._most, self._goal, self._step = most, most * 9 // 10, most // 20
        self._cache = cache
        self._write_uses = write_uses
        self._is_closed = is_closed
        self._holding = holding
        self._grown = 0
        self._due = 0.0  # the first save has it looked at: other processes have stored before
        self._checks = False

    def add(self, size: int) -> None:
        """Note that so many bytes were stored; the store is looked at where it is time."""
        if size > self._goal:
            about = f"max_size={self._most} is too small for a result of {size} bytes"
            advice = "It is removed again, and made anew by the next call: raise max_size"
            self._cache.reporter.once("max_size", f"{about}. {advice}")
        self._grown += size
        if (self._grown > self._step or monotonic() >= self._due) and not self._checks:
            self._checks = True
            self._grown, self._due = 0, monotonic() + INTERVAL
            deferred.later(self._check)

    def reset_after_fork(self) -> None:
        """The thread stayed in the parent."""
        self._checks = False

    def _check(self) -> None:
        """Remove what is over the limit."""
        cache = self._cache
        try:
            with self._holding():
                if self._is_closed() or totals_of(cache.store.real).size <= self._most:
                    return
                self._write_uses()
                pruned = prune(cache, Limits(max_size=self._goal))
        except Exception as error:
            advice = "It grows until that is mended: mend the store, or call spot.prune(…)"
            cache.reporter.report("keep the store under max_size", "", error, advice)
        else:
            logger.info(
                "%s: %d results of %d bytes were removed, to keep the store under max_size",
                *(cache.reporter.spot, pruned.evicted, pruned.size),
            )
        finally:
            self._checks = False
