"""The leases of keys that one Spot holds, and the calls that wait for those of others.

A Spot has one token in each process, to which the store leases keys. Within the process a lease
belongs to the call that got it: until that has released it, or its result is written, no other call
gets it. A lease of finite time falls to another process unless it is renewed: one daemon thread
does that for all that are held, each third of that time. A forked child has a token of its own, and
none of the leases.

Who waits for a key that another call computes is polling: one daemon thread asks for all awaited
keys together, after a millisecond first, then ever more rarely, and once a second in the end; for
what a call of this process holds, when that has released it. The store answers with the result,
once it is there, or leases the key, once its holder is gone.
"""

from __future__ import annotations

import os
import time
from _thread import get_ident
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any, Final

from beautyspot.concurrency import holders
from beautyspot.concurrency.deferred import NeededThread
from beautyspot.concurrency.locks import Lock
from beautyspot.concurrency.waiting import Awaited, Bell, Together
from beautyspot.contracts.store import Begun
from beautyspot.logs import logger
from beautyspot.messages import less_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from beautyspot.concurrency.single_flight import Lease
    from beautyspot.resilience.guarded_backends import GuardedStore

BEATS: Final = 3
"""How often a lease is renewed within its time."""

TOGETHER: Final = 256
"""Keys that threads ask about in one trip."""

FIRST: Final = 0.001
LONGEST: Final = 1.0
"""Seconds between two questions for a key, at least and at most."""

SHARE: Final = 0.1
"""The part of the time that a call has waited after which it is asked for again."""


class LeaseWait(Awaited):
    """The wait of a call for a lease, or for what is stored under its key by then.

    Attributes:
        lease: which one.
        rejected: see `MetadataStoreBase.begin`.
        began: when, by a monotonic clock.
        due: when the store is asked again.
        answer: of the store; None before there is one, and where the store failed.
        asked: when that was asked, by `time.monotonic`.
    """

    began = due = asked = 0.0
    answer: Begun | None = None

    def __init__(self, lease: Lease, rejected: Mapping[str, float]) -> None:
        self.lease, self.rejected = lease, rejected
        self.done, self.wakers = False, list[Any]()


