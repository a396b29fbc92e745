"""`Lease`: a place that one call holds under a limit of all machines."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Lease(ABC):
    """The right to a place, until it is released.

    Attributes:
        lost: True once it was not renewed in time, so that another caller may hold it. The thread
            of core that renews leases sets it, and so may a store.
        token: what tells it from every other lease of the place; "" where a lease can't be lost.
    """

    lost: bool = False
    token: str = ""

    @abstractmethod
    def release(self) -> None:
        """Let another caller have the lease. A second call does nothing.

        The lease of a later holder stays, where this one was lost.
        """
