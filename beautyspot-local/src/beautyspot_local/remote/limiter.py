"""`RemoteLimiter`: one limit in a server, whichever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot.contracts import checked

from beautyspot_local.rate import checked_cost, parse_burst, parse_rate
from beautyspot_local.remote.keeping import Limit
from beautyspot_local.remote.remade import Remade
from beautyspot_local.remote.reserving import Reserving

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beautyspot.contracts import Context, LimiterBase

    from beautyspot_local.remote.keeping import Keeper
    from beautyspot_local.remote.reserving import Reserved


class RemoteLimiter(Remade, Reserving):
    """A limit that a server keeps for all processes that name it.

    Args:
        server: is connected to; see `Remade`.
        keeper: asks it.
        limit: the name of the limit.
        key, pause_key: what the limit is called in the server, and the pause of its keys.
        rate, max_cost, burst, workers, clock: as of `RedisLimiter`.

    Attributes:
        rate: permits per second. Not to be assigned.
        burst: how much may go at once after idling. Not to be assigned.
        max_cost: the largest single cost. Not to be assigned.

    Raises:
        ConfigError: an option is out of its range, or unreadable.
    """

    def __init__(
        self,
        server: Any,
        keeper: Keeper,
        limit: str,
        *,
        key: str,
        pause_key: str,
        rate: str | float,
        max_cost: float | None,
        burst: float,
        workers: int,
        clock: Callable[[], float] | None,
    ) -> None:
        self.rate: float
        self.max_cost: float
        self.rate, self.max_cost = parse_rate(rate, max_cost)
        self.burst = parse_burst(burst)
        self.workers = checked.count("workers", workers)
        self._server = server
        self._limit = limit
        one = Limit(key, pause_key, self.rate, self.burst / self.rate, self.max_cost)
        super().__init__(keeper, {limit: one}, clock)

    @classmethod
    def defaults(cls, context: Context) -> dict[str, Any]:
        """The Spot's name as the namespace, and the name of the limit where there are several."""
        namespace = context.name.removesuffix(f".{context.part}") if context.part else context.name
        return {"namespace": namespace, "limit": context.part or "rate"}

    def _costs(self, cost: Any) -> dict[str, float]:
        return {self._limit: checked_cost(cost, self.max_cost)}

    def _real_costs(self, reserved: Reserved, real_cost: Any) -> Mapping[str, Any]:
        del reserved
        return {self._limit: real_cost}

    @property
    def tat(self) -> float:
        """The theoretical arrival time: when what is reserved ends, in seconds of the clock."""
        return self._look()[1]

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
