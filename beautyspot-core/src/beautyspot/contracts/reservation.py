"""`Reservation`: what a limiter promises to one call."""

from __future__ import annotations


class Reservation:
    """A place in the limiter's time. A limiter may subclass it to remember what it needs.

    Attributes:
        delay: seconds from the reservation until it may be used; 0.0 is at once.
        cost: what was reserved.
    """

    __slots__ = ("cost", "delay")

    def __init__(self, delay: float, cost: float) -> None:
        self.delay = delay
        self.cost = cost
