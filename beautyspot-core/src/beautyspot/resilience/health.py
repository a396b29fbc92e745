"""`Health`: the circuit breakers of one Spot's metadata store and blob storage."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Final

from beautyspot.resilience.circuit_breaker import (
    Breaker,
    MetadataResting,
    Resting,
    StorageResting,
    have_one_server,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.resilience.reporting import Reporter

_LOOK_UPS: Final = "metadata store (look-ups)"


class Health:
    """Whether the backends of one Spot work.

    Attributes:
        detours: not empty while a hit must not be read from the store directly: what the reason is.
    """

    def __init__(self, reporter: Reporter, clock: Callable[[], float] = time.monotonic) -> None:
        self.detours: set[object] = set()
        self.reporter = reporter
        self._rested: set[str] = set()  # what was left alone for a while

        def breaker(point: str, resting: type[Resting], what: str) -> Breaker:
            changed = partial(self._changed, point, what)
            return Breaker(f"the {what}", resting, on_change=changed, clock=clock)

        self.reads = breaker("metadata", MetadataResting, _LOOK_UPS)
        self.writes = breaker("metadata", MetadataResting, "metadata store (saves)")
        self.leases = breaker("metadata", MetadataResting, "metadata store (leases)")
        self.log = breaker("metadata", MetadataResting, "metadata store (invalidations)")
        self.loads = breaker("storage", StorageResting, "blob storage (loads)")
        self.saves = breaker("storage", StorageResting, "blob storage (saves)")

    def _changed(self, point: str, what: str, opened: bool) -> None:
        if what == _LOOK_UPS:
            (self.detours.add if opened else self.detours.discard)(what)
        if opened:
            self._rested.add(what)
            return
        name = what.partition(" (")[0] if self.reads.kin and point == "metadata" else what
        # One success after one failure says little: others of the family may go on failing.
        was_left_alone = what in self._rested
        self._rested.discard(what)
        self.reporter.recovered(point, f"the {name} works again" if was_left_alone else None)

    def have_one_server(self) -> None:
        """Let all operations of the metadata store rest where one of them met a time-out."""
        have_one_server(self.reads, self.writes, self.leases, self.log)

    @property
    def breakers(self) -> tuple[Breaker, ...]:
        """All of them."""
        return (self.reads, self.writes, self.leases, self.log, self.loads, self.saves)

    def insist(self) -> None:
        """End all pauses: the next callers probe."""
        for breaker in self.breakers:
            breaker.insist()

    def reset_after_fork(self) -> None:
        """Another thread of the parent may have held a lock."""
        for breaker in self.breakers:
            breaker.reset_after_fork()
