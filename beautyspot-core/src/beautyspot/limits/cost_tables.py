"""Costs of several limits: tables of numbers, by the limits' names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from beautyspot.contracts import LimiterBase
from beautyspot.errors import CostError
from beautyspot.messages import did_you_mean, listing


class CostTables(LimiterBase):
    """A limiter of several limits, as far as it checks what calls cost.

    Attributes:
        limits: each limit by its name.
    """

    limits: dict[str, LimiterBase]

    def check_cost(self, cost: object) -> None:
        """Refuse a table that `reserve` would refuse; see `LimiterBase.check_cost`.

        A part of the table may be a function of the call's arguments, which is not asked here.
        """
        for name, part in self._costs(cost).items():
            if not callable(part):
                self.limits[name].check_cost(part)

    def _costs(self, cost: object) -> dict[str, Any]:
        """The parts of a cost that are not 0.

        Raises:
            CostError: it is no table, names an unknown limit, or has no such part.
        """
        table = self._table("cost", cost)
        costs = {name: part for name, part in table.items() if not _is_zero(part)}
        if not costs:
            raise CostError(
                f"cost={cost!r:.80} asks no limit: give a cost to one of {listing(self.limits)}"
            )
        return costs

    def _table(self, what: str, cost: object) -> Mapping[str, Any]:
        if not isinstance(cost, Mapping):
            example = ", ".join(f'"{name}": 1' for name in self.limits)
            raise CostError(
                f"{what}={cost!r:.80} does not say of which limit: give a table such as "
                f"{{{example}}}"
            )
        for name in cost:
            if name not in self.limits:
                raise CostError(
                    f"{what}= names the limit {name!r:.80}, which is not there."
                    f"{did_you_mean(str(name), self.limits)} The limits: {listing(self.limits)}"
                )
        return cost


def _is_zero(part: object) -> bool:
    return type(part) in (int, float) and part == 0
