"""What the limiters in the server have in common, be it one limit or several at once."""

from __future__ import annotations

import math
import os
from abc import abstractmethod
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from beautyspot.contracts import LimiterBase, Reservation, pause_seconds
from beautyspot.errors import ConfigError
from beautyspot.logs import logger

from beautyspot_local.rate import checked_seconds, real_length
from beautyspot_local.remote.keeping import Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from beautyspot.contracts import Pause

    from beautyspot_local.remote.keeping import Keeper, Limit

ONLY_TELL: Final = -1.0
"""The longest wait of a `reserve` that is not to take anything."""


class Part(NamedTuple):
    """An interval of a limit's time, as the server tells it; exact."""

    epoch: float
    start: float
    end: float


class Reserved(Reservation):
    """A reservation in one limit or several.

    Attributes:
        parts: its interval in each, by the limit's name.
        owner: the limiter that granted it.
        open: it can still be given back: not used, nor given back.
        settled: the limits in which its real cost is known, or that got it back.
    """

    __slots__ = ("open", "owner", "parts", "settled")

    def __init__(
        self, delay: float, cost: float, parts: dict[str, Part], owner: LimiterBase
    ) -> None:
        super().__init__(delay, cost)
        self.parts = parts
        self.owner = owner
        self.open = True
        self.settled: set[str] = set()


