"""`Heartbeat`: renews the leases of one backend while they are held, and says which were lost.

A lease of finite `lease_time` falls to another process unless it is renewed. One daemon thread a
backend does that for all that are held, each third of that time. It begins with the first of them,
and ends once a look finds none. A lease that was not renewed in time, or that the backend says is
lost, gets `lost = True`; it is asked for again at each beat, since its holder goes on, and the
backend may give it back.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Final, Protocol

from beautyspot.concurrency import holders
from beautyspot.concurrency.deferred import NeededThread
from beautyspot.concurrency.forks import reset_in_children
from beautyspot.concurrency.waiting import Bell
from beautyspot.contracts.calling import wrong_answer
from beautyspot.logs import logger
from beautyspot.messages import less_secrets

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import Lease

BEATS: Final = 3
"""How often a lease is renewed within its time."""

RETRIES: Final = 12
"""How often within that time, where renewing fails."""


class Leasing(Protocol):
    """What gives leases: a limiter, of places for calls under way. (Keys: `results/leases.py`.)"""

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
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        backend: Leasing,
        meaning: str,
        *,
        spot: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend, self._meaning, self._spot, self._clock = backend, meaning, spot, clock
        self.reset_after_fork()
        reset_in_children(self)

    def reset_after_fork(self) -> None:
        """The leases are the parent's, and so is the thread."""
        self._held: dict[Lease, float] = {}  # when each was renewed last
        self._thread = NeededThread("heartbeat", self._renew_all, self._held.__len__)
        self._bell = Bell()
        self._fails = False

    def hold(self, lease: Lease) -> None:
        """Renew a lease, which the backend gave at this moment, until it is dropped."""
        if self._backend.lease_time < inf:
            self._held[lease] = self._clock()
            self._thread.begin()

    def drop(self, lease: Lease) -> None:
        """Renew a lease no more."""
        self._held.pop(lease, None)

    def stop(self) -> None:
        """Renew none of these any more, and end the thread."""
        self._held.clear()
        self._bell()

    def beat(self) -> None:
        """Renew all leases that are held, and mark those that were lost."""
        holders.end_orphans()
        held, asked, why = self._held.copy(), self._clock(), "the backend says so"
        if not held:
            return
        try:
            told: object = self._backend.renew([*held])
            if not isinstance(told, Collection):
                advice = "return those that were lost"
                raise TypeError(wrong_answer(self._backend, "renew", told, "leases", advice))
            lost = held.keys() & set(told)
            self._fails = False
        except Exception as error:
            self._fails, why = True, f"to renew them failed: {type(error).__name__}: {error}"
            since = self._clock() - self._backend.lease_time
            lost = {lease for lease, renewed in held.items() if renewed <= since}
        else:
            for lease in held.keys() - lost:
                if lease in self._held:  # else it was released meanwhile
                    self._held[lease], lease.lost = asked, False
        news = [lease for lease in lost if lease in self._held and not lease.lost]
        if news:
            self._lose(news, min(held[lease] for lease in news), why)

    def _lose(self, leases: list[Lease], renewed: float, why: str) -> None:
        """Mark leases as lost, and say so."""
        for lease in leases:
            lease.lost = True
        message = (
            f"{len(leases)} of the leases that this process holds were lost, last renewed "
            f"{self._clock() - renewed:.1f} s ago, where they hold for "
            f"{self._backend.lease_time:g} s ({why}): the process was stopped, the network or the "
            f"server failed, or the server was emptied. {self._meaning}"
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
