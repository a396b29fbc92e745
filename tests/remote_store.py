"""A metadata store as on a server, in this process: for tests of what core does with such a store.

`Server` is the content, with a clock of its own. Each `RemoteStore` of it is a client, as those of
several machines: it blocks, its leases hold for a while only, and `asked` tells what it was asked,
one name for each round trip.
"""

from __future__ import annotations

import functools
import itertools
import os
import queue
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from beautyspot.concurrency import locks
from beautyspot.contracts import Lease
from beautyspot.memory import InvalidationLog, MemoryMetadataStore
from owned_clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from beautyspot.contracts import Counts, TaskRecord

F = TypeVar("F", bound="Callable[..., Any]")


def _trip(operation: F) -> F:
    """Note the outermost operation: one round trip."""

    @functools.wraps(operation)
    def noted(self: RemoteStore, *args: Any, **kwargs: Any) -> Any:
        if getattr(self.inside, "depth", 0):
            return operation(self, *args, **kwargs)
        self.ask(operation.__name__, args)
        self.inside.depth = 1
        try:
            with self.server.lock:
                return operation(self, *args, **kwargs)
        finally:
            self.inside.depth = 0

    return noted  # type: ignore[return-value] # it is called as the operation is


class Going(Clock):
    """A clock that goes, and can be set forward by `now`."""

    def __init__(self) -> None:
        super().__init__(time.time())
        self._began = time.monotonic()

    def __call__(self) -> float:
        return self.now + time.monotonic() - self._began


class Server:
    """What all clients share."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Going()
        self.lock = locks.reentrant()
        self.store_id = os.urandom(8).hex()
        self.records: dict[str, TaskRecord] = {}
        self.log = InvalidationLog()
        self.counts: dict[tuple[str, int], Counts] = {}
        self.held: dict[str, tuple[str, float]] = {}  # token, and until when
        self.numbers = itertools.count(1)
        self.listeners: list[queue.SimpleQueue[str]] = []

    def holder(self, key: str) -> str:
        """The token of the lease of a key that has not fallen; "" where there is none."""
        token, until = self.held.get(key, ("", 0.0))
        return token if self.clock() < until else ""

    def free(self, key: str) -> None:
        """End a lease, and tell those that listen."""
        if self.held.pop(key, None) is not None:
            for listener in self.listeners:
                listener.put(key)


class RemoteLease(Lease):
    def __init__(self, store: RemoteStore, key: str, token: str) -> None:
        self.store = store
        self.key = key
        self.token = token
        self.is_over = False

    def release(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.store.release(self)


class RemoteStore(MemoryMetadataStore):
    """A client.

    Args:
        server: None: one of its own.
        lease_time: seconds, by the server's clock.
        tells: whether it tells what was released.

    Attributes:
        asked: the round trips, by the names of the operations.
        before: called before each, with its name and arguments; what it raises is its failure.
    """

    blocking: ClassVar[bool] = True
    remote = True

    def __init__(
        self, server: Server | None = None, *, lease_time: float = 30.0, tells: bool = False
    ) -> None:
        super().__init__()
        self.server = server or Server()
        self.lease_time = lease_time
        self.tells = tells
        self.asked: list[str] = []
        self.before: Callable[[str, tuple[Any, ...]], object] = lambda _name, _args: None
        self.inside = threading.local()
        self._records = self.server.records
        self._log = self.server.log
        self._counts = self.server.counts
        self._store_id = self.server.store_id
        self._leases: dict[str, RemoteLease] = {}
        self._news: queue.SimpleQueue[str] | None = None

    def ask(self, name: str, args: tuple[Any, ...]) -> None:
        self.asked.append(name)
        self.before(name, args)

    def now(self) -> float:
        return self.server.clock()

    find = _trip(MemoryMetadataStore.find)
    find_many = _trip(MemoryMetadataStore.find_many)
    find_code = _trip(MemoryMetadataStore.find_code)
    get = _trip(MemoryMetadataStore.get)
    put = _trip(MemoryMetadataStore.put)
    put_many = _trip(MemoryMetadataStore.put_many)
    delete = _trip(MemoryMetadataStore.delete)
    note_invalidation = _trip(MemoryMetadataStore.note_invalidation)
    generation = _trip(MemoryMetadataStore.generation)
    invalidated_since = _trip(MemoryMetadataStore.invalidated_since)
    begin = _trip(MemoryMetadataStore.begin)
    begin_many = _trip(MemoryMetadataStore.begin_many)

    @_trip
    def try_lease(self, key: str) -> Lease | None:
        if self.server.holder(key):
            return None
        token = str(next(self.server.numbers))
        self.server.held[key] = token, self.server.clock() + self.lease_time
        lease = self._leases[key] = RemoteLease(self, key, token)
        return lease

    @_trip
    def release(self, lease: RemoteLease) -> None:
        """End a lease, unless it fell, and another has the key by now."""
        if self.server.held.get(lease.key, ("", 0.0))[0] == lease.token:
            self.server.free(lease.key)
        if self._leases.get(lease.key) is lease:
            del self._leases[lease.key]

    @_trip
    def renew(self, leases: Collection[Lease]) -> Collection[Lease]:
        lost = []
        for lease in leases:
            assert isinstance(lease, RemoteLease)
            if self.server.holder(lease.key) == lease.token:
                until = self.server.clock() + self.lease_time
                self.server.held[lease.key] = lease.token, until
            elif not lease.is_over:
                lost.append(lease)
        return lost

    @_trip
    def leased(self, keys: Collection[str]) -> Collection[str]:
        return [key for key in keys if self.server.holder(key)]

    def next_releases(self, seconds: float) -> Collection[str] | None:
        if not self.tells:
            return None
        if self._news is None:
            self._news = queue.SimpleQueue()
            self.server.listeners.append(self._news)
        news = set()
        try:
            news.add(self._news.get(timeout=seconds) if seconds else self._news.get_nowait())
            while True:
                news.add(self._news.get_nowait())
        except queue.Empty:
            return news

    def stop_listening(self) -> None:
        if self._news is not None:
            self.server.listeners.remove(self._news)
            self._news = None

    @_trip
    def put_valid(self, record: TaskRecord, since: int) -> bool:
        """With the release of the lease that this client has of the key."""
        stored = super().put_valid(record, since)
        self._release_with(record.cache_key)
        return stored

    @_trip
    def put_many_valid(self, rows: Iterable[tuple[TaskRecord, int]]) -> set[str]:
        rows = list(rows)
        refused = super().put_many_valid(rows)
        for record, _ in rows:
            self._release_with(record.cache_key)
        return refused

    def _release_with(self, key: str) -> None:
        lease = self._leases.get(key)
        if lease is not None and not lease.is_over:
            lease.is_over = True
            self.release(lease)

    def clear(self) -> None:
        """As FLUSHALL: rows and leases are gone."""
        super().clear()
        self.server.held.clear()

    def share_waits(self, waits: Mapping[str, Collection[str]]) -> Mapping[str, Collection[str]]:
        del waits
        return {}

    def close(self) -> None:
        self.stop_listening()
        super().close()
