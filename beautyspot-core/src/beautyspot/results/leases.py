"""The leases of keys that one Spot holds, and the calls that wait for those of others.

A Spot has one token in each process, to which the store leases keys. A lease of finite time falls
to another process unless it is renewed: one daemon thread does that for all that are held, each
third of that time. A forked child has a token of its own, and none of the leases.

Who waits for a key that another process computes is polling: one daemon thread asks for all awaited
keys together, after a millisecond first, then ever more rarely, and once a second in the end. The
store answers with the result, once it is there, or leases the key, once its holder is gone.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Final

from beautyspot.concurrency import holders
from beautyspot.concurrency.deferred import NeededThread
from beautyspot.concurrency.together import Together
from beautyspot.concurrency.waiting import Awaited, Bell
from beautyspot.contracts.backend import wrong_answer
from beautyspot.contracts.store import Begun
from beautyspot.errors import MetadataError
from beautyspot.logs import logger
from beautyspot.messages import less_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

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


class Leases:
    """The leases of one Spot in this process.

    Args:
        store: gives them.
        spot: the name of the Spot, for the log.
        clock: a monotonic clock, in seconds.

    Attributes:
        token: to which the store leases keys.
        held: by key, when its lease was renewed last; a put that releases one takes it out.
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
        self.held: dict[str, float] = {}
        self._missed: dict[str, float] = {}  # those that the store did not know at the last beat
        self._tickets: dict[Ticket, None] = {}
        self._renewing = NeededThread("leases", self._renew_all, self.held.__len__)
        self._polling = NeededThread("waits", self._poll_all, self._tickets.__len__)
        self._bell, self._poll_bell = Bell(), Bell()
        self._together = Together(self._ask_of_all, min(TOGETHER, self._store.real.most_leases))
        self._lock = threading.Lock()  # nothing is called within it
        self.ended = False

    # ------------------------------------------------------------------------------- holding

    def begin(
        self, keys: Collection[str], rejected: Mapping[str, float], *, in_place: bool = False
    ) -> Begun:
        """Lease keys, and see what is stored under them; what is leased is renewed from here on.

        Threads that ask about a key each, of a store that may block, share their trips to it.

        Raises:
            MetadataError: the store failed; `MetadataBusyError` `in_place` where it would wait.
        """
        if len(keys) == 1 and self._store.real.blocking and not in_place:
            [key] = keys
            begun = self._together((key, rejected))
            if isinstance(begun, Begun):
                found = {key: begun.found[key]} if key in begun.found else {}
                leased = [key] if key in begun.leased else []
                begun = begun._replace(found=found, leased=leased)
        else:
            ask = self._store.begin_now if in_place else self._store.begin
            begun = ask(keys, self.token, rejected=rejected)
        if not isinstance(begun, Begun):
            advice = "return a Begun with its four fields"
            raise MetadataError(wrong_answer(self._store.real, "begin", begun, "a Begun", advice))
        self.since = max(self.since, begun.since)
        if begun.leased:
            self.held |= dict.fromkeys(begun.leased, self._clock())
            if self.lease_time < inf:
                self._renewing.begin()
        return begun

    def _ask_of_all(self, asked: list[tuple[str, Mapping[str, float]]]) -> Begun:
        rejected: dict[str, float] = {}
        for _, each in asked:
            rejected |= each
        return self._store.begin([*dict(asked)], self.token, rejected=rejected)

    def release(self, *keys: str) -> None:
        """Release those of these keys that are held.

        Raises:
            MetadataError: the store failed; the leases are not renewed, and fall.
        """
        held = [key for key in keys if self.held.pop(key, None) is not None]
        if held:
            self._store.release(held, self.token)

    def stop(self) -> None:
        """End the threads, and wake all who wait."""
        self.ended = True
        self.held.clear()
        self._bell()
        self._poll_bell()
        for ticket in list(self._tickets):
            self._tell(ticket, None)

    def _renew_all(self) -> None:
        while True:
            self._bell.wait(self.lease_time / BEATS)
            if not self.held or self.ended:
                return
            with suppress(Exception):  # as where the interpreter ends
                self.beat()

    def beat(self) -> None:
        """Renew all leases that are held, and say once which were lost."""
        holders.end_orphans()  # what closed event loops have left is released, not renewed
        held, asked = self.held.copy(), self._clock()
        why = "the store says so"
        try:
            unknown = self._store.renew(list(held), self.token) if held else set()
            missed = {key: held[key] for key in unknown if self.held.get(key) == held[key]}
            # Once is no loss: a put has just released it, which is yet to be noted here.
            lost = {key for key, since in missed.items() if self._missed.get(key) == since}
            self._missed = missed
        except Exception as error:
            since = asked - self.lease_time
            lost = {key for key in held if self.held.get(key, inf) <= since}
            why = f"to renew them failed: {type(error).__name__}: {error}"
        else:
            for key in held.keys() - missed.keys():
                if key in self.held:
                    self.held[key] = asked
        gone = [key for key in lost if self.held.pop(key, None) is not None]
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

    def wait_for(self, key: str, rejected: Mapping[str, float]) -> Ticket:
        """A ticket for a key that another holder computes; `forget` ends the wait."""
        ticket = Ticket(key, dict(rejected), self._clock())
        self._tickets[ticket] = None
        self._polling.begin()
        self._poll_bell()  # it may have planned to ask a second later
        return ticket

    def forget(self, ticket: Ticket) -> bool:
        """End a wait; whether the lease came for it, and is its caller's to release."""
        with self._lock:
            self._tickets.pop(ticket, None)
            ticket.is_over = True
            answer = ticket.answer
        return answer is not None and ticket.key in answer.leased

    def _poll_all(self) -> None:
        while self._tickets and not self.ended:
            now, tickets = self._clock(), list(self._tickets)
            due = [ticket for ticket in tickets if ticket.due <= now]
            if due:
                self._ask(due)
                for ticket in due:
                    ticket.due = now + min(max(FIRST, (now - ticket.since) * SHARE), LONGEST)
            else:
                self._poll_bell.wait(min((ticket.due for ticket in tickets), default=now) - now)

    def _ask(self, tickets: list[Ticket]) -> None:
        """Ask for the keys of some waits, and tell those of which there is news."""
        rejected: dict[str, float] = {}
        asked = time.monotonic()
        for ticket in tickets:
            rejected.update(ticket.rejected)
        try:
            begun = self.begin({ticket.key for ticket in tickets}, rejected)
        except Exception:
            for ticket in tickets:
                self._tell(ticket, None)  # each asks once more by itself, and meets the failure
            return
        unused = {*begun.leased}
        for ticket in tickets:
            if ticket.key in begun.found or ticket.key in unused:
                with self._lock:
                    ticket.answer = None if ticket.is_over else begun
                if ticket.answer is not None:
                    unused.discard(ticket.key)
                    ticket.asked = asked
                    self._tell(ticket, begun)
        if unused:
            with suppress(Exception):
                self.release(*unused)

    def _tell(self, ticket: Ticket, answer: Begun | None) -> None:
        """End a wait."""
        ticket.answer = answer
        self._tickets.pop(ticket, None)
        ticket.end()


class Ticket(Awaited):
    """One call's wait for a key.

    Attributes:
        answer: what the store answered about the key, once there is something; None before, and
            where the store failed.
        asked: when the answer was asked for, by `monotonic`.
        is_over: whether nobody waits any more.
        due: when the key is asked for again.
    """

    __slots__ = ("answer", "asked", "due", "is_over", "key", "rejected", "since")

    def __init__(self, key: str, rejected: Mapping[str, float], since: float) -> None:
        self.key, self.rejected, self.since, self.due = key, rejected, since, since + FIRST
        self.answer: Begun | None = None
        self.asked = 0.0
        self.done = self.is_over = False
        self.wakers = []
