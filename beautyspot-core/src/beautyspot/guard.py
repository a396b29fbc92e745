"""A metadata store and a blob storage behind their circuit breakers and deadlines.

The cache asks its backends through these, so that a backend that fails, or hangs, costs its
time-out once in a while and not at every call. A hit that `mark.quick` finds does not come by here:
`find_plain` is the store's own, and `detours` tells `quick` when to leave it alone.

A backend that may block is given a deadline, in a thread of its own. One that states
``local = True`` is not: its operations are calls of the kernel, and too short for that price.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from beautyspot.answers import wrong_answer
from beautyspot.breaker import Breaker, MetadataResting, StorageResting
from beautyspot.contracts import BlobInfo, BlobStorageBase, Data, Lease, MetadataStoreBase
from beautyspot.deadline import within
from beautyspot.errors import MetadataError, StorageError
from beautyspot.hints import hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from beautyspot.contracts import Backend, Entry, TaskRecord, Totals
    from beautyspot.reports import Reporter

T = TypeVar("T")

METADATA_DEADLINE: Final = 30.0
"""Seconds within which a metadata store that may block has to answer."""

BLOB_DEADLINE: Final = 300.0
"""The same for a blob storage: gigabytes take their time."""


class Health:
    """Whether the backends of one Spot work.

    Attributes:
        detours: not empty while a hit must not be read from the store directly.
    """

    def __init__(self, reporter: Reporter, clock: Callable[[], float] = time.monotonic) -> None:
        self.detours: set[str] = set()
        self._reporter = reporter
        self._clock = clock
        store = partial(self._breaker, "metadata", MetadataResting)
        self.reads = store("the metadata store (look-ups)", on_change=self._reads_changed)
        self.writes = store("the metadata store (saves)")
        self.leases = store("the metadata store (leases)")
        storage = partial(self._breaker, "storage", StorageResting)
        self.loads = storage("the blob storage (loads)")
        self.saves = storage("the blob storage (saves)")

    def _breaker(
        self,
        point: str,
        resting: Any,
        what: str,
        on_change: Callable[[bool], object] | None = None,
    ) -> Breaker:
        def changed(opened: bool) -> None:
            if on_change is not None:
                on_change(opened)
            if not opened:
                self._reporter.recovered(point)

        return Breaker(what, resting, on_change=changed, clock=self._clock)

    def _reads_changed(self, opened: bool) -> None:
        (self.detours.add if opened else self.detours.discard)("reads")

    @property
    def breakers(self) -> tuple[Breaker, ...]:
        """All of them."""
        return (self.reads, self.writes, self.leases, self.loads, self.saves)

    def insist(self) -> None:
        """End all pauses: the next callers probe."""
        for breaker in self.breakers:
            breaker.insist()

    def reset_after_fork(self) -> None:
        """A forked child may have copied a lock while another thread held it."""
        for breaker in self.breakers:
            breaker.reset_after_fork()


def needs_deadline(backend: Backend | type[Backend]) -> bool:
    """Whether an operation of it may take so long that somebody should stop waiting."""
    return backend.blocking and not getattr(backend, "local", False)


class GuardedStore(MetadataStoreBase):
    """A metadata store as the cache asks it."""

    name = "guarded"

    def __init__(self, store: MetadataStoreBase, health: Health) -> None:
        self.real = store
        self._health = health
        self._deadline = METADATA_DEADLINE if needs_deadline(store) else None
        # What the classes state of themselves, and the one reading that bypasses the guard.
        vars(self).update(
            name=store.name,
            blocking=store.blocking,
            leases=store.leases,
            find_plain=store.find_plain,
        )

    def _ask(self, breaker: Breaker, work: Callable[[], T]) -> T:
        return breaker(work if self._deadline is None else partial(self._timed, work))

    def _timed(self, work: Callable[[], T]) -> T:
        assert self._deadline is not None  # noqa: S101 - see `_ask`
        try:
            return within(self._deadline, work)
        except MetadataError:
            raise  # also the store's own "busy", which is a TimeoutError
        except TimeoutError as error:
            raise MetadataError(
                f"{self.real!r} gave no answer within {self._deadline:.0f} s: check its server and "
                "the network"
            ) from error

    def read(self, work: Callable[[], T]) -> T:
        """Perform a look-up of several operations of `real` as one."""
        return self._ask(self._health.reads, work)

    def open(self) -> None:
        """See the base class."""
        self.read(self.real.open)

    @property
    def store_id(self) -> str:
        """See the base class."""
        return self.read(lambda: self.real.store_id)

    def get(self, key: str) -> TaskRecord | None:
        """See the base class."""
        return self.read(lambda: self.real.get(key))

    def find(self, key: str) -> Entry | None:
        """See the base class."""
        return self.read(lambda: self.real.find(key))

    def totals(self) -> Totals:
        """See the base class."""
        return self.read(self.real.totals)

    def scan(
        self,
        *,
        func_identifier: str | None = None,
        version: str | None = None,
        tag: str | None = None,
        with_data: bool = False,
    ) -> Iterator[TaskRecord]:
        """See the base class. Not guarded: it is nobody's call that waits for a listing."""
        return self.real.scan(
            func_identifier=func_identifier, version=version, tag=tag, with_data=with_data
        )

    def put(self, record: TaskRecord) -> None:
        """See the base class."""
        self._ask(self._health.writes, lambda: self.real.put(record))

    def put_many(self, records: Iterable[TaskRecord]) -> None:
        """See the base class."""
        self._ask(self._health.writes, lambda: self.real.put_many(records))

    def delete(self, key: str) -> bool:
        """See the base class."""
        return self._ask(self._health.writes, lambda: self.real.delete(key))

    def touch(self, used: Mapping[str, float]) -> None:
        """See the base class."""
        self._ask(self._health.writes, lambda: self.real.touch(used))

    def try_lease(self, key: str) -> Lease | None:
        """See the base class."""
        lease = self._ask(self._health.leases, lambda: self.real.try_lease(key))
        return lease if lease is None or self._deadline is None else _TimedLease(lease, self._timed)

    def close(self) -> None:
        """See the base class."""
        self.real.close()


