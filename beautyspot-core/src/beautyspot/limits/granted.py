"""What a limiter, or the share in its place, has granted, as far as that still counts.

When one of them takes over, it grants behind what the other one has granted: else those who wait in
the one, and those who ask the other, would have twice the rate together.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from beautyspot.contracts import LimiterBase, Reservation

if TYPE_CHECKING:
    from collections.abc import Callable


class Placed(Reservation):
    """A reservation, and who granted it.

    Attributes:
        owner: what asked for it.
        by: the limiter.
        inner: its reservation.
        due: when it may be used, or was, by the owner's clock.
        is_fixed: whether it may go no sooner, whatever others give back.
    """

    __slots__ = ("by", "due", "inner", "is_fixed", "owner")

    def __init__(
        self,
        owner: LimiterBase,
        by: LimiterBase,
        inner: Reservation,
        now: float,
        is_fixed: bool,
    ) -> None:
        super().__init__(inner.delay, inner.cost)
        self.owner = owner
        self.by = by
        self.inner = inner
        self.due = now + inner.delay
        self.is_fixed = is_fixed


class Granted:
    """What one of them has granted: the calls that wait, and the one that began last.

    Args:
        length: gives the seconds that what a reservation holds takes at the whole rate.
    """

    def __init__(self, length: Callable[[Placed], float]) -> None:
        self._length = length
        self._waiting: dict[Placed, None] = {}
        self._last: Placed | None = None

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self._last is not None or bool(self._waiting)

    def add(self, placed: Placed) -> None:
        """Note a reservation."""
        if placed.delay > 0:
            self._waiting[placed] = None
        else:
            self._last = placed

    def begin(self, placed: Placed) -> None:
        """Note that its call begins."""
        if placed in self._waiting:
            del self._waiting[placed]
            self._last = placed

    def forget(self, placed: Placed) -> None:
        """Note that it is given back."""
        self._waiting.pop(placed, None)
        if self._last is placed:
            self._last = None

    def waits_until(self) -> float:
        """When the last of those who wait may go."""
        return max((each.due for each in list(self._waiting)), default=-inf)

    def ends(self, now: float) -> float:
        """When all that it has granted is over, at the whole rate."""
        last = self._last
        latest = max([*self._waiting, *([last] if last else ())], key=_due, default=None)
        end = -inf if latest is None else latest.due + self._length(latest)
        if end <= now and self._last is last:
            self._last = None
        return end


def _due(placed: Placed) -> float:
    return placed.due
