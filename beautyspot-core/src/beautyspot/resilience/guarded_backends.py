"""A metadata store and a blob storage as the rest of core asks them: each behind one breaker.

A backend that hangs costs its time-out once in a while and not at every call. The fast path to a
hit does not come by here: it asks the store itself, and `detours` tells it when not to.
"""

from __future__ import annotations

import math
import time
from functools import partial
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from beautyspot.concurrency.locks import Lock
from beautyspot.contracts import BlobStorageBase
from beautyspot.contracts.backend import hints
from beautyspot.contracts.store import Begun, MetadataStoreBase
from beautyspot.errors import MetadataBusyError, MetadataError
from beautyspot.messages import SIGNED_ONLY
from beautyspot.resilience.circuit_breaker import (
    FAR_SLOW,
    SLOW,
    Breaker,
    MetadataResting,
    StorageResting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from beautyspot.resilience.reporting import Reporter

P = ParamSpec("P")
T = TypeVar("T")


BUSY_WAIT: Final = 1.0
"""Seconds for which an operation that may wait goes on trying while the store is locked."""

PART: Final = 8 * 2**20
"""Bytes of a file that are loaded at a time."""


def patient(operation: Callable[P, T]) -> Callable[P, T]:
    """The operation, tried again for `BUSY_WAIT` while the store is locked."""

    def patiently(*args: P.args, **kwargs: P.kwargs) -> T:
        ends, pause = time.monotonic() + BUSY_WAIT, 0.001
        while True:
            try:
                return operation(*args, **kwargs)
            except MetadataBusyError:
                if time.monotonic() + pause > ends:
                    raise
            time.sleep(pause)
            pause = min(pause * 2, 0.05)

    return patiently


# --------------------------------------------------------------------------- whose time it is

_time: Any = time  # some systems lack some of its clocks
_KIND: Final = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


wall: Final[Callable[[], float]] = partial(methodcaller("time"), time)
"""This machine's clock, asked for by its name each time: what freezes the time in tests (freezegun)
puts another function there. A function of our own would be a call more."""


def ticks() -> float:
    """Seconds by a clock that is never set, and goes on while the machine sleeps, where it can."""
    return time.monotonic() if _KIND is None else float(_time.clock_gettime(_KIND))


class StoreClock:
    """Call it for the time, in Unix time, by the clock that a store has of its own.

    Machines that share a store do not agree on the time, so what is stored goes by the store's
    clock. Each answer that tells the time says how far that is from this machine's. The store read
    its clock between the question and the answer, so it shows no less than the answer says at any
    moment after that: this least time is the estimate. It is never ahead of the store, and never
    behind what this process has heard before.

    Args:
        ticks: seconds of this machine.
        wall: its wall clock, by which it goes until the store was heard.
    """

    def __init__(
        self, ticks: Callable[[], float] = ticks, wall: Callable[[], float] = wall
    ) -> None:
        self.ticks, self._wall = ticks, wall
        self._ahead: float | None = None  # of the store's clock to the ticks; None: not known yet
        self._lock = Lock()  # nothing is called within it

    def __call__(self) -> float:
        """The time."""
        ahead = self._ahead
        return self._wall() if ahead is None else self.ticks() + ahead

    def hear(self, now: object, sent: float) -> None:
        """Take the time from an answer of the store to a question that was `sent` at these ticks.

        Raises:
            MetadataError: it is no time.
        """
        came = self.ticks()
        if not isinstance(now, int | float) or not math.isfinite(now):
            raise MetadataError(f"`now` of the store gave {now!r:.40}: return Unix time in seconds")
        least, most = now - came, now - sent
        with self._lock:
            ahead = least if self._ahead is None else self._ahead
            self._ahead = min(max(ahead, least), most)

    def reset_after_fork(self) -> None:
        """A thread of the parent may have held the lock."""
        self._lock = Lock()


# ---------------------------------------------------------------------------------- the backends


class GuardedStore:
    """A metadata store as core asks it.

    Attributes:
        real: the store itself.
        clock: gives the time by which all that is stored goes.
        detours: not empty while a hit must not be read from the store directly.
        breaker: says when it is asked.
        find, find_many, get, rows, begin, put, delete, note, renew, release, touch, add_counts,
            remark: as in the contract, behind the breaker.
        find_now, begin_now: in an event loop: they raise `MetadataBusyError` where they would wait.
    """

    def __init__(self, store: MetadataStoreBase, reporter: Reporter, *, signs: bool) -> None:
        self.real, self._reporter, self._signs = store, reporter, signs
        self.name, self.blocking = store.name, store.blocking
        self.detours: set[object] = set()
        self.breaker = Breaker(
            "the metadata store",
            MetadataResting,
            slow=FAR_SLOW if store.remote else SLOW,
            limit=None,
            on_change=lambda opened: (self.detours.add if opened else self.detours.discard)(self),
            on_recovery=lambda _: reporter.recovered("metadata", "the metadata store works again"),
        )
        has_this_clock = type(store).now is MetadataStoreBase.now  # this machine's
        self._store_clock = None if has_this_clock else StoreClock()
        self.clock: Callable[[], float] = self._store_clock or wall
        self._is_admitted = signs or not store.remote
        begin = store.begin if self._store_clock is None else self._begin
        guarded, look, save, lease = self._guarded, "look-ups", "saves", "leases"
        self.find, self.find_now = guarded(look, patient(store.find)), guarded(look, store.find)
        self.find_many = guarded(look, patient(store.find_many))
        self.get, self.rows = guarded(look, store.get), guarded(look, store.rows)
        self.begin, self.begin_now = guarded("begin", patient(begin)), guarded("begin", begin)
        self.put, self.delete = guarded(save, store.put), guarded(save, store.delete)
        self.note, self.touch = guarded(save, store.note), guarded(save, store.touch)
        self.add_counts, self.remark = guarded(save, store.add_counts), guarded(save, store.remark)
        self.renew, self.release = guarded(lease, store.renew), guarded(lease, store.release)

    def _guarded(self, family: str, operation: Callable[P, T]) -> Callable[P, T]:
        """An operation behind the breaker, of a family that may work where others fail.

        Before the first one it is known that the Spot may use the store: one on a network may
        demand signatures, and says so once it is open.
        """

        def admitted(*args: P.args, **kwargs: P.kwargs) -> T:
            if not self._is_admitted:
                self._admit()
            return operation(*args, **kwargs)

        return self.breaker.guarding(operation if self._is_admitted else admitted, family)

    def _admit(self) -> None:
        self._open()
        if not self._is_admitted:
            why = f"the metadata store {self.name!r} {SIGNED_ONLY}"
            self._reporter.once("signatures", f"{why}. Until then calls run uncached")
            raise MetadataError(why)

    def open(self, *, is_open: bool = False) -> None:
        """See the contract. What the store's clock shows is known from here on.

        Args:
            is_open: whether the store was opened without this.
        """
        self.breaker.guarding(self._open, "look-ups")(is_open=is_open)

    def _open(self, *, is_open: bool = False) -> None:
        if not is_open:
            self.real.open()
        self._is_admitted = self._signs or not self.real.demands_signing
        if self._store_clock is not None:
            sent = self._store_clock.ticks()
            self._store_clock.hear(self.real.now(), sent)

    @property
    def store_id(self) -> str:
        """See the contract."""
        return self.breaker.guarding(lambda: self.real.store_id, "look-ups")()

    def _begin(
        self, keys: Collection[str], token: str, *, rejected: Mapping[str, float] | None = None
    ) -> Begun:
        """The same, and hear what the store's clock shows."""
        sent, begun = ticks(), self.real.begin(keys, token, rejected=rejected)
        if self._store_clock is not None and isinstance(begun, Begun):
            self._store_clock.hear(begun.now, sent)
        return begun

    def reset_after_fork(self) -> None:
        """Another thread of the parent may have held a lock."""
        self.breaker.reset_after_fork()
        if self._store_clock is not None:
            self._store_clock.reset_after_fork()


def hinted(save: Callable[..., str]) -> Callable[..., str]:
    """`save` or `save_file`, called without a ``content_type`` where it does not take one."""
    if hints(save, content_type=""):
        return save
    return lambda key, data, content_type=None: save(key, data)


class GuardedStorage:
    """A blob storage as core asks it.

    Attributes:
        real: the storage itself.
        save, save_file, load, delete: as in the contract, behind the breaker.
        list, whereabouts: as in the contract, asked whatever failed before.
    """

    def __init__(self, storage: BlobStorageBase, breaker: Breaker | None) -> None:
        def guarded(operation: Callable[P, T]) -> Callable[P, T]:
            return operation if breaker is None else breaker.guarding(operation, "storage")

        self.real, self.blocking = storage, storage.blocking
        self.save, self.save_file = (
            guarded(hinted(storage.save)),
            guarded(hinted(storage.save_file)),
        )
        self.load, self._load_part = guarded(storage.load), guarded(storage.load_part)
        self.delete, self.list = guarded(storage.delete), storage.list
        self.whereabouts = storage.whereabouts

    def unguarded(self) -> GuardedStorage:
        """The same without its breaker: if a blob can't be deleted, the next one still may be."""
        return GuardedStorage(self.real, None)

    def parts(self, location: str) -> Iterator[bytes]:
        """The bytes of a blob, as few in memory as there have to be.

        A storage that can't read a part loads the whole.
        """
        if type(self.real).load_part is BlobStorageBase.load_part:
            yield self.load(location)
            return
        start, found = 0, b""
        while start == 0 or len(found) == PART:
            yield (found := self._load_part(location, start, PART))
            start += PART


class Storages:
    """The storage of a Spot, made when it is first needed, behind its breaker.

    Args:
        find: gives the storage; None where none is installed.
        reporter: is told when it works again.
    """

    def __init__(self, find: Callable[[], BlobStorageBase | None], reporter: Reporter) -> None:
        self.breaker = Breaker(
            "the blob storage",
            StorageResting,
            limit=None,
            on_recovery=lambda _: reporter.recovered("storage", "the blob storage works again"),
        )
        self._find = self.breaker.guarding(find, "storage")
        self._known: GuardedStorage | None = None

    def __call__(self) -> GuardedStorage | None:
        """The storage.

        Raises:
            StorageError: it can't be made at the moment.
        """
        if self._known is None:
            real = self._find()
            self._known = None if real is None else GuardedStorage(real, self.breaker)
        return self._known