class Leases:
    """The leases of one Spot in this process.

    Args:
        store: gives them.
        spot: the name of the Spot, for the log.
        clock: a monotonic clock, in seconds.

    Attributes:
        token: to which the store leases keys.
        leases: those of this process by key; also those that the store is being asked for.
        lease_time: seconds for which a lease holds.
        ended: whether the Spot was shut down.
        since: the store's number, as it was heard last; 0 before that.
    """

    def __init__(
        self, store: GuardedStore, spot: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._spot, self._clock = store, spot, clock
        self.lease_time = store.real.lease_time
        self.since = 0
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
        """The leases are the parent's, and so are the threads."""
        self.token = os.urandom(16).hex()
        self.leases: dict[str, Lease] = {}
        self._missed: set[Lease] = set()  # those that the store did not know at the last beat
        self._waiting: dict[LeaseWait, None] = {}
        self._renewing = NeededThread("leases", self._renew_all, self.leases.__len__)
        self._polling = NeededThread("waits", self._poll_all, self._waiting.__len__)
        self._bell, self._poll_bell = Bell(), Bell()
        self._together = Together(self._ask_of_all, min(TOGETHER, self._store.real.most_leases))
        self._lock = Lock()  # nothing is called within it
        self.ended = False

    # ------------------------------------------------------------------------------- holding

    def begin(  # noqa: C901 - one step, in its order: it is made at each miss
        self, leases: Collection[Lease], rejected: Mapping[str, float], *, in_place: bool = False
    ) -> Begun:
        """Ask for leases, and see what is stored under their keys.

        What is held then is renewed from here on. The store is not asked for what another call of
        this process holds. Threads that ask for one each, of a store that may block, share their
        trips to it, and each is given what was found for all of them.

        Args:
            leases: those that are wanted, none of them held.
            rejected: see `MetadataStoreBase.begin`.
            in_place: whether nothing is to be waited for.

        Raises:
            MetadataError: the store failed; `MetadataBusyError` `in_place` where it would wait.
        """
        asked: dict[str, Lease] = {}
        table, store, here, held = self.leases, self._store, get_ident(), 0
        try:
            with self._lock:
                for lease in leases:
                    key = lease.key
                    other = table.get(key)
                    # What this thread asked for, or gave back, before is over: it was interrupted.
                    if other is None or other.thread == here:
                        lease.thread = here
                        table[key] = asked[key] = lease
            if leases and not asked:
                return Begun({}, [], self.since, store.clock())
            if in_place:
                begun = store.begin_now([*asked], self.token, rejected=rejected)
            elif len(asked) == 1 and store.blocking:
                begun = self._together((next(iter(asked)), rejected))
            else:
                begun = store.begin([*asked], self.token, rejected=rejected)
            now = self._clock()
            if begun.since > self.since:
                self.since = begun.since
            for key in begun.leased:
                if key in asked:  # else it is another thread's
                    lease = asked[key]
                    lease.held, lease.renewed_at, lease.thread = True, now, 0
                    held += 1
        finally:
            if held < len(asked):
                self.drop(*[lease for lease in asked.values() if not lease.held])
        if held and self.lease_time < inf:
            self._renewing.begin()
        return begun

    def _ask_of_all(self, asked: list[tuple[str, Mapping[str, float]]]) -> Begun:
        """Ask for the one key of each of several threads."""
        rejected: dict[str, float] = {}
        for _, each in asked:
            rejected |= each
        return self._store.begin([*dict(asked)], self.token, rejected=rejected)

    def release(self, *leases: Lease) -> None:
        """Release those of these that are held.

        Raises:
            MetadataError: the store failed; they are not renewed, and fall.
        """
        held: list[Lease] = []
        here = get_ident()
        with self._lock:
            for lease in leases:
                if lease.held and lease.thread in (0, here):
                    lease.thread = here  # nobody asks for it until the store has answered
                    held.append(lease)
        try:
            if held:
                self._store.release([lease.key for lease in held], self.token)
        finally:
            self.drop(*held)

    def drop(self, *leases: Lease) -> None:
        """Hold these no more: the store has released them.

        One that another thread gives back just now is dropped by that: the store hears of it yet.
        """
        here = get_ident()
        with self._lock:
            for lease in leases:
                if lease.thread not in (0, here):
                    continue
                if self.leases.get(lease.key) is lease:
                    del self.leases[lease.key]
                lease.held, lease.thread = False, 0
        if self._waiting:
            keys = [lease.key for lease in leases]
            for wait in list(self._waiting):
                if wait.lease.key in keys:
                    wait.due = 0.0
            self._poll_bell()

    def stop(self) -> None:
        """End the threads, and wake all who wait."""
        self.ended = True
        self.leases.clear()
        self._bell()
        self._poll_bell()
        for wait in list(self._waiting):
            self._tell(wait, None)

    def _renew_all(self) -> None:
        while True:
            self._bell.wait(self.lease_time / BEATS)
            if not self.leases or self.ended:
                return
            with suppress(Exception):  # as where the interpreter ends
                self.beat()

    def beat(self) -> None:
        """Renew all leases that are held, and say once which were lost."""
        holders.end_orphans()  # what closed event loops have left is released, not renewed
        asked, why = self._clock(), "the store says so"
        held = {lease.key: lease for lease in list(self.leases.values()) if lease.held}
        try:
            unknown = self._store.renew(list(held), self.token) if held else set()
            missed = {held[key] for key in unknown if held[key].held}
            # Once is no loss: a put has just released it, which is yet to be noted here.
            gone = missed & self._missed
            self._missed = missed
        except Exception as error:
            gone = {each for each in held.values() if each.renewed_at <= asked - self.lease_time}
            why = f"to renew them failed: {type(error).__name__}: {error}"
        else:
            for lease in set(held.values()) - missed:
                lease.renewed_at = asked
        gone = {lease for lease in gone if lease.held}
        self.drop(*gone)
        if gone:
            message = (
                f"{len(gone)} of the leases that this process holds were lost, where they hold for "
                f"{self.lease_time:g} s ({why}): the process was stopped, the network or the "
                "server failed, or the server was emptied. Others may run the same calls "
                "meanwhile, or more than max_concurrent= says; the results of these are stored "
                "all the same, unless newer ones are there by then"
            )
            logger.warning("%s: %s", self._spot, less_secrets(message))

    # ------------------------------------------------------------------------------- waiting

    def wait_for(self, wait: LeaseWait) -> None:
        """Have a lease asked for until there is an `answer`; `forget` ends the wait."""
        wait.began = self._clock()
        wait.due = wait.began + FIRST
        self._waiting[wait] = None
        self._polling.begin()
        self._poll_bell()  # it may have planned to ask a second later

    def forget(self, wait: LeaseWait) -> None:
        """End a wait; if the lease came for it, that is its caller's to release."""
        with self._lock:
            self._waiting.pop(wait, None)

    def _poll_all(self) -> None:
        while self._waiting and not self.ended:
            now, waiting = self._clock(), list(self._waiting)
            due = [wait for wait in waiting if wait.due <= now]
            if due:
                for wait in due:
                    wait.due = now + min(max(FIRST, (now - wait.began) * SHARE), LONGEST)
                self._ask(due)
            else:
                self._poll_bell.wait(min((wait.due for wait in waiting), default=now) - now)

    def _ask(self, waiting: list[LeaseWait]) -> None:
        """Ask for some leases, and tell those who wait of news about their keys."""
        rejected: dict[str, float] = {}
        asked = time.monotonic()
        first = {wait.lease.key: wait for wait in reversed(waiting)}
        for wait in first.values():
            rejected.update(wait.rejected)
        try:
            begun = self.begin([wait.lease for wait in first.values()], rejected)
        except Exception:
            for wait in waiting:
                self._tell(wait, None)  # each asks once more by itself, and meets the failure
            return
        for wait in waiting:
            lease = wait.lease
            is_found = lease.key in begun.found and wait.rejected == first[lease.key].rejected
            if is_found or lease.held:
                wait.asked = asked
                if not self._tell(wait, begun) and lease.held:
                    with suppress(Exception):
                        self.release(lease)

    def _tell(self, wait: LeaseWait, answer: Begun | None) -> bool:
        """End a wait; False where that was forgotten."""
        with self._lock:
            waits = wait in self._waiting
            if waits:
                wait.answer = answer
                del self._waiting[wait]
        if waits:
            wait.end()
        return waits
