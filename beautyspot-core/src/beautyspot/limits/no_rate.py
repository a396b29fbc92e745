"""What takes the place of a limiter that fails where nothing is known of its rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from beautyspot.contracts import LimiterBase, Reservation, pause_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts.units import Pause


class NoRate(LimiterBase):
    """Grants every call, but none during a pause."""

    name: ClassVar[str] = "unlimited"

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = 0.0

    def reserve(self, cost: float = 1, *, max_wait: float | None = None) -> Reservation | None:
        """Reserve after the pause."""
        return self.reserve_after(cost, 0.0, max_wait=max_wait)

    def reserve_after(
        self, cost: float, seconds: float, *, max_wait: float | None = None
    ) -> Reservation | None:
        """The same, `seconds` away or more."""
        wait = max(seconds, self.busy_for())
        return None if max_wait is not None and wait > max_wait else Reservation(wait, cost)

    def release(self, reservation: Reservation) -> None:
        """Do nothing: no other call waits for it."""

    def settle(self, reservation: Reservation, real_cost: float) -> None:
        """Do nothing: no cost is counted."""

    def remaining(self, reservation: Reservation) -> float:
        """What is left of the pause."""
        del reservation
        return self.busy_for()

    def pause(self, seconds: Pause) -> None:
        """Grant nothing for so long."""
        self._until = max(self._until, self._clock() + pause_seconds(seconds))

    def busy_for(self) -> float:
        """What is left of the pause."""
        return max(0.0, self._until - self._clock())

    def wait_for(self, cost: float = 1) -> float:
        """What is left of the pause."""
        del cost
        return self.busy_for()
