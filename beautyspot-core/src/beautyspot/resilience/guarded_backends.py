"""A metadata store and a blob storage behind their circuit breakers.

The cache asks its backends through these, so that a backend that fails costs its time-out once in a
while and not at every call: an operation that may block ends by itself, within a time-out of its
own. The fast path to a hit does not come by here: it asks the store itself, and `detours` tells it
when not to.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from beautyspot.concurrency import locks
from beautyspot.contracts import BlobStorageBase, Invalidation
from beautyspot.contracts.calling import hints, wrong_answer
from beautyspot.errors import MetadataError, StorageError
from beautyspot.resilience.admission import Admission
from beautyspot.resilience.circuit_breaker import MetadataResting
from beautyspot.resilience.guarded_leases import StoreLeases
from beautyspot.resilience.store_clock import StoreClock, has_own_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from beautyspot.contracts import (
        BlobInfo,
        Data,
        MetadataStoreBase,
        Readable,
        TaskRecord,
    )
    from beautyspot.resilience.circuit_breaker import Breaker
    from beautyspot.resilience.health import Health

P = ParamSpec("P")
T = TypeVar("T")

PART: Final = 8 * 2**20
"""Bytes of a file that are loaded at a time."""


class GuardedStore:
    """A metadata store as the cache asks it: its operations, each behind a breaker.

    Attributes:
        real: the store itself.
        clock: gives the time by which all that is stored goes; asks the store as rarely as it can.
        find_now, find_many_now, find_code, put_at_once: without the breaker, for callers that
            handle failures.
        is_far: whether it is on a network: an operation may wait for a time-out.
        scan: has no breaker: what a user asks for is tried, whatever failed before.
        at_once: how many questions it answers as quickly as one.
        held: the leases of the store.
        signs: whether what is stored through it is signed, where the store may demand that.
        add_counts, remark: have none: if they can't be written, results may; not asked where these
            can't.
    """

    def __init__(
        self,
        store: MetadataStoreBase,
        health: Health,
        kin: GuardedStore | None = None,
        *,
        signs: bool = True,
    ) -> None:
        self.real = store
        self.name, self.blocking = store.name, store.blocking
        locks.holds_in(store.open, store.get, store.find, store.find_many, store.find_code)
        locks.holds_in(store.totals, store.scan)
        locks.holds_in(store.put, store.put_many, store.delete, store.touch, store.try_lease)
        locks.holds_in(store.note_invalidation, store.generation, store.invalidated_since)
        locks.holds_in(store.put_valid, store.put_many_valid, store.begin, store.begin_many)
        locks.holds_in(store.put_at_once)
        locks.holds_in(store.share_waits, store.lease_holder, store.add_counts, store.remark)
        self.leases, self.invalidations = store.leases, store.invalidations
        self.most_leases, self.at_once = store.most_leases, store.at_once
        self.is_far = store.blocking and not getattr(store, "local", False)
        if self.is_far:
            health.have_one_server()
        self._admission: Admission = (
            Admission(store, health.reporter, signs=signs) if kin is None else kin._admission
        )
        reads, writes, allowed = health.reads.guarding, health.writes.guarding, self._allowed
        if kin is None:
            self.clock: Callable[[], float] = store.now
            if has_own_clock(store):  # to ask it is to ask for no result: see `Admission`
                self.clock = StoreClock(reads(store.now), health.reporter, waits=store.blocking)
            self.held = StoreLeases(store, self.heard, health.leases, health.reporter.spot)
        else:
            self.clock, self.held = kin.clock, kin.held
        self.find_now = allowed(store.find)
        self.scan = allowed(store.scan)
        self._open = reads(self._admission.open)
        self.get = reads(allowed(store.get))
        self.find = reads(self.find_now)
        self.find_code = allowed(store.find_code)
        self.find_many_now = allowed(store.find_many)
        self.find_many = reads(self.find_many_now)
        self.totals = reads(allowed(store.totals))
        self._store_id = reads(allowed(lambda: store.store_id))
        self.put = writes(allowed(store.put))
        self.put_many = writes(allowed(store.put_many))
        self.put_valid = writes(allowed(store.put_valid))
        self._put_many_valid = writes(allowed(store.put_many_valid))
        self.put_at_once = store.put_at_once
        self.note_invalidation = writes(allowed(store.note_invalidation))
        self._generation = health.log.guarding(allowed(store.generation))
        self._invalidated_since = health.log.guarding(allowed(store.invalidated_since))
        self.delete = writes(allowed(store.delete))
        self.touch = writes(allowed(store.touch))
        self.counters = store.counters
        self.add_counts = self._beside(health.writes, store.add_counts)
        self.remark = self._beside(health.writes, store.remark)
        self._share_waits = health.leases.guarding(allowed(store.share_waits))
        self.lease_holder = health.leases.guarding(allowed(store.lease_holder))
        leasing = health.leases.guarding
        self.try_lease = leasing(allowed(self.held.try_lease))
        self.begin = leasing(allowed(self.held.begin))
        self.begin_many = leasing(allowed(self.held.begin_many))

    def _allowed(self, operation: Callable[P, T]) -> Callable[P, T]:
        """The operation, once it is known that the Spot may use the store."""
        return self._admission.needed_for(operation) if self.is_far else operation

    def _beside(self, writes: Breaker, write: Callable[[T], None]) -> Callable[[T], None]:
        allowed = self._allowed(write)

        def written(what: T) -> None:
            if writes.is_resting():
                raise MetadataResting("no counts are written while no results are")
            allowed(what)

        return written

    def behind(self, health: Health) -> GuardedStore:
        """The same store behind other breakers."""
        return GuardedStore(self.real, health, self)

    @property
    def has_own_clock(self) -> bool:
        """Whether its clock is another one than this machine's."""
        return isinstance(self.clock, StoreClock)

    def open(self) -> None:
        """See `MetadataStoreBase`. What the store's clock shows is known from here on."""
        self._open()
        if self._admission.is_given:
            self.find_now = self.real.find  # a hit need not look again
        if isinstance(self.clock, StoreClock):
            self.clock.measure()

    def heard(self, now: float, sent: float) -> None:
        """Note the time in an answer of the store to a question that was sent at these `ticks`."""
        if isinstance(self.clock, StoreClock):
            self.clock.hear(now, sent)

    @property
    def store_id(self) -> str:
        """See `MetadataStoreBase`."""
        store_id = self._store_id()
        if isinstance(store_id, str) and store_id:
            return store_id
        advice = "return a text of its own that never changes"
        raise self._wrong("store_id", store_id, "the ID", advice)

    def generation(self) -> int:
        """See `MetadataStoreBase`."""
        number: object = self._generation()
        if isinstance(number, int) and number >= 0:
            return number
        raise self._wrong("generation", number, "a number, 0 or more", "return the last one's")

    def invalidated_since(self, generation: int) -> list[Invalidation]:
        """See `MetadataStoreBase`."""
        noted: object = self._invalidated_since(generation)
        if isinstance(noted, list) and all(isinstance(what, Invalidation) for what in noted):
            return noted
        raise self._wrong("invalidated_since", noted, "a list", "return what was noted")

    def share_waits(self, waits: Mapping[str, set[str]]) -> Mapping[str, Collection[str]]:
        """See `MetadataStoreBase`."""
        others: object = self._share_waits(waits)
        if isinstance(others, Mapping):
            return others
        raise self._wrong("share_waits", others, "a table", "return the waits of the others")

    def put_many_valid(self, rows: list[tuple[TaskRecord, int]]) -> set[str]:
        """See `MetadataStoreBase`."""
        refused: object = self._put_many_valid(rows)
        if isinstance(refused, set):
            return refused
        raise self._wrong("put_many_valid", refused, "a set", "return the keys of what it refused")

    def _wrong(self, method: str, answer: object, what: str, advice: str) -> MetadataError:
        return MetadataError(wrong_answer(self.real, method, answer, what, advice))


