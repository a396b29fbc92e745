"""Leases: of a key, for the one call that computes it; of a place, for one call under a cap."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
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
