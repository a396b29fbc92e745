"""Leases: of a key, for the one call that computes it; of a place, for one call under a cap."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from beautyspot.contracts.backend import Backend
from beautyspot.errors import NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from beautyspot.contracts.records import Entry, Plain


class Lease(ABC):
    """The right to be the only caller that computes a key, until it is released.

    Attributes:
        lost: True once it was not renewed in time, so that another caller may hold it. The thread
            of core that renews leases sets it, and so may a store.
        token: what tells it from every other lease that the key has ever had; "" where a lease
            can't be lost.
    """

    lost: bool = False
    token: str = ""

    @abstractmethod
    def release(self) -> None:
        """Let another caller have the lease. A second call does nothing.

        The lease of a later holder stays, where this one was lost.
        """


class Beginning(NamedTuple):
    """What a call needs to begin its function.

    Attributes:
        lease: of its key, now held.
        found: what `find` gives for the key, asked when the lease was held.
        generation: what `generation` gives, 0 where the store has no such memory.
        now: what `now` gives.
    """

    lease: Lease
    found: Plain | Entry | None
    generation: int
    now: float


class LeasingBase(Backend):
    """The part of a metadata store that gives leases, so that one call at a time computes a key."""

    leases: ClassVar[bool] = False
    """True if `try_lease` works, and excludes other processes that use the same store."""

    most_leases: int = 1000
    """How many leases a call may hold at once; for more results it goes without the others'."""

    lease_time: float = math.inf
    """Seconds for which a lease holds after it was taken or renewed; infinite if as long as its
    process lives."""

    pause_per_key: float = 0.0
    """Seconds, at least, between two questions of `leased`, for each key in a question.

    While calls wait, core asks for all their keys at once: after a millisecond first, then ever
    more rarely, and once a second in the end. A store that asks for each key by itself, or pays for
    it, says here how often it is to be asked: with 0.02, fifty keys a second at most.
    """

    def try_lease(self, key: str) -> Lease | None:
        """The lease of `key`, or None while another caller holds it. Returns at once.

        The lease excludes every other holder on the same store: other processes, and other
        instances of this class in the same process. It ends when its process dies.

        Raises:
            NotSupportedError: the store has no leases (`leases` is False).
        """
        raise NotSupportedError(f"the metadata store {self.name!r} has no leases ({key})")

    def renew(self, leases: Collection[Lease]) -> Collection[Lease]:
        """Have these leases hold for another `lease_time`; those of them that were lost.

        Called by one thread of the process, several times within `lease_time`, if that is finite. A
        lease that this instance has released, or `put_valid` with its row, was not lost.
        """
        del leases
        return ()

    def leased(self, keys: Collection[str]) -> Collection[str]:
        """Which of these keys are leased now, by whomever.

        Calls that wait for a lease are woken by it. The base class takes each lease to find out.
        """
        taken = []
        for key in keys:
            lease = self.try_lease(key)
            if lease is None:
                taken.append(key)
            else:
                lease.release()
        return taken

    def next_releases(self, seconds: float) -> Collection[str] | None:
        """Wait at most so long for leases to be released, and give the keys of those that were.

        Called again and again by one thread of the process, as long as calls wait for leases, first
        with 0 seconds: from the end of that call on the store listens, and what is released between
        two calls is told by the next one. It may miss some, and leave out keys that nobody has
        tried to lease meanwhile. None, as by the base class, if the store can't tell: core asks
        `leased` then.
        """
        del seconds
        return None

    def stop_listening(self) -> None:
        """Note that no call waits any more, until `next_releases` is called again.

        A store that listens for what it tells ends that, so that no messages pile up for it.
        """

    def share_waits(self, waits: Mapping[str, Collection[str]]) -> Mapping[str, Collection[str]]:
        """Tell other processes what this one waits for, and be told what they wait for.

        Args:
            waits: by key that a call waits to lease: the keys whose leases this process holds, and
                whose calls go on only after that. It takes the place of what was told before, and
                ends with the process.

        Returns:
            The same of all others. Without it, which is the default, calls of several processes
            that wait for each other stand still until `wait_timeout`.
        """
        del waits
        return {}

    def lease_holder(self, key: str) -> str:
        """Who holds the lease of `key`, for people, as "process 4711"; "" where that is unknown."""
        del key
        return ""