class GuardedStorage:
    """A blob storage as the cache asks it: its operations, each behind a breaker.

    Attributes:
        real: the storage itself.
    """

    def __init__(self, storage: BlobStorageBase, health: Health | None) -> None:
        self.real = storage
        self.name, self.blocking = storage.name, storage.blocking
        locks.holds_in(storage.save, storage.load, storage.delete, storage.list)
        locks.holds_in(storage.save_file, storage.load_part)
        self._saves = _unguarded if health is None else health.saves.guarding
        self._loads = _unguarded if health is None else health.loads.guarding

    def behind(self, health: Health | None) -> GuardedStorage:
        """The same storage behind other breakers.

        None for a collector: if a blob can't be deleted, saves and the next blob may still work.
        """
        return GuardedStorage(self.real, health)

    def save(self, key: str, data: Data, *, content_type: str | None = None) -> str:
        """See `BlobStorageBase`."""
        optional = hints(self.real.save, content_type=content_type)
        return self._location("save", self._saves(self.real.save)(key, data, **optional))

    def save_file(self, key: str, file: Readable, *, content_type: str) -> str:
        """See `BlobStorageBase`."""
        optional = hints(self.real.save_file, content_type=content_type)
        saved = self._saves(self.real.save_file)(key, file, **optional)
        return self._location("save_file", saved)

    def _location(self, method: str, location: object) -> str:
        if isinstance(location, str) and location:
            return location
        advice = "return where `load` finds it"
        raise StorageError(wrong_answer(self.real, method, location, "the location", advice))

    def load(self, location: str, *, writable: bool = False) -> Data:
        """The bytes; with `writable` in memory to be written to, to which nothing else refers."""
        optional = hints(self.real.load, writable=writable or None)
        data: object = self._loads(self.real.load)(location, **optional)
        if not isinstance(data, bytes | bytearray | memoryview):
            advice = "return its bytes"
            raise StorageError(wrong_answer(self.real, "load", data, "the blob", advice))
        if not writable:
            return bytes(data)
        with memoryview(data) as view:
            is_theirs = bool(optional) and not view.readonly
        return data if is_theirs else bytearray(data)

    def parts(self, location: str, start: int = 0, stop: float = math.inf) -> Iterator[bytes]:
        """The bytes of a blob from `start` on to `stop`, as few in memory as there have to be.

        A storage that can't read a part loads the whole.
        """
        if type(self.real).load_part is BlobStorageBase.load_part:
            whole = memoryview(self.load(location))
            yield bytes(whole[start : int(min(stop, len(whole)))])
            return
        load = self._loads(self.real.load_part)
        while start < stop:
            size = int(min(PART, stop - start))
            found: object = load(location, start, size)
            if not isinstance(found, bytes) or len(found) > size:
                advice = "return at most as many bytes as it is asked for"
                raise StorageError(wrong_answer(self.real, "load_part", found, "a part", advice))
            yield found
            start, stop = start + size, stop if len(found) == size else 0  # 0: the blob has ended

    def local_path(self, location: str) -> Path | None:
        """See `BlobStorageBase`."""
        return self.real.local_path(location)

    def delete(self, location: str) -> None:
        """See `BlobStorageBase`."""
        self._saves(self.real.delete)(location)

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """See `BlobStorageBase`; without a breaker, as `GuardedStore.scan`."""
        return self.real.list(prefix)

    def whereabouts(self, location: str) -> str:
        """See `BlobStorageBase`."""
        return self.real.whereabouts(location)


def _unguarded(operation: Callable[P, T]) -> Callable[P, T]:
    return operation


def guarded_storage(
    find: Callable[[], BlobStorageBase | None], health: Health
) -> Callable[[], GuardedStorage | None]:
    """A storage that is made when it is first needed, behind its guard."""
    known: list[GuardedStorage] = []

    def storage() -> GuardedStorage | None:
        real = None if known else health.loads(find)
        if real is not None:
            known[:] = [GuardedStorage(real, health)]
        return known[0] if known else None

    return storage