class _TimedLease(Lease):
    __slots__ = ("_lease", "_timed")

    def __init__(self, lease: Lease, timed: Callable[[Callable[[], None]], None]) -> None:
        self._lease = lease
        self._timed = timed

    def release(self) -> None:
        self._timed(self._lease.release)


class GuardedStorage(BlobStorageBase):
    """A blob storage as the cache asks it."""

    name = "guarded"

    def __init__(self, storage: BlobStorageBase, health: Health) -> None:
        self.real = storage
        self._health = health
        self._deadline = BLOB_DEADLINE if needs_deadline(storage) else None
        vars(self).update(name=storage.name, blocking=storage.blocking)

    def _ask(self, breaker: Breaker, work: Callable[[], T]) -> T:
        return breaker(work if self._deadline is None else partial(self._timed, work))

    def _timed(self, work: Callable[[], T]) -> T:
        assert self._deadline is not None  # noqa: S101 - see `_ask`
        try:
            return within(self._deadline, work)
        except TimeoutError as error:
            raise StorageError(
                f"{self.real!r} gave no answer within {self._deadline:.0f} s: check its server and "
                "the network"
            ) from error

    def save(self, key: str, data: Data, *, content_type: str | None = None) -> str:
        """See the base class."""
        optional = hints(self.real.save, content_type=content_type)
        work = partial(self.real.save, key, data, **optional)
        location = self._ask(self._health.saves, work)
        if isinstance(location, str) and location:
            return location
        advice = "return where `load` finds it"
        raise StorageError(wrong_answer(self.real, "save", location, "the location", advice))

    def load(self, location: str) -> bytes:
        """See the base class."""
        data = self._ask(self._health.loads, lambda: self.real.load(location))
        if isinstance(data, bytes):
            return data
        if isinstance(data, bytearray | memoryview):
            return bytes(data)
        raise StorageError(wrong_answer(self.real, "load", data, "the blob", "return its bytes"))

    def whereabouts(self, location: str) -> str:
        """See the base class."""
        return self.real.whereabouts(location)

    def delete(self, location: str) -> None:
        """See the base class."""
        self._ask(self._health.saves, lambda: self.real.delete(location))

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """See the base class. Not guarded: it is nobody's call that waits for a listing."""
        return self.real.list(prefix)

    def close(self) -> None:
        """See the base class."""
        self.real.close()


def guarded_storage(
    find: Callable[[], BlobStorageBase | None], health: Health
) -> Callable[[], BlobStorageBase | None]:
    """A storage that is made when it is first needed, behind its guard."""
    known: list[GuardedStorage] = []

    def storage() -> BlobStorageBase | None:
        if known:
            return known[0]
        real = health.loads(find)
        if real is not None:
            known[:] = [GuardedStorage(real, health)]
        return known[0] if known else None

    return storage
