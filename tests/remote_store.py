"""A metadata store as on a server, in this process: for tests of what core does with such a store.

`Server` is the content, with a clock of its own. Each `RemoteStore` of it is a client, as those of
several machines: it blocks, its leases hold for a while only, and `asked` tells what it was asked,
one name for each round trip.
"""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from beautyspot.memory import MemoryMetadataStore
from owned_clock import Clock

F = TypeVar("F", bound="Callable[..., Any]")


def _trip(operation: F) -> F:
    """Note the outermost operation: one round trip."""

    @functools.wraps(operation)
    def noted(self: RemoteStore, *args: Any, **kwargs: Any) -> Any:
        if getattr(self.inside, "depth", 0):
            return operation(self, *args, **kwargs)
        self.asked.append(operation.__name__)
        self.before(operation.__name__, args)
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
        self.lock = threading.RLock()
        self.content = {"id": os.urandom(16).hex().encode()}

    def flush(self) -> None:
        """As FLUSHALL: rows, leases and invalidations are gone."""
        with self.lock:
            for name in list(self.content):
                del self.content[name]


class RemoteStore(MemoryMetadataStore):
    """A client.

    Args:
        server: None: one of its own.
        lease_time: seconds, by the server's clock.

    Attributes:
        asked: the round trips, by the names of the operations.
        before: called before each, with its name and arguments; what it raises is its failure.
    """

    blocking: ClassVar[bool] = True
    remote = True

    def __init__(self, server: Server | None = None, *, lease_time: float = 30.0) -> None:
        super().__init__()
        self.server = server or Server()
        self.lease_time = lease_time
        self.asked: list[str] = []
        self.before: Callable[[str, tuple[Any, ...]], object] = lambda _name, _args: None
        self.inside = threading.local()
        self._bytes = self.server.content

    def now(self) -> float:
        return self.server.clock()

    find = _trip(MemoryMetadataStore.find)
    find_many = _trip(MemoryMetadataStore.find_many)
    get = _trip(MemoryMetadataStore.get)
    begin = _trip(MemoryMetadataStore.begin)
    put = _trip(MemoryMetadataStore.put)
    delete = _trip(MemoryMetadataStore.delete)
    note = _trip(MemoryMetadataStore.note)
    renew = _trip(MemoryMetadataStore.renew)
    release = _trip(MemoryMetadataStore.release)
