"""`Heartbeat`: renews the leases of one backend while they are held, and says which were lost.

A lease of finite `lease_time` falls to another process unless it is renewed. One daemon thread a
backend does that for all that are held, each third of that time. It begins with the first of them,
and ends once a look finds none. A lease that was not renewed in time, or that the backend says is
lost, gets `lost = True`.

The leases are known weakly: one that was dropped, as by a Ctrl-C before anything held it, is
released, and never renewed again.
"""

from __future__ import annotations

import itertools
import os
import time
import weakref
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Final, Protocol

from beautyspot.concurrency import deferred, holders
from beautyspot.concurrency.deferred import NeededThread
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.waiting import Bell
from beautyspot.contracts import Lease
from beautyspot.contracts.calling import wrong_answer
from beautyspot.logs import logger
from beautyspot.messages import less_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

BEATS: Final = 3
"""How often a lease is renewed within its time."""

RETRIES: Final = 12
"""How often within that time, where renewing fails."""


class Leasing(Protocol):
    """What gives leases: a metadata store, or a limiter with places for calls under way."""

    @property
    def lease_time(self) -> float:
        """Seconds for which a lease holds unless it is renewed."""
        ...

    def renew(self, leases: Collection[Lease], /) -> Collection[Lease]:
        """Have these hold for another `lease_time`; those of them that were lost."""
        ...


class Heartbeat:
    """The leases of one backend that this process holds.

    Args:
        backend: what gives the leases.
        meaning: what it means that some were lost, for the log: a sentence without its full stop.
        spot: the name of the Spot, for the log.
        insists: whether what was lost is asked for again at each beat: its holder goes on, and the
            backend may give it back.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        backend: Leasing,
        meaning: str,
        *,
        spot: str = "",
        insists: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend = backend
        self._meaning = meaning
        self._spot = spot
        self._insists = insists
        self._clock = clock
        self._numbers = itertools.count()
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """The leases are the parent's, and so is the thread."""
        self._held: dict[int, _Known] = {}
        self._thread = NeededThread("heartbeat", self._renew_all, self.__len__)
        self._bell = Bell()
        self._fails = self._ended = False

    def __len__(self) -> int:
        """How many leases are held."""
        return len(self._held)

    def hold(self, lease: Lease, release: Callable[[], object] | None = None) -> Lease:
        """The lease in a form that is renewed until it is released, or dropped.

        Args:
            lease: as the backend gave it, at this moment.
            release: releases it; None: its own method.
        """
        held = _HeldLease(lease, release or lease.release, self, next(self._numbers))
        if self._backend.lease_time < inf:
            self._held[held.number] = _Known(held, self._clock())
            self._thread.begin()
        return held

    def drop(self, number: int) -> None:
        """Renew a lease no more."""
        self._held.pop(number, None)
        if self._ended and not self._held:  # no further one is to be expected
            self._bell()

    def stop(self) -> None:
        """Renew none of these any more, and end the thread."""
        self._ended = True
        self._held.clear()
        self._bell()

    def beat(self) -> None:
        """Renew all leases that are held, and mark those that were lost."""
        holders.end_orphans()
        known = self._known()
        if not known:
            return
        asked = self._clock()
        try:
            told: object = self._backend.renew([held.real for _, held in known])
            if not isinstance(told, Collection):
                advice = "return those that were lost"
                raise TypeError(wrong_answer(self._backend, "renew", told, "leases", advice))
        except Exception as error:
            self._fails = True
            since = self._clock() - self._backend.lease_time
            entries = [(each, self._held.get(each[0])) for each in known]
            overdue = [each for each, entry in entries if entry and entry.renewed <= since]
            self._lose(overdue, f"to renew them failed: {type(error).__name__}: {error}")
            return
        lost = {id(lease) for lease in told}
        self._fails = False
        for number, held in known:
            entry = self._held.get(number)
            if entry is not None and id(held.real) not in lost:
                entry.renewed = asked
                if self._insists:
                    held.lost = held.real.lost = False
        gone = [each for each in known if id(each[1].real) in lost or each[1].real.lost]
        self._lose(gone, "the backend says so")

    def _known(self) -> list[tuple[int, _HeldLease]]:
        """Those that are held; what was dropped is forgotten."""
        found: list[tuple[int, _HeldLease]] = []
        for number, entry in list(self._held.items()):
            held = entry.lease()
            if held is None:
                self.drop(number)
            else:
                found.append((number, held))
        return found

    def _lose(self, known: list[tuple[int, _HeldLease]], why: str) -> None:
        """Mark leases as lost, and say so once; not those that were released meanwhile."""
        renewed: list[float] = []
        for number, held in known:
            entry = self._held.get(number)
            if not self._insists:  # else it is renewed all the same: the backend may give it back
                self._held.pop(number, None)
            if entry is not None and not (self._insists and held.lost):
                held.lost = held.real.lost = True
                renewed.append(entry.renewed)
        if renewed:
            ago = self._clock() - min(renewed)
            message = (
                f"{len(renewed)} of the leases that this process holds were lost, last renewed "
                f"{ago:.1f} s ago, where they hold for {self._backend.lease_time:g} s ({why}): the "
                "process was stopped, the network or the server failed, or the server was emptied. "
                f"{self._meaning}"
            )
            begin = f"{self._spot}: " if self._spot else ""
            logger.warning("%s%s", begin, less_secrets(message))

    def _renew_all(self) -> None:
        while True:
            times = RETRIES if self._fails else BEATS
            self._bell.wait(self._backend.lease_time / times)  # calls in a row need one thread
            if not self._held:
                return
            with suppress(Exception):  # as where the interpreter ends
                self.beat()


class _Known:
    __slots__ = ("lease", "renewed")

    def __init__(self, lease: _HeldLease, renewed: float) -> None:
        self.lease = weakref.ref(lease)
        self.renewed = renewed


class _HeldLease(Lease):
    """A lease that a heartbeat knows."""

    number = -1

    def __init__(
        self, real: Lease, release: Callable[[], object], heartbeat: Heartbeat, number: int
    ) -> None:
        self.real = real
        self.token = real.token
        self._release: list[Callable[[], object]] = [release]
        self._heartbeat = heartbeat
        self._pid = os.getpid()
        self.number = number

    def release(self) -> None:
        """See the contract. A forked child does nothing: the lease is its parent's."""
        try:
            release = self._release.pop()
        except IndexError:  # it is released
            return
        self._heartbeat.drop(self.number)
        if self._pid == os.getpid():
            release()

    def __del__(self) -> None:
        """Release a lease that was dropped, as by a Ctrl-C before anything held it."""
        if self.number >= 0 and self._release and self._pid == os.getpid():
            self._heartbeat.drop(self.number)
            with suppress(Exception):  # as where the interpreter ends
                deferred.later(partial(_quietly, self._release.pop()))


def _quietly(release: Callable[[], object]) -> None:
    with suppress(Exception):  # nobody is left to be told, and it falls by itself
        release()
