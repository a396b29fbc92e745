"""`RemoteLimiter`: one limit in a server, whichever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.contracts import checked

from beautyspot_local.rate import checked_cost, parse_burst, parse_rate
from beautyspot_local.remote.keeping import Limit
from beautyspot_local.remote.remade import Remade
from beautyspot_local.remote.reserving import Reserving
from beautyspot_local.remote.slots import Slot, Slots

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import timedelta

    from beautyspot.contracts import Context, Lease, LimiterBase

    from beautyspot_local.remote.keeping import Keeper
    from beautyspot_local.remote.remade import Server
    from beautyspot_local.remote.reserving import Reserved


class RemoteLimiter(Remade, Reserving):
    """A limit that a server keeps for all processes that name it.

    Args:
        server: is connected to.
        keeper: asks it.
        limit: the name of the limit.
        key, pause_key, prefix: what the limit is called in the server, the pause of its keys, and
            how the names of other things of limits begin.
        rate, max_cost, burst, workers, lease_time, clock: as of `RedisLimiter`.

    Attributes:
        rate: permits per second. Not to be assigned.
        burst: how much may go at once after idling. Not to be assigned.
        max_cost: the largest single cost. Not to be assigned.

    Raises:
        ConfigError: an option is out of its range, or unreadable.
    """

    slots = True

    def __init__(
        self,
        server: Server,
        keeper: Keeper,
        limit: str,
        *,
        key: str,
        pause_key: str,
        prefix: str,
        rate: str | float,
        max_cost: float | None,
        burst: float,
        workers: int,
        lease_time: float | str | timedelta,
        clock: Callable[[], float] | None,
    ) -> None:
        self.rate: float
        self.max_cost: float
        self.rate, self.max_cost = parse_rate(rate, max_cost)
        self.burst = parse_burst(burst)
        self.workers = checked.count("workers", workers)
        self.lease_time = checked.lease_time(lease_time)
        self._server = server
        self._limit = limit
        one = Limit(key, pause_key, self.rate, self.burst / self.rate, self.max_cost)
        super().__init__(keeper, {limit: one}, clock)
        self._slots = Slots(keeper, prefix, self.lease_time, clock)

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """The Spot's name as the namespace, and the name of the limit where there are several."""
        namespace = context.name.removesuffix(f".{context.part}") if context.part else context.name
        return {"namespace": namespace, "limit": context.part or "rate"}

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """The URL itself."""
        return {"url": url}

    def _costs(self, cost: Any) -> dict[str, float]:
        return {self._limit: checked_cost(cost, self.max_cost)}

    def _real_costs(self, reserved: Reserved, real_cost: Any) -> Mapping[str, Any]:
        del reserved
        return {self._limit: real_cost}

    @property
    def tat(self) -> float:
        """The theoretical arrival time: when what is reserved ends, in seconds of the clock."""
        return self._look()[1]

    def try_slot(self, name: str, size: int) -> Lease | None:
        """One of `size` places for calls under way at once; see `LimiterBase.try_slot`."""
        return self._slots.take(name, size)

    def renew(self, leases: Collection[Lease]) -> Collection[Lease]:
        """Have these places be held for another `lease_time`; those that were lost."""
        return self._slots.renew([lease for lease in leases if isinstance(lease, Slot)])

    def share(self) -> LimiterBase:
        """This process's part of the rate, in its own memory."""
        from beautyspot_local import TokenBucket

        part = self.workers
        return TokenBucket(self.rate / part, self.max_cost, burst=self.burst / part)

    @classmethod
    def together(cls, limits: Mapping[str, LimiterBase]) -> LimiterBase | None:
        """These limits at once, in one round trip, if they are of one server and one namespace."""
        from beautyspot_local.remote.several import Several

        ours = {name: each for name, each in limits.items() if isinstance(each, cls)}
        return Several.of(ours) if len(ours) == len(limits) else None

    def close(self) -> None:
        """Close the connections; they are opened again when they are needed."""
        if not self._is_keyed:  # else they are those of the limiter that made it
            self._server.close()