class Reserving(LimiterBase):
    """Reserves in limits that the server keeps, in one round trip.

    Args:
        keeper: asks the server for them.
        limits: by their names.
        clock: gives seconds; None is the server's own clock.
    """

    blocking = True
    shared = True
    remote = True

    def __init__(
        self,
        keeper: Keeper,
        limits: Mapping[str, Limit],
        clock: Callable[[], float] | None,
    ) -> None:
        self._keeper = keeper
        self._limits = dict(limits)
        self._clock = clock
        self._differs = False
        self._is_keyed = False

    @abstractmethod
    def _costs(self, cost: Any) -> dict[str, float]:
        """The cost in each limit that is asked.

        Raises:
            CostError: one of them is not possible.
        """

    @abstractmethod
    def _real_costs(self, reserved: Reserved, real_cost: Any) -> Mapping[str, Any]:
        """The real cost in each limit that it corrects, of those that the reservation asked.

        Raises:
            CostError: it is no such cost.
        """

    @property
    def as_one(self) -> Limit:
        """The first of its limits, or the only one."""
        return next(iter(self._limits.values()))

    @property
    def place(self) -> tuple[object, ...]:
        """Where its limits are kept: those of one place may be asked at once."""
        return self._keeper.where, self._is_keyed, self._clock

    # ---------------------------------------------------------------------------- reserving

    def reserve(self, cost: Any = 1, *, max_wait: float | None = None) -> Reserved | None:
        """Reserve `cost` at the earliest time, or None where that is over `max_wait` seconds away.

        Raises:
            CostError: the cost is not possible.
            ConfigError: `max_wait` is not a number.
        """
        return self.reserve_after(cost, 0.0, max_wait=max_wait)

    def reserve_after(
        self, cost: Any, seconds: float, *, max_wait: float | None = None
    ) -> Reserved | None:
        """`reserve`, at the earliest time that is `seconds` away or more.

        Raises:
            CostError: see `reserve`.
            ConfigError: `seconds` or `max_wait` is not a number.
        """
        found = self._asked(cost, checked_seconds(seconds), max_wait)
        return found if isinstance(found, Reserved) else None

    def _asked(self, cost: Any, after: float, max_wait: float | None) -> Reserved | float:
        """What was reserved, or the seconds that it would have to wait, which are too many."""
        costs = self._costs(cost)
        most = None if max_wait is None else _finite(checked_seconds(max_wait))
        wait, parts = self._reserve(costs, after, most)
        if not parts:
            return wait
        return Reserved(wait, cost if len(self._limits) == 1 else sum(costs.values()), parts, self)

    def _reserve(
        self, costs: Mapping[str, float], after: float, most: float | None
    ) -> tuple[float, dict[str, Part]]:
        lengths = {name: (cost / self._limits[name].rate,) for name, cost in costs.items()}
        return self._taken(lengths, self._ask("reserve", lengths, after, most))

    def _taken(
        self, names: Iterable[str], answer: Sequence[float]
    ) -> tuple[float, dict[str, Part]]:
        """The wait in an answer of the server, and the parts that it took, if any."""
        wait, *numbers = answer
        parts = {}
        for at, name in enumerate(names if numbers else ()):
            *part, rate = numbers[4 * at : 4 * at + 4]
            parts[name] = Part(*part)
            self._compare(name, rate)
        return wait, parts

    def _compare(self, name: str, rate: float) -> None:
        """Warn once where another process gives the limit another rate."""
        limit = self._limits[name]
        if rate != limit.rate and not self._differs:
            self._differs = True
            logger.warning(
                "the limit %r in the server is used at %g permits per second, and here at %g: give "
                "all processes one rate, or the limits two names",
                limit.key, rate, limit.rate,
            )  # fmt: skip

    def _reserve_within(self, cost: Any, timeout: float | None) -> Reservation:
        """As that of the base class; a refusal is one round trip."""
        found = self._asked(cost, 0.0, timeout)
        if isinstance(found, Reserved):
            return found
        raise self._refusal(cost, timeout, found)

    def wait_for(self, cost: Any = 1) -> float:
        """Seconds that a reservation of `cost` would have to wait now. It reserves nothing.

        Raises:
            CostError: see `reserve`.
        """
        wait, _ = self._reserve(self._costs(cost), 0.0, ONLY_TELL)
        return wait

    def remaining(self, reservation: Reservation) -> float:
        """Seconds that `reservation` must still wait; 0.0 means granted, and from then on used.

        It may have to begin anew: if its caller comes over a tenth of a second after its time, if
        the server has lost the limit, or where only some of several limits paused.
        """
        reserved = self._own(reservation)
        if not reserved.open:
            return 0.0
        answer = self._ask("remaining", reserved.parts)
        left, parts = self._taken(reserved.parts, answer)
        reserved.parts = parts or reserved.parts
        reserved.open = left > 0
        return left

    def _mark_used(self, reservation: Reservation) -> None:
        self._own(reservation).open = False

    # ---------------------------------------------------------------------------- afterwards

    def release(self, reservation: Reservation) -> None:
        """Give back a reservation that will not be used, as far as its time has not passed.

        What `consume` granted is used; it can't be given back. A second call does nothing.

        Raises:
            ConfigError: it is another limiter's reservation.
        """
        reserved = self._own(reservation)
        if reserved.open:
            reserved.open = False
            reserved.settled.update(reserved.parts)
            self._ask("release", reserved.parts)

    def settle(self, reservation: Reservation, real_cost: Any) -> None:
        """Correct a reservation to its real cost, which may be 0 and may be above the largest.

        If too much was reserved, the rest goes to the next callers. If too little was reserved, it
        is added behind all calls that wait already. Only the first `settle` counts; one after
        `release` does nothing.

        Raises:
            CostError: `real_cost` is no cost.
            ConfigError: it is another limiter's reservation.
        """
        reserved = self._own(reservation)
        costs = self._real_costs(reserved, real_cost)
        lengths = {name: real_length(cost, self._limits[name].rate) for name, cost in costs.items()}
        given = {
            name: (*reserved.parts[name], length)
            for name, length in lengths.items()
            if name not in reserved.settled
        }
        reserved.open = False
        reserved.settled.update(given)
        if given:
            self._ask("settle", given)

    def pause(self, seconds: Pause) -> None:
        """Grant nothing for so many seconds, in whatever process; see `LimiterBase.pause`.

        Raises:
            ConfigError: `seconds` is no length of time, not finite, or longer than a year.
        """
        length = pause_seconds(seconds)
        if length:
            limits = dict.fromkeys(self._limits, ())
            self._ask("pause", limits, length, None if self._is_keyed else 1.0)

    def for_key(self, key: str) -> Self:
        """The same for what `key` names, in whatever process; see `LimiterBase.for_key`.

        Its state expires by itself, a minute after all that is reserved has passed.
        """
        made = object.__new__(type(self))  # `copy` would do as pickle does: see `remade`
        vars(made).update(vars(self), _made_by=partial(self.for_key, key))
        digest = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        made._limits = {
            name: limit._replace(key=f"{limit.key}\n{digest}")
            for name, limit in self._limits.items()
        }
        made._is_keyed = True
        return made

    def busy_for(self) -> float:
        """Seconds until all that is reserved has passed: then it is as good as a new one."""
        return max(self._look()[::2])

    def _look(self) -> Sequence[float]:
        return self._ask("look", dict.fromkeys(self._limits, ()))

    # ------------------------------------------------------------------------------ asking

    def _ask(
        self,
        operation: str,
        given: Mapping[str, tuple[float, ...]],
        first: float = 0.0,
        second: float | None = None,
    ) -> Sequence[float]:
        """Have the server do something for some limits, each with what is needed of it."""
        return self._keeper.run(
            Asked(
                operation,
                [self._limits[name] for name in given],
                list(given.values()),
                None if self._clock is None else self._clock(),
                _nonce(),
                first,
                second,
            )
        )

    def _own(self, reservation: Reservation) -> Reserved:
        if not isinstance(reservation, Reserved) or reservation.owner is not self:
            raise ConfigError(
                f"{reservation!r:.80} is not of this limiter: hand it to the one that granted it"
            )
        return reservation


def _nonce() -> int:
    """A number that no other call has brought; a double holds it."""
    return int.from_bytes(os.urandom(6))


def _finite(seconds: float) -> float | None:
    return None if seconds == math.inf else seconds
