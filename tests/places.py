"""A limiter that keeps places for calls under way on all machines, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.contracts import Lease
from beautyspot_local import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Collection


class Slot(Lease):
    def __init__(self, taken: list[Slot], name: str) -> None:
        self.taken = taken
        self.name = name

    def release(self) -> None:
        if self in self.taken:
            self.taken.remove(self)


class Placing(TokenBucket):
    """One machine's view of places that all share; any rate is granted."""

    slots = True
    shared = True
    lease_time = 30.0
    broken = False

    def __init__(self, taken: list[Slot]) -> None:
        super().__init__(1e9)
        self.taken = taken
        self.asked = 0
        self.sizes: list[int] = []

    def try_slot(self, name: str, size: int) -> Slot | None:
        self.asked += 1
        self.sizes.append(size)
        if self.broken:
            raise OSError("away")
        if sum(slot.name == name for slot in self.taken) >= size:
            return None
        slot = Slot(self.taken, name)
        self.taken.append(slot)
        return slot

    def renew(self, leases: Collection[Lease]) -> Collection[Lease]:
        return [lease for lease in leases if lease not in self.taken]
