"""Places for calls that are under way at once, in whatever process.

For each holder the server keeps a token, and the time at which its place falls unless it is
renewed. What has fallen is removed before anything is counted.
"""

from __future__ import annotations

import secrets
from collections import deque
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from beautyspot.contracts import Lease
from beautyspot.errors import BeautyspotError

from beautyspot_local.remote.keeping import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from beautyspot_local.remote.keeping import Keeper

UNKNOWN: Final = 100
"""So many places are given back of which the server gave no answer; others fall by themselves."""


class Slot(Lease):
    """A place, until it is released."""

    def __init__(self, key: str, size: int, slots: Slots) -> None:
        self.place = Place(key, secrets.token_hex(12), size)
        self._slots: Slots | None = slots

    @property
    def is_released(self) -> bool:
        """Whether it was given back, or is about to be."""
        return self._slots is None

    def release(self) -> None:
        """Give the place to the next caller. A second release does nothing, unless this fails."""
        slots, self._slots = self._slots, None
        if slots is None:
            return
        try:
            slots.give_back(self)
        except BaseException:
            self._slots = slots
            raise


class Slots:
    """The places of one limiter.

    Args:
        keeper: asks the server for them.
        prefix: how the keys of limits begin.
        lease_time: seconds for which a place is held unless it is renewed.
        clock: gives seconds; None is the server's own clock.
    """

    def __init__(
        self,
        keeper: Keeper,
        prefix: str,
        lease_time: float,
        clock: Callable[[], float] | None,
    ) -> None:
        self._keeper = keeper
        self._prefix = f"{prefix}:slots:"
        self._lease_time = lease_time
        self._clock = clock
        self._unknown: deque[Slot] = deque(maxlen=UNKNOWN)

    def take(self, name: str, size: int) -> Slot | None:
        """A place among `size` of that name, or None while all are taken."""
        digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        slot = Slot(f"{self._prefix}{digest}", size, self)
        has_one = self._has(slot)
        if self._unknown:
            self._give_back_unknown()
            has_one = has_one or self._has(slot)
        return slot if has_one else None

    def _has(self, slot: Slot) -> bool:
        try:
            [has_one] = self._ask([slot])
        except BaseException:  # the server may have given it all the same
            self._unknown.append(slot)
            raise
        return has_one

    def _give_back_unknown(self) -> None:
        with suppress(IndexError, BeautyspotError):  # it is empty; or fails again, and they fall
            while True:
                self.give_back(self._unknown.popleft())

    def renew(self, slots: Collection[Slot]) -> list[Slot]:
        """Hold on to places; those of them that are lost."""
        asked = list(slots)
        if not asked:
            return []
        kept = self._ask(asked)
        for slot in asked:
            if slot.is_released:  # while the server was asked, which may have given it again
                self.give_back(slot)
        return [slot for slot, has_one in zip(asked, kept, strict=True) if not has_one]

    def give_back(self, slot: Slot) -> None:
        """Have a place be free."""
        self._keeper.drop(slot.place)

    def _ask(self, slots: list[Slot]) -> Sequence[bool]:
        clock = None if self._clock is None else self._clock()
        return self._keeper.hold([slot.place for slot in slots], self._lease_time, clock)
