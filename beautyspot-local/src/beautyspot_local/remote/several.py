"""`Several`: limits in one server that a call has to keep at once, asked together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from beautyspot.errors import CostError

from beautyspot_local.rate import as_number, checked_cost
from beautyspot_local.remote.reserving import Reserved, Reserving


class Several(Reserving):
    """Limits that begin at one moment, or take nothing; one round trip.

    Costs are tables, such as ``{"requests": 1, "tokens": 850}``. A limit that one leaves out, or
    gives as 0, is not asked; at least one has to be.
    """

    name: ClassVar[str] = "several"

    @classmethod
    def of(cls, limits: Mapping[str, Reserving]) -> Several | None:
        """Several limiters of one limit each; None where they can't be asked at once."""
        places = {limiter.place for limiter in limits.values()}
        ones = {name: limiter.as_one for name, limiter in limits.items()}
        if len(places) != 1 or len({one.key for one in ones.values()}) < len(ones):
            return None
        first = next(iter(limits.values()))
        return cls(first._keeper, ones, first._clock)

    def check_cost(self, cost: object) -> None:
        """Refuse a table that `reserve` would refuse; see `LimiterBase.check_cost`.

        A part of the table may be a function of the call's arguments, which is not asked here.
        """
        table = self._table("cost", cost)
        self._costs({name: 1e-300 if callable(part) else part for name, part in table.items()})

    def _costs(self, cost: Any) -> dict[str, float]:
        table = self._table("cost", cost)
        asked = {name: part for name, part in table.items() if as_number(part) != 0}
        if not asked:
            raise CostError(f"cost={cost!r:.80} asks no limit: give a cost to one of {self._names}")
        return {name: checked_cost(part, self._limits[name].most) for name, part in asked.items()}

    def _table(self, what: str, cost: Any) -> Mapping[str, Any]:
        if not isinstance(cost, Mapping) or not cost.keys() <= self._limits.keys():
            raise CostError(
                f"{what}={cost!r:.80} is no table of costs by the limits' names: give one of "
                f"{self._names}"
            )
        return cost

    def _real_costs(self, reserved: Reserved, real_cost: Any) -> Mapping[str, Any]:
        table = self._table("real_cost", real_cost)
        for name in table:
            if name not in reserved.parts:
                raise CostError(
                    f"real_cost= names the limit {name!r}, of which the call reserved nothing: "
                    "give an estimate in its cost="
                )
        return table

    @property
    def _names(self) -> str:
        return ", ".join(map(repr, self._limits))
