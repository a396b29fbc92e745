"""`LeaseWatcher`: wakes the calls that wait for leases of a store over a network.

One daemon thread a store watches for all of them, so that none sits in an executor, and so that
the store is asked once for many keys. Where the store tells what was released, the thread listens;
since a message may be lost, and a holder die, it asks all the same, once a second. Where it can't
tell, the thread asks after a millisecond first, and then ever more rarely; where the store pays for
each key that it is asked for, it says how often (`pause_per_key`).

A call that waits takes a `Ticket`, then tries the lease once more, and then sleeps until the ticket
is rung: so no release is missed. Where the store fails, all are woken, and see that for themselves.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency.deferred import NeededThread
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.waiting import Bell
from beautyspot.contracts.calling import wrong_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import MetadataStoreBase

FIRST: Final = 0.001
LONGEST: Final = 1.0
"""Seconds between two questions to the store, at least and at most."""

SHARE: Final = 0.1
"""The part of the time that the youngest has waited after which the store is asked again."""

DEAF: Final = 5.0
"""Seconds after which a store that failed to tell is listened to again."""


class Ticket:
    """One call's wait for the lease of a key.

    Attributes:
        key: the key.
        since: when the call began to wait, by the watcher's clock.
    """

    __slots__ = ("_rung", "_wake", "key", "since")

    def __init__(self, key: str, since: float) -> None:
        self.key = key
        self.since = since
        self._rung = False
        self._wake: Callable[[], object] | None = None

    def add_waker(self, wake: Callable[[], object]) -> None:
        """Have `wake` called when the lease may be free; at once where it was rung already."""
        self._wake = wake
        if self._rung:
            wake()

    def remove_waker(self, wake: Callable[[], object]) -> None:
        """Forget it."""
        del wake
        self._wake = None

    def ring(self) -> None:
        """Wake the call that waits."""
        self._rung = True
        wake = self._wake
        if wake is not None:
            wake()


class LeaseWatcher:
    """Watches the leases of one store for the calls that wait for them.

    Args:
        store: the store.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        store: MetadataStoreBase,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self.clock = clock
        self._per_key: float = getattr(store, "pause_per_key", 0.0)
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """The thread stayed in the parent, and so did the callers that wait."""
        self._tickets: dict[Ticket, None] = {}
        self._thread = NeededThread("leases", self._watch, self.__len__)
        self._bell = Bell()
        self._listens = False
        self._listen_at = 0.0
        self._asked = 0.0

    @property
    def works(self) -> bool:
        """Whether the thread runs. It may be that none can be started."""
        return self._thread.runs

    def __len__(self) -> int:
        """How many calls wait."""
        return len(self._tickets)

    def add(self, key: str, since: float) -> Ticket:
        """A ticket for a call that has waited for the lease of `key` since then."""
        ticket = Ticket(key, since)
        self._tickets[ticket] = None
        self._thread.begin()
        self._bell()  # it may have planned to ask a second later
        return ticket

    def remove(self, ticket: Ticket) -> None:
        """Watch no more for a call."""
        self._tickets.pop(ticket, None)

    def stop(self) -> None:
        """Wake all, and end the thread."""
        self._ring(list(self._tickets))
        self._bell()

    def _ring(self, tickets: list[Ticket]) -> None:
        for ticket in tickets:
            self.remove(ticket)
            ticket.ring()

    # ------------------------------------------------------------------------------- the thread

    def _watch(self) -> None:
        """As long as calls wait: wait for something to happen, and wake those that it concerns."""
        try:
            while self._tickets:
                if self.clock() >= self._listen_at:  # what was released before that is asked for
                    self._listens, self._listen_at = True, inf
                    self._hear(0.0)
                    self._ask()
                elif self._listens:
                    self._hear(max(0.0, self._due() - self.clock()))
                else:
                    self._bell.wait(self._due() - self.clock())
                if self._tickets and self.clock() >= self._due():
                    self._ask()
        finally:
            with suppress(Exception):
                self._be_deaf(0.0)

    def _due(self) -> float:
        """When the store is to be asked next."""
        now, waits, tickets = self.clock(), LONGEST, list(self._tickets)
        if not self._listens:
            youngest = max((ticket.since for ticket in tickets), default=now)
            waits = min(max((now - youngest) * SHARE, FIRST), LONGEST)
        if self._per_key:
            waits = max(waits, self._per_key * len({ticket.key for ticket in tickets}))
        return self._asked + waits

    def _hear(self, seconds: float) -> None:
        try:
            told: object = self._store.next_releases(min(seconds, LONGEST))
        except Exception:
            self._be_deaf(DEAF)
            return
        if told is None:  # it can't tell
            self._listens = False
        elif isinstance(told, Collection):
            self._ring([ticket for ticket in list(self._tickets) if ticket.key in told])
        else:
            self._be_deaf(inf)

    def _be_deaf(self, seconds: float) -> None:
        """Listen no more; again after so many seconds."""
        listened, self._listens = self._listens, False
        self._listen_at = self.clock() + seconds
        if listened:
            self._store.stop_listening()

    def _ask(self) -> None:
        tickets = list(self._tickets)
        try:
            taken: object = self._store.leased(list({ticket.key for ticket in tickets}))
            if not isinstance(taken, Collection):
                advice = "return those that are leased"
                raise TypeError(wrong_answer(self._store, "leased", taken, "keys", advice))
        except Exception:
            self._ring(tickets)  # each tries its lease, and meets the failure
            return
        finally:
            self._asked = self.clock()
        self._ring([ticket for ticket in tickets if ticket.key not in taken])
