"""A metadata store and a blob storage behind their circuit breakers and deadlines.

The cache asks its backends through these, so that a backend that fails, or hangs, costs its
time-out once in a while and not at every call. A hit that `mark.quick` finds does not come by here:
it asks the store itself, and `detours` tells it when not to.

A backend that may block is given a deadline, in a thread of its own. One that states
``local = True`` is not: its operations are calls of the kernel, and too short for that price.
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar, overload

from beautyspot.concurrency.deadlines import within
from beautyspot.contracts import BlobInfo, BlobStorageBase, Data, Lease
from beautyspot.contracts.optional_arguments import hints
from beautyspot.contracts.wrong_answers import wrong_answer
from beautyspot.errors import MetadataError, StorageError
from beautyspot.resilience.circuit_breaker import Breaker, MetadataResting, StorageResting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot.contracts import Backend, MetadataStoreBase
    from beautyspot.resilience.reporting import Reporter

P = ParamSpec("P")
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


class GuardedStore:
    """A metadata store as the cache asks it: the same operations, each behind breaker and deadline.

    Attributes:
        real: the store itself.
        find_now: without the breaker, for a caller that goes by it in a way of its own.
        scan: has the deadline, for each page of records, and no breaker: a question of the user's
            own is asked whenever it is put.
    """

    def __init__(self, store: MetadataStoreBase, health: Health) -> None:
        self.real = store
        self.name, self.blocking, self.leases = store.name, store.blocking, store.leases
        self._deadline = METADATA_DEADLINE if needs_deadline(store) else None
        reads, writes = health.reads, health.writes
        self.find_now = self._timed(store.find)
        self.scan = self._listed(store.scan)
        self.open = reads.guarding(self._timed(store.open))
        self.get = reads.guarding(self._timed(store.get))
        self.find = reads.guarding(self.find_now)
        self.find_many = reads.guarding(self._timed(store.find_many))
        self.totals = reads.guarding(self._timed(store.totals))
        self._store_id = reads.guarding(self._timed(lambda: store.store_id))
        self.put = writes.guarding(self._timed(store.put))
        self.put_many = writes.guarding(self._timed(store.put_many))
        self.delete = writes.guarding(self._timed(store.delete))
        self.touch = writes.guarding(self._timed(store.touch))
        self.try_lease = health.leases.guarding(self._timed(self._lease))

    def behind(self, health: Health) -> GuardedStore:
        """The same store, and its deadline, behind other breakers."""
        other = GuardedStore(self.real, health)
        other._deadline = self._deadline
        return other

    @property
    def store_id(self) -> str:
        """See `MetadataStoreBase`."""
        store_id = self._store_id()
        if isinstance(store_id, str) and store_id:
            return store_id
        advice = "return a text of its own that never changes"
        raise MetadataError(wrong_answer(self.real, "store_id", store_id, "the ID", advice))

    def _timed(self, operation: Callable[P, T]) -> Callable[P, T]:
        """The operation within the deadline of a store that has one."""
        if self._deadline is None:
            return operation

        def timed(*args: P.args, **kwargs: P.kwargs) -> T:
            deadline = self._patience()
            try:
                return within(deadline, partial(operation, *args, **kwargs))
            except MetadataError:
                raise  # also the store's own "busy", which is a TimeoutError
            except TimeoutError as error:
                raise MetadataError(_no_answer(self.real, deadline)) from error

        return timed

    def _listed(self, operation: Callable[P, Iterator[T]]) -> Callable[P, Iterator[T]]:
        """The same for one that lists: the deadline is each page's."""
        if self._deadline is None:
            return operation

        def timed(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
            from beautyspot.resilience.paged_listing import listed

            try:
                yield from listed(self._patience, partial(operation, *args, **kwargs))
            except MetadataError:
                raise  # as above
            except TimeoutError as error:
                raise MetadataError(_no_answer(self.real, self._patience())) from error

        return timed

    def _patience(self) -> float:
        return self._deadline or 0.0

    def _lease(self, key: str) -> Lease | None:
        lease = self.real.try_lease(key)
        if lease is None or self._deadline is None:
            return lease
        return _TimedLease(self._timed(lease.release))

    def close(self) -> None:
        """See `MetadataStoreBase`."""
        self.real.close()


class _TimedLease(Lease):
    __slots__ = ("_release",)

    def __init__(self, release: Callable[[], None]) -> None:
        self._release = release

    def release(self) -> None:
        self._release()


def _no_answer(backend: Backend, seconds: float) -> str:
    return f"{backend!r} gave no answer within {seconds:.0f} s: check its server and the network"


class GuardedStorage(BlobStorageBase):
    """A blob storage as the cache asks it."""

    name = "guarded"

    def __init__(self, storage: BlobStorageBase, health: Health) -> None:
        self.real = storage
        self._health = health
        self._deadline = BLOB_DEADLINE if needs_deadline(storage) else None
        vars(self).update(name=storage.name, blocking=storage.blocking)

    def behind(self, health: Health) -> GuardedStorage:
        """The same storage, and its deadline, behind other breakers."""
        other = GuardedStorage(self.real, health)
        other._deadline = self._deadline
        return other

    def _ask(self, breaker: Breaker, work: Callable[[], T]) -> T:
        return breaker(work if self._deadline is None else partial(self._timed, work))

    def _timed(self, work: Callable[[], T]) -> T:
        assert self._deadline is not None  # noqa: S101 - see `_ask`
        try:
            return within(self._deadline, work)
        except TimeoutError as error:
            raise StorageError(_no_answer(self.real, self._deadline)) from error

    def save(self, key: str, data: Data, *, content_type: str | None = None) -> str:
        """See the base class."""
        optional = hints(self.real.save, content_type=content_type)
        work = partial(self.real.save, key, data, **optional)
        location = self._ask(self._health.saves, work)
        if isinstance(location, str) and location:
            return location
        advice = "return where `load` finds it"
        raise StorageError(wrong_answer(self.real, "save", location, "the location", advice))

    @overload
    def load(self, location: str, *, writable: Literal[False] = ...) -> bytes: ...

    @overload
    def load(self, location: str, *, writable: bool) -> bytes | bytearray: ...

    def load(self, location: str, *, writable: bool = False) -> bytes | bytearray:
        """The bytes; where they are to be written to, a `bytearray` that nobody else has."""
        optional = hints(self.real.load, writable=writable or None)
        data: object = self._ask(self._health.loads, partial(self.real.load, location, **optional))
        if isinstance(data, bytes) and not writable:
            return data
        if isinstance(data, bytearray) and optional:
            return data
        if isinstance(data, bytes | bytearray | memoryview):
            return bytearray(data) if writable else bytes(data)
        raise StorageError(wrong_answer(self.real, "load", data, "the blob", "return its bytes"))

    def whereabouts(self, location: str) -> str:
        """See the base class."""
        return self.real.whereabouts(location)

    def delete(self, location: str) -> None:
        """See the base class."""
        self._ask(self._health.saves, lambda: self.real.delete(location))

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """See the base class. The deadline is each page's; see `GuardedStore` on the breaker."""
        if self._deadline is None:
            return self.real.list(prefix)
        return self._listed(prefix, self._deadline)

    def _listed(self, prefix: str, seconds: float) -> Iterator[BlobInfo]:
        from beautyspot.resilience.paged_listing import listed

        try:
            yield from listed(lambda: seconds, lambda: self.real.list(prefix))
        except StorageError:
            raise  # a storage's own error may be a TimeoutError as well
        except TimeoutError as error:
            raise StorageError(_no_answer(self.real, seconds)) from error

    def close(self) -> None:
        """See the base class."""
        self.real.close()


class TimedStorage(GuardedStorage):
    """The same for who clears up: with deadlines, and without breakers.

    That some blobs can't be deleted says nothing about saves, nor about the next blob.
    """

    def __init__(self, guarded: GuardedStorage) -> None:
        super().__init__(guarded.real, guarded._health)
        self._deadline = guarded._deadline

    def _ask(self, breaker: Breaker, work: Callable[[], T]) -> T:
        del breaker
        return self.in_time(work)

    def in_time(self, work: Callable[[], T]) -> T:
        """What `work`, which asks the storage for something else, gives within the deadline."""
        return work() if self._deadline is None else self._timed(work)


def guarded_storage(
    find: Callable[[], BlobStorageBase | None], health: Health
) -> Callable[[], GuardedStorage | None]:
    """A storage that is made when it is first needed, behind its guard."""
    known: list[GuardedStorage] = []

    def storage() -> GuardedStorage | None:
        if known:
            return known[0]
        real = health.loads(find)
        if real is not None:
            known[:] = [GuardedStorage(real, health)]
        return known[0] if known else None

    return storage
