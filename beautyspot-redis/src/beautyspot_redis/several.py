"""`Several`: limits of one server that a call has to keep at once, asked together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from beautyspot.errors import CostError
from beautyspot_local.rate import checked_cost

from beautyspot_redis.reserving import Reserving

if TYPE_CHECKING:
    from beautyspot_redis.limiter import RedisLimiter
    from beautyspot_redis.reserving import Reserved


class Several(Reserving):
    """Limits that begin at one moment, or take nothing; one round trip.

    Costs are tables, such as ``{"requests": 1, "tokens": 850}``. A limit that one leaves out, or
    gives as 0, is not asked; at least one has to be.

    Args:
        limits: by their names, of one server and one namespace. The caller closes them.
    """

    name: ClassVar[str] = "redis-several"

    def __init__(self, limits: Mapping[str, RedisLimiter]) -> None:
        first = next(iter(limits.values()))
        super().__init__(
            first._server, {name: one.as_one for name, one in limits.items()}, first._clock
        )
        self._of = dict(limits)
        self._keys_pause = first._keys_pause

    @classmethod
    def of(cls, limits: Mapping[str, RedisLimiter]) -> Several | None:
        """These limits at once; None where no one script can ask them all."""
        places = {limit.place for limit in limits.values()}
        names = {limit.as_one.key for limit in limits.values()}
        return cls(limits) if len(places) == 1 and len(names) == len(limits) else None

    def check_cost(self, cost: object) -> None:
        """Refuse a table that `reserve` would refuse; see `LimiterBase.check_cost`."""
        for name, part in self._parts("cost", cost).items():
            if not callable(part):
                self._of[name].check_cost(part)

    def _costs(self, cost: Any) -> dict[str, float]:
        parts = self._parts("cost", cost)
        return {name: checked_cost(part, self._of[name].max_cost) for name, part in parts.items()}

    def _parts(self, what: str, cost: Any) -> dict[str, Any]:
        """The parts of a cost that are not 0."""
        table = self._table(what, cost)
        found = {n: part for n, part in table.items() if type(part) is bool or part != 0}
        if not found:
            raise CostError(
                f"{what}={cost!r:.80} asks no limit: give a cost to one of {', '.join(self._of)}"
            )
        return found

    def _table(self, what: str, cost: Any) -> Mapping[str, Any]:
        if not isinstance(cost, Mapping) or not cost.keys() <= self._of.keys():
            raise CostError(
                f"{what}={cost!r:.80} is no table of the limits {', '.join(self._of)}: give one, "
                'such as {"requests": 1}'
            )
        return cost

    def _real_costs(self, reserved: Reserved, real_cost: Any) -> dict[str, float]:
        table = self._table("real_cost", real_cost)
        for name in table:
            if name not in reserved.parts:
                raise CostError(
                    f"real_cost= names the limit {name!r}, of which the call reserved nothing: "
                    "give an estimate in its cost="
                )
        return dict(table)

    def for_key(self, key: str) -> Several:
        """Limits like these for what `key` names; see `LimiterBase.for_key`."""
        return Several({name: limit.for_key(key) for name, limit in self._of.items()})
