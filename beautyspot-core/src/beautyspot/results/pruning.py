"""Pruning: remove results that are expired, old, unused, or too many. Only when it is asked for.

A row is removed before its blob, so that no row points to a blob that is gone. Each row is read
again just before it is removed, under its key's lease where the store has leases: a result that
another thread or process computes, or has replaced meanwhile, stays.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

from beautyspot.concurrency.together import together
from beautyspot.config.settings import count
from beautyspot.contracts import DURATION, SIZE, Totals, byte_count, seconds
from beautyspot.errors import MetadataError
from beautyspot.messages import checked
from beautyspot.results.validity import has_expired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import TaskRecord
    from beautyspot.resilience.guarded_backends import GuardedStore
    from beautyspot.results.cache import Cache

L = TypeVar("L")

GONE: Final = "gone"
KEPT: Final = "kept"
REMOVED: Final = "removed"


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

    def reason(self, record: TaskRecord, used: float | None, now: float) -> str:
        """Why a record has to go, as a field of `Pruned`; "" where it may stay."""
        ends = record.expires_at if self.expired else None
        if ends is not None and has_expired(now, record.made_at, ends):
            return "expired"
        made = record.made_at
        if self.older_than is not None and made is not None and now - made > self.older_than:
            return "old"
        last = last_use(record, used)
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


class _Candidate(NamedTuple):
    """A row that may be evicted."""

    last_use: float
    key: str
    made_at: float | None
    size: int
    weight: int  # of what there is too much of: bytes, or rows


def last_use(record: TaskRecord, used: float | None = None) -> float | None:
    """When the result was made or last found, in Unix time; `used` is what this process knows."""
    times = [time for time in (record.made_at, record.used_at, used) if time is not None]
    return max(times, default=None)


class Rows(Protocol):
    """The rows of which some are removed: all of a store, or those that a filter lets through."""

    def all(self) -> Iterator[TaskRecord]:
        """All of them."""
        ...

    def totals(self) -> Totals:
        """How many they are, and the bytes of their results."""
        ...


class _AllRows:
    def __init__(self, metadata: GuardedStore) -> None:
        self.all = metadata.scan
        self.totals = metadata.totals


def prune(
    cache: Cache,
    used: dict[str, float],
    limits: Limits,
    rows: Rows | None = None,
    *,
    stops: Callable[[], bool] = bool,
) -> Pruned:
    """Remove every result that is over the limits.

    Args:
        cache: the results.
        used: by key, when this process last found a result, in Unix time.
        limits: what may stay.
        rows: those that are looked at, of the same store; None: all.
        stops: whether to stop, and leave the rest.

    Raises:
        MetadataError: the store failed; what was not reached is still there.
    """
    own = cache.for_the_user()
    take = partial(remove, own)
    rows = rows or _AllRows(own.metadata)
    at_once = own.metadata.at_once
    pruning = _Pruning(rows, used, limits, cache.clock(), take, stops=stops, at_once=at_once)
    try:
        return pruning.prune()
    finally:
        if pruning.counts:  # there may be room again, for what could not be saved
            cache.health.insist()


def foresee(
    rows: Rows,
    limits: Limits,
    now: float,
    choose: Callable[[str, float | None], object] = lambda _key, _made: None,
) -> Pruned:
    """What `prune` would remove; nothing is.

    Args:
        rows, limits: as for `prune`.
        now: the time, in Unix time.
        choose: called for each row that would be removed, with its key and when it was made.

    Raises:
        MetadataError: the store failed.
    """

    def take(key: str, made: float | None) -> str:
        choose(key, made)
        return REMOVED

    return _Pruning(rows, {}, limits, now, take, foreseen=True).prune()


class _Pruning:
    """One run over some rows. `take` removes a row, or only says so: then it is `foreseen`."""

    def __init__(
        self,
        rows: Rows,
        used: dict[str, float],
        limits: Limits,
        now: float,
        take: Callable[[str, float | None], str],
        *,
        foreseen: bool = False,
        stops: Callable[[], bool] = bool,
        at_once: int = 1,
    ) -> None:
        self._stops = stops
        self._at_once = at_once
        self._rows = rows
        self._used = used
        self._limits = limits
        self._now = now
        self._take = take
        self._foreseen = foreseen
        self._tried: set[str] = set()
        self.counts: Counter[str] = Counter()

    def prune(self) -> Pruned:
        """Remove what is over the limits."""
        unfit = (
            (record, reason)
            for record in (self._rows.all() if self._limits.have_reasons else ())
            if (reason := self._reason(record))
        )
        take = self._take
        taken = together(lambda one: take(one[0].cache_key, one[0].made_at), unfit, self._at_once)
        for (record, reason), outcome in taken:
            if outcome == REMOVED:
                self._count(reason, size_of(record))
        most, size = self._limits.max_entries, self._limits.max_size
        if most is not None:
            self._evict(lambda: self._there().entries - most, lambda _: 1)
        if size is not None:
            self._evict(lambda: self._there().size - size, size_of)
        return self._pruned()

    def _pruned(self) -> Pruned:
        return Pruned(*(self.counts[field] for field in Pruned._fields))

    def _there(self) -> Totals:
        """What is left: what is only foreseen, the rows still count as theirs."""
        totals = self._rows.totals()
        if not self._foreseen:
            return totals
        gone = self._pruned()
        return Totals(totals.entries - gone.entries, totals.size - gone.size)

    def _reason(self, record: TaskRecord) -> str:
        return self._limits.reason(record, self._used.get(record.cache_key), self._now)

    def _count(self, reason: str, size: int) -> None:
        self.counts[reason] += 1
        self.counts["size"] += size

    def _evict(self, over: Callable[[], int], weigh: Callable[[TaskRecord], int]) -> None:
        """Remove what was not used for the longest time, until no bytes or rows are `over`.

        That is asked again once the rows were listed, and where others took a part of them: what
        they remove at the same time counts as well. Those that another process makes anew at this
        moment stay, and others go in their place.
        """
        left = over()
        while left > 0 and (longest_unused := _first(self._candidates(weigh), left)):
            left = min(left, over())  # never more: what is stored meanwhile is for the next time
            if self._stops():
                return
            left -= self._take_first(longest_unused, left)

    def _take_first(self, candidates: list[_Candidate], weight: int) -> int:
        """Try the first ones, which have this weight together; the weight of those removed here."""
        removed = 0
        take = self._take
        tried = self._until(candidates, weight)
        taken = together(lambda one: take(one.key, one.made_at), tried, self._at_once)
        for candidate, outcome in taken:
            if outcome == REMOVED:
                self._count("evicted", candidate.size)
                removed += candidate.weight
        return removed

    def _until(self, candidates: list[_Candidate], weight: int) -> Iterator[_Candidate]:
        """The first ones, which have this weight together."""
        for candidate in candidates:
            if weight <= 0 or self._stops():
                break
            weight -= candidate.weight
            self._tried.add(candidate.key)
            yield candidate

    def _candidates(self, weigh: Callable[[TaskRecord], int]) -> Iterator[_Candidate]:
        """Every row that weighs something: to remove another one wins nothing.

        Those that had to go for another reason are gone by now, or are made anew.
        """
        for record in self._rows.all():
            key, weight = record.cache_key, weigh(record)
            if weight and key not in self._tried and not self._reason(record):
                last = last_use(record, self._used.get(key)) or 0.0
                if not self._is_spared(last):
                    yield _Candidate(last, key, record.made_at, size_of(record), weight)

    def _is_spared(self, last: float) -> bool:
        """Whether a row was used too lately to be evicted."""
        grace = self._limits.grace
        return grace > 0 and self._now - last < grace


def _first(candidates: Iterator[_Candidate], weight: int) -> list[_Candidate]:
    """Those that were used first, as few as together have this weight, or all.

    No more than these are kept in memory.
    """
    chosen: list[tuple[float, int, _Candidate]] = []  # a heap: what was used last comes first
    total = 0
    for number, candidate in enumerate(candidates):
        heappush(chosen, (-candidate.last_use, -number, candidate))
        total += candidate.weight
        while total - chosen[0][2].weight >= weight:
            total -= heappop(chosen)[2].weight
    return [candidate for *_, candidate in sorted(chosen, reverse=True)]


def size_of(record: TaskRecord) -> int:
    """The bytes of a result; rows of 2.x don't say, and count as none."""
    return max(0, record.size or 0)


def remove(cache: Cache, key: str, made: float | None, *, leased_too: bool = False) -> str:
    """Remove the row of `key` and its blob, unless it was replaced since it was `made`.

    A row that is being made anew stays too, unless `leased_too`: that is for what was invalidated,
    whose new result is not stored. An entry of an earlier release has no such time, and is replaced
    by none.

    Raises:
        MetadataError: the store failed.
    """
    with claimed(cache, key) as is_free:
        if not is_free and not leased_too:
            return KEPT
        entry = cache.find(key)
        if entry is None:
            return GONE
        if entry.made_at not in (None, made) or not cache.metadata.delete(key):
            return KEPT
        cache.placement.discard(key, entry.result_value)
        return REMOVED


@contextmanager
def claimed(cache: Cache, key: str) -> Iterator[bool]:
    """Hold the lease of `key`; whether no other thread or process computes or saves it.

    True as well where the store has no leases, or they fail.
    """
    lease = None
    if cache.metadata.leases:
        try:
            lease = cache.metadata.try_lease(key)
        except MetadataError:
            yield True
            return
        if lease is None:
            yield False
            return
    try:
        yield True
    finally:
        if lease is not None:
            lease.release()
