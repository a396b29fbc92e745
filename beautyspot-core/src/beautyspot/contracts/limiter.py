"""The contract of a rate limiter: it grants what may begin now, and says when to ask again."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from beautyspot.contracts.backend import Backend
from beautyspot.contracts.checked import as_number, pause_seconds
from beautyspot.contracts.line import Lines
from beautyspot.errors import CostError, RateLimitError
from beautyspot.messages import did_you_mean, listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beautyspot.contracts.checked import Pause
    from beautyspot.contracts.schedule import Grant, Rate


class LimiterBase(Backend):
    """Grants permits at a rate, or at several at once, for each of any number of keys.

    A limiter has three methods of its own: `take`, `give_back` and `hold`. How calls wait, in what
    order, and what becomes of those that are given up, is core's; see `beautyspot.contracts.line`.

    Class attributes:
        shared: True if several processes share the limits. Otherwise each process has the whole
            rate, and `Spot.stats` says so.

    Attributes:
        limits: by their names; one that is alone is "rate". Set by the constructor.
        workers: how many processes share the limits, as far as the user said so. While the limiter
            fails, this process keeps so great a part of each rate.
    """

    blocking: ClassVar[bool] = False
    shared: ClassVar[bool] = False
    workers: float = 1
    limits: Mapping[str, Rate]
    _lines: Lines | None = None

    # ------------------------------------------------------------------------ what it brings

    @abstractmethod
    def take(
        self, asked: Sequence[Mapping[str, float]], key: str = ""
    ) -> tuple[list[Grant], float]:
        """Grant those calls that may begin within `SOON` seconds, in their order.

        A call takes from all of its limits or from none, and begins in all of them at one moment.

        Args:
            asked: the costs of each call, by limit; positive, finite and within the largest.
            key: the text whose own limits count: those of each are the whole limits. "" is none.

        Returns:
            The grants of the first of the calls, and the seconds that the first of the others would
            have to wait; 0.0 where there is none. It returns at once.
        """

    @abstractmethod
    def give_back(self, grant: Grant, real: Mapping[str, float]) -> None:
        """Correct what was granted, now that real costs are known: by limit, 0.0 or more.

        A call that never ran costs 0.0. Limits that are left out stay as they are.
        """

    @abstractmethod
    def hold(self, seconds: float, key: str = "") -> None:
        """Grant nothing for so many seconds from now, of a key; "" is all. Pauses overlap."""

    @classmethod
    def together(cls, limits: Mapping[str, Any]) -> LimiterBase | None:
        """One limiter that has the limits of all of these instances of the class, by these names.

        None where they can't be asked at one moment, such as of two servers.
        """
        del limits
        return None

    # ------------------------------------------------------------------------------ for users

    def costs_of(self, cost: object) -> dict[str, float]:
        """What a cost takes of each limit: a number, or where there are several, a table.

        A limit that the table leaves out, or gives as 0, is not asked.

        Raises:
            CostError: it is nothing of that, or above the largest cost; says what is valid.
        """
        costs: dict[str, float] = {}
        for name, part in self._table("cost", cost).items():
            number = _number("cost", part)
            most = self.limits[name].max_cost
            if number > most:
                raise CostError(
                    f"{number:g} is above max_cost={most:g}, so no wait could grant it: give a "
                    "smaller one, or raise the limiter's max_cost"
                )
            if number > 0:
                costs[name] = number
        if not costs:
            raise CostError(
                f"cost={cost!r:.80} asks no limit: give a positive number"
                + (f" to one of {listing(self.limits)}" if len(self.limits) > 1 else ", such as 1")
            )
        return costs

    def _table(self, what: str, cost: object) -> Mapping[str, Any]:
        if not isinstance(cost, Mapping):
            if len(self.limits) == 1:
                return dict.fromkeys(self.limits, cost)
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

    def check_cost(self, cost: object) -> None:
        """Refuse a constant cost that would be refused at every call.

        A part of a table may be a function of the call's arguments, which is not asked here.

        Raises:
            CostError: says what is valid.
        """
        if isinstance(cost, Mapping):
            cost = {name: 1e-300 if callable(part) else part for name, part in cost.items()}
        self.costs_of(cost)

    def consume(self, cost: Any = 1, *, timeout: float | None = None, key: str = "") -> Grant:
        """Wait until `cost` is granted; a `timeout` of 0 does not wait.

        Raises:
            CostError: see `costs_of`.
            RateLimitError: not granted within `timeout` seconds; nothing is spent.
        """
        return self.lines.consume(self.costs_of(cost), timeout, key)

    async def consume_async(
        self, cost: Any = 1, *, timeout: float | None = None, key: str = ""
    ) -> Grant:
        """`consume` for asynchronous code; a waiter that is cancelled leaves the line."""
        return await self.lines.consume_async(self.costs_of(cost), timeout, key)

    def try_consume(self, cost: Any = 1) -> bool:
        """Take `cost` if it is granted at once; never waits."""
        try:
            self.consume(cost, timeout=0)
        except RateLimitError:
            return False
        return True

    def settle(self, grant: Grant, real_cost: Any) -> None:
        """Correct what was granted to its real cost, once for each grant.

        It may be 0, and above the largest one. What is given back goes to those who wait, or else
        to later ones; what is missing is made up for before the next call.

        Raises:
            CostError: `real_cost` is no cost, or names a limit of which nothing was taken.
        """
        self.lines.give_back(grant, self.real_costs(grant, real_cost))

    def real_costs(self, grant: Grant, real_cost: object) -> dict[str, float]:
        """What a real cost is in each limit that it corrects.

        Raises:
            CostError: see `settle`.
        """
        table = self._table("real_cost", real_cost)
        real = {name: _number("real_cost", part) for name, part in table.items()}
        for name in real:
            if name not in grant.costs:
                raise CostError(
                    f"real_cost= names the limit {name!r}, of which the call took nothing: give an "
                    "estimate in its cost="
                )
        return real

    def pause(self, seconds: Pause, *, key: str = "") -> None:
        """Grant nothing for `seconds` from now: what a server's ``Retry-After`` asks for.

        Callers that wait already are held too. Pauses overlap; they do not add up.

        Args:
            seconds: a number, a duration, or the header's own text, be it seconds or a date. What
                is over already pauses nothing, and neither does None, where there is no header.
            key: the text whose own limits pause; "" is all of them.

        Raises:
            ConfigError: `seconds` is nothing of that, not finite, or longer than a year.
        """
        length = pause_seconds(seconds)
        if length:
            self.hold(length, key)

    @property
    def lines(self) -> Lines:
        """Those who wait for it in this process."""
        if self._lines is None:
            vars(self).setdefault("_lines", Lines(self))
        assert self._lines is not None  # noqa: S101 - made just now
        return self._lines


def _number(what: str, value: object) -> float:
    """A cost as a float.

    Raises:
        CostError: it is no finite number from 0 up.
    """
    number = as_number(value)
    if number is None or not 0 <= number < math.inf:
        raise CostError(
            f"{what}={value!r:.80} is no finite number from 0 up: give one, such as 1, or a "
            "function that returns one"
        )
    return number
