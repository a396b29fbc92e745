"""What the limiters that follow a `Timeline` reserve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.contracts import Reservation

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import LimiterBase


class Held(Reservation):
    """A reservation that knows its interval of the limiter's time.

    Attributes:
        start: where the interval starts, in seconds of the limiter's time.
        end: where it ends; what lies between is `cost / rate`.
        owner: the limiter that granted it.
        open: it can still be given back; false once used, given back or settled.
        settled: its real cost is known, or it was given back.
        told: the start that its caller was told last, and sleeps for. Only where one waits.
        wake: ends the sleep. Only where one waits.
    """

    __slots__ = ("end", "open", "owner", "settled", "start", "told", "wake")
    told: float
    wake: Callable[[], object]

    def __init__(
        self, delay: float, cost: float, start: float, end: float, owner: LimiterBase
    ) -> None:
        self.delay = delay
        self.cost = cost
        self.start = start
        self.end = end
        self.owner = owner
        self.open = True
        self.settled = False

    @property
    def length(self) -> float:
        """The seconds of its interval."""
        return self.end - self.start
