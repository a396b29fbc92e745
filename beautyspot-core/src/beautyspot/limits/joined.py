"""Several limits that a limiter made of them asks at once, such as in one round trip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from beautyspot.limits.combined import CombinedLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.contracts import LimiterBase, Reservation
    from beautyspot.contracts.units import Pause


class JoinedLimiter(CombinedLimiter):
    """Grants a call when all of its limits do, as `CombinedLimiter`, which checks the costs.

    Args:
        limits: each limit by its name. The caller closes them.
        joint: what `LimiterBase.together` of their class made of them.
    """

    name: ClassVar[str] = "joined"

    def __init__(self, limits: Mapping[str, LimiterBase], joint: LimiterBase) -> None:
        super().__init__(limits)
        self._joint = joint

    def reserve_after(
        self, cost: Any, seconds: float, *, max_wait: float | None = None
    ) -> Reservation | None:
        """`reserve`, at the earliest time that is `seconds` away or more."""
        costs: Any = self._costs(cost)
        if not seconds:
            return self._joint.reserve(costs, max_wait=max_wait)
        return self._joint.reserve_after(costs, seconds, max_wait=max_wait)

    def _reserve_within(self, cost: Any, timeout: float | None) -> Reservation:
        costs: Any = self._costs(cost)
        return self._joint._reserve_within(costs, timeout)

    def wait_for(self, cost: Any = 1) -> float:
        """Seconds that a reservation of `cost` would have to wait now."""
        costs: Any = self._costs(cost)
        return self._joint.wait_for(costs)

    def remaining(self, reservation: Reservation) -> float:
        """See `LimiterBase.remaining`."""
        return self._joint.remaining(reservation)

    def wake_early(self, reservation: Reservation, wake: Callable[[], object]) -> bool:
        """See `LimiterBase.wake_early`."""
        return self._joint.wake_early(reservation, wake)

    def _mark_used(self, reservation: Reservation) -> None:
        self._joint._mark_used(reservation)

    def release(self, reservation: Reservation) -> None:
        """See `LimiterBase.release`."""
        self._joint.release(reservation)

    def settle(self, reservation: Reservation, real_cost: Any) -> None:
        """Correct the parts that the table `real_cost` names; the others stay as they are."""
        costs: Any = self._table("real_cost", real_cost)
        self._joint.settle(reservation, costs)

    def pause(self, seconds: Pause) -> None:
        """Grant nothing for so many seconds, in all limits; see `LimiterBase.pause`."""
        self._joint.pause(seconds)

    def busy_for(self) -> float:
        """Seconds until all that is reserved in any of the limits has passed."""
        return self._joint.busy_for()

    def for_key(self, key: str) -> JoinedLimiter:
        """Limits like these, fresh, for what `key` names; see `LimiterBase.for_key`."""
        limits = {name: limit.for_key(key) for name, limit in self.limits.items()}
        made = JoinedLimiter(limits, self._joint.for_key(key))
        made._owned = tuple(limits.values())
        return made
